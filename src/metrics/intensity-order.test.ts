import fc from 'fast-check'
import { expect, it } from 'vitest'
import { keepsOrder } from './intensity-order.ts'

const reference = Float32Array.of(1, 1, 1, 5, 5, 5, 9, 9, 9, 100)
const mask = Uint8Array.of(1, 1, 1, 1, 1, 1, 1, 1, 1, 0)

it('holds for an image with the same order, and not for one that is inverted or flat', () => {
  expect(keepsOrder(Float32Array.of(2, 3, 2, 4, 3, 4, 5, 6, 7, 0), reference, mask)).toBe(true)
  expect(
    keepsOrder(
      reference.map((v) => -v),
      reference,
      mask,
    ),
  ).toBe(false)
  expect(keepsOrder(new Float32Array(10).fill(3), reference, mask)).toBe(false)
})

it('fails where two tissues change places', () => {
  expect(keepsOrder(Float32Array.of(5, 5, 5, 1, 1, 1, 9, 9, 9, 0), reference, mask)).toBe(false)
})

it('does not depend on gain and offset, nor on voxels that are not finite or outside the mask', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.1, max: 9, noNaN: true }),
      fc.integer({ min: -99, max: 99 }),
      (gain, offset) => {
        const x = reference.map((v) => gain * v + offset)
        x[0] = Number.NaN
        x[9] = -1e6
        expect(keepsOrder(x, reference, mask)).toBe(true)
      },
    ),
  )
})
