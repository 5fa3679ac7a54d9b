import { expect, it } from 'vitest'
import { robustRange } from './robust-range.ts'

const ramp = Float32Array.from({ length: 101 }, (_, k) => 3 * k)
const all = new Uint8Array(101).fill(1)

it('is the width from the 1st to the 99th percentile', () => {
  expect(robustRange(ramp, all)).toBeCloseTo(3 * 98, 4)
})

it('sees what the mask selects', () => {
  const first = Uint8Array.from(ramp, (_, k) => (k <= 50 ? 1 : 0))
  expect(robustRange(ramp, first)).toBeCloseTo(3 * 49, 4)
})

it('does not follow one extreme voxel', () => {
  const spiked = ramp.with(100, 1e6)
  expect(robustRange(spiked, all)).toBeCloseTo(3 * 98, 4)
})

it('is not a number where nothing is selected', () => {
  expect(robustRange(ramp, new Uint8Array(101))).toBeNaN()
})
