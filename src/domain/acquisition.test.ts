import { expect, it } from 'vitest'
import { acquisitionOf } from './acquisition.ts'

it('reads what BIDS sidecars say of MRI, in their units', () => {
  const sidecar = {
    MagneticFieldStrength: 3,
    RepetitionTime: 2.3,
    EchoTime: 0.00298,
    InversionTime: 0.9,
    FlipAngle: 9,
    Manufacturer: 'Siemens',
  }
  expect(acquisitionOf(sidecar)).toEqual({
    fieldStrength: 3,
    repetitionTime: 2.3,
    echoTime: 0.00298,
    inversionTime: 0.9,
    flipAngle: 9,
  })
})

it('leaves out what is absent, no number or not positive', () => {
  expect(acquisitionOf({ EchoTime: '3', RepetitionTime: 0, FlipAngle: null, InversionTime: -1 })).toEqual({})
})
