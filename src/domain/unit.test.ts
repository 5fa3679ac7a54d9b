import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { unitOf } from './unit.ts'

const unit = (sidecar: object, stem = 'image'): string | undefined =>
  unitOf(sidecar as Readonly<Record<string, unknown>>, stem)?.unit

describe('the unit that a file declares', () => {
  it.each([
    // BIDS: Units is required of PET; DICOM Units (0054,1001) and Rescale Type (0028,1054)
    [{ Modality: 'PT', Units: 'Bq/mL' }, 'Bq/ml'],
    [{ Units: 'kBq/mL' }, 'Bq/ml'],
    [{ Modality: 'PT', Units: 'BQML' }, 'Bq/ml'],
    [{ Modality: 'PT', Units: 'GML' }, 'SUVbw'],
    [{ Modality: 'PT', Units: 'g/mL' }, 'SUVbw'],
    [{ Units: 'SUVbw' }, 'SUVbw'],
    [{ Modality: 'CT' }, 'HU'],
    [{ RescaleType: 'HU' }, 'HU'],
    [{ Modality: 'PT' }, 'Bq/ml'],
    [{ Units: '10^-6 mm^2/s' }, 'mm2/s'],
    [{ Units: '1e-3 mm²/s' }, 'mm2/s'],
    [{ Units: 's' }, 's'],
    [{ Units: 's^-1' }, '1/s'],
    [{ Units: 'Hz' }, '1/s'],
    [{ Units: 'ms' }, 'ms'],
    [{ Modality: 'MR' }, undefined],
    [{ Modality: 'MR', Units: 'arbitrary' }, undefined],
    [{ Units: 7 }, undefined],
    [{}, undefined],
  ])('%j is %s', (sidecar, expected) => {
    expect(unit(sidecar)).toBe(expected)
  })

  it.each([
    ['sub-01_ct', 'HU'],
    ['sub-01_ses-1_pet', 'Bq/ml'],
    ['CT_image', 'HU'],
    ['PET_image', 'Bq/ml'],
    ['case7-SUV', 'SUVbw'],
    ['sub-01_ADC', 'mm2/s'],
    ['sub-01_T1w', undefined],
    // letters within a word are not the word
    ['sub-ct01_acq-petra_T1w', undefined],
    ['actual_image', undefined],
    ['CT-center_T1w', undefined],
    ['sub-1_space-T1w_ct', 'HU'],
    ['sub-1_SUV_pet', 'SUVbw'],
  ])('the name %s says %s', (stem, expected) => {
    expect(unit({}, stem)).toBe(expected)
  })

  it('is what the JSON file says, not the name', () => {
    expect(unit({ Modality: 'MR' }, 'study_CT_T1w')).toBeUndefined()
    expect(unit({ Units: 'SUV' }, 'sub-01_pet')).toBe('SUVbw')
    expect(unitOf({ Units: 'GML' }, 'x')?.by).toMatch(/Units "GML" in the JSON file/)
  })

  it('of any text is a unit or nothing, and never an error', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const found = unit({ Units: text, Modality: text }, text)
        expect(found === undefined || found !== 'arbitrary').toBe(true)
      }),
    )
  })
})
