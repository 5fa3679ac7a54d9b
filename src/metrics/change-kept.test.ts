import fc from 'fast-check'
import { expect, it } from 'vitest'
import { gaussianSmooth } from '../kernels/gaussian.ts'
import { random } from '../kernels/random.ts'
import { changeKept } from './change-kept.ts'

const shape = [24, 24, 24] as const
const rng = random(1, 'change')
const noise = (sigma: number): Float32Array =>
  gaussianSmooth(
    Float32Array.from({ length: 24 ** 3 }, () => 100 * rng.normal()),
    shape,
    [sigma, sigma, sigma],
  )
const x = noise(2).map((value) => value + 100)
const change = noise(3)
const from = x.map((value, i) => value - (change[i] as number) / 2)
const to = x.map((value, i) => value + (change[i] as number) / 2)

it('is the part of the change that is left, whatever the gain and offset of either image', () => {
  fc.assert(
    fc.property(
      fc.double({ min: -0.5, max: 2, noNaN: true }),
      fc.double({ min: -0.02, max: 0.02, noNaN: true }),
      fc.double({ min: -9, max: 9, noNaN: true }),
      (kept, gain, offset) => {
        const after = from.map(
          (value, i) => value + kept * (change[i] as number) + gain * (x[i] as number) + offset,
        )
        expect(changeKept(x, { from, to: after }, { from, to }, shape)).toBeCloseTo(kept, 4)
      },
    ),
    { numRuns: 10 },
  )
})

it('is 0 for an output that does not see the change, and NaN where nothing was put in', () => {
  expect(changeKept(x, { from, to: from }, { from, to }, shape)).toBe(0)
  expect(changeKept(x, { from, to }, { from, to: from }, shape)).toBeNaN()
})
