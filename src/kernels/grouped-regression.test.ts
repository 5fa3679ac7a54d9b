import { expect, it } from 'vitest'
import {
  emptyEstimates,
  FEATURE_STATES,
  fitGroupsInto,
  type GroupedDesign,
  groupedDesign,
} from './grouped-regression.ts'
import { random } from './random.ts'
import { HUBER } from './winsorize.ts'

const ready = (columns: readonly number[], groupOf: readonly number[], groups = 2): GroupedDesign => {
  const design = groupedDesign(Float64Array.from(columns), Int32Array.from(groupOf), groups)
  if (!('rows' in design)) throw new TypeError('confounded')
  return design
}
const estimated = (values: readonly number[], design: GroupedDesign, reference = -1) => {
  const out = emptyEstimates(
    values.length / design.rows,
    design.starts.length - 1,
    design.within.length / design.rows,
  )
  fitGroupsInto(out, 0, Float64Array.from(values), design, reference)
  return out
}

it('finds slope 2 and intercepts 1 and 5 through noise that it cannot take for either', () => {
  // x = intercept + 2 c + e; within each group e is 1 -2 1 around evenly spaced c: no slope, no mean.
  const c = [0, 1, 2, 10, 11, 12]
  const noise = [1, -2, 1, 2, -4, 2]
  const x = c.map((value, i) => (i < 3 ? 1 : 5) + 2 * value + noise[i]!)
  const out = estimated(x, ready(c, [0, 0, 0, 1, 1, 1]))
  expect(out.slopes[0]).toBeCloseTo(2, 13)
  expect(out.mean[0]).toBeCloseTo(3, 13)
  expect(out.variance[0]).toBeCloseTo((6 + 24) / 6, 13)
  expect(out.location[0]).toBeCloseTo(-2 / Math.sqrt(5), 13)
  expect(out.scale[0]).toBeCloseTo(6 / 2 / 5, 13)
  expect(out.scale[1]).toBeCloseTo(24 / 2 / 5, 13)
  expect([...out.counts]).toEqual([3, 3])
})
it('with a reference, mean and variance are that group alone', () => {
  const out = estimated([1, 2, 3, 11, 13, 15], ready([], [0, 0, 0, 1, 1, 1]), 1)
  expect(out.mean[0]).toBe(13)
  expect(out.variance[0]).toBeCloseTo(8 / 3, 14)
  expect(out.location[0]).toBeCloseTo(-11 / Math.sqrt(8 / 3), 14)
  expect(out.location[1]).toBe(0)
})
it('says which column is the same within every group', () => {
  const found = groupedDesign(Float64Array.of(1, 2, 3, 4, 0.1, 0.1, 0.7, 0.7), Int32Array.of(0, 0, 1, 1), 2)
  expect(found).toMatchObject([{ column: 1 }])
})
it.each([
  ['empty', [Number.NaN, Number.NaN, Number.NaN, Number.NaN, Number.NaN, Number.NaN]],
  ['constant', [0.1, 0.1, 0.1, 0.1, 0.1, 0.1]],
  ['constant', [0.1, Number.NaN, 0.1, 0.1, 0.1, 0.1]],
  ['constant-in-group', [1, 2, 3, 0.7, 0.7, 0.7]],
  ['explained', [0.3, 1.3, 2.3, 1.1, 3.1, 2.1]],
  ['confounded', [1, Number.NaN, Number.NaN, 2, Number.NaN, Number.NaN]],
  ['fitted', [1, 3, 2, 5, 5.5, 5.1]],
] as const)('%s: %j', (state, values) => {
  const out = estimated(values, ready([0, 1, 2, 0, 2, 1], [0, 0, 0, 1, 1, 1]))
  expect(FEATURE_STATES[out.state[0]!]).toBe(state)
  expect(Number.isNaN(out.mean[0])).toBe(state !== 'fitted')
})
it('is the same feature by feature and in one block', () => {
  const { normal } = random(5)
  const design = ready([1, 5, 2, 4, 3, 6, 9, 7], [0, 1, 0, 1, 0, 1, 0, 1])
  const values = Float64Array.from({ length: 24 }, normal)
  values[9] = Number.NaN
  const block = emptyEstimates(3, 2, 1)
  fitGroupsInto(block, 0, values, design, -1)
  const pieces = emptyEstimates(3, 2, 1)
  for (let f = 0; f < 3; f++) fitGroupsInto(pieces, f, values.subarray(8 * f, 8 * f + 8), design, -1)
  expect(pieces).toEqual(block)
})
it("Huber's location of 0 1 2 ... 8 and 1000 solves its own equation; the other group keeps its mean", () => {
  const x = [0, 1, 2, 3, 4, 5, 6, 7, 8, 1000]
  const design = ready([], [...x.map(() => 0), 1, 1, 1])
  const out = emptyEstimates(1, 2, 0)
  fitGroupsInto(out, 0, Float64Array.from([...x, 1, 3, 2]), design, -1, HUBER)
  const mean = out.mean[0]! + out.location[0]! * Math.sqrt(out.variance[0]!)
  // Sum of bent residuals is 0; the scale is the median absolute residual, which the outlier does not enter.
  const away = x.map((value) => value - mean)
  const sizes = away.map(Math.abs).sort((a, b) => a - b)
  const limit = 1.345 * 1.4826022185056018 * ((sizes[4]! + sizes[5]!) / 2)
  const sum = away.reduce((total, value) => total + Math.max(-limit, Math.min(limit, value)), 0)
  expect(Math.abs(sum)).toBeLessThan(1e-6)
  expect(mean).toBeLessThan(6)
  expect(out.mean[0]! + out.location[1]! * Math.sqrt(out.variance[0]!)).toBeCloseTo(2, 9)
})
it('keeps the variance of normal values, bent or not', () => {
  const { normal } = random(11)
  const n = 20_000
  const values = Float64Array.from({ length: n }, normal)
  const design = ready(
    [],
    Array.from({ length: n }, (_, i) => i % 2),
  )
  const out = emptyEstimates(1, 2, 0)
  fitGroupsInto(out, 0, values, design, -1, HUBER)
  // Standard error of the variance at 95 % efficiency: about 0.011.
  expect(Math.abs(out.variance[0]! - 1)).toBeLessThan(0.04)
})
