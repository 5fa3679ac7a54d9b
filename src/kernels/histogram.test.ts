import fc from 'fast-check'
import { expect, it } from 'vitest'
import { coarser, histogramOf, momentsOf, quantilesOf, rankOf, within } from './histogram.ts'
import { moments } from './moments.ts'
import { maskedQuantiles } from './quantile.ts'
import { random } from './random.ts'

const all = (n: number): Uint8Array => new Uint8Array(n).fill(1)
const RANKS = [0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1]

it('counts 1 2 2 5 with one voxel outside the mask and one NaN', () => {
  const x = Float32Array.of(1, 2, 9, 2, Number.NaN, 5)
  const histogram = histogramOf(x, Uint8Array.of(1, 1, 0, 1, 1, 1))
  expect([...histogram.counts]).toEqual([1, 2, 1])
  expect([...histogram.means]).toEqual([1, 2, 5])
  expect(histogram).toMatchObject({ n: 4, excluded: 1 })
  expect([...quantilesOf(histogram, [0, 0.5, 1])]).toEqual([1, 2, 5])
  expect(momentsOf(histogram)).toEqual({ mean: 2.5, sd: 1.5 })
  expect([0, 1.9, 2, 9].map((value) => rankOf(histogram, value))).toEqual([0.125, 0.5, 0.5, 0.875])
})

it('has the order statistics of sorted integers exactly', () => {
  const integers = fc.array(fc.integer({ min: -2000, max: 4095 }), { minLength: 1, maxLength: 400 })
  fc.assert(
    fc.property(integers, (values) => {
      const x = Float32Array.from(values)
      const expected = maskedQuantiles(x, null, RANKS)
      const found = quantilesOf(histogramOf(x, all(x.length)), RANKS)
      for (const [k, value] of found.entries()) expect(Math.abs(value - expected[k]!)).toBeLessThan(1e-9)
    }),
    { numRuns: 30 },
  )
})

it('has those of continuous values, and their moments, to a bin of 65536', () => {
  const rng = random(2)
  const x = Float32Array.from({ length: 100_000 }, () => 500 + 90 * rng.normal())
  const histogram = histogramOf(x, all(x.length))
  const bin = (quantilesOf(histogram, [1])[0]! - quantilesOf(histogram, [0])[0]!) / 65_536
  const expected = maskedQuantiles(x, null, RANKS)
  for (const [k, value] of quantilesOf(histogram, RANKS).entries())
    expect(Math.abs(value - expected[k]!)).toBeLessThan(bin)
  const { mean, sd } = moments(x, null)
  expect(momentsOf(histogram).mean).toBeCloseTo(mean, 8)
  expect(momentsOf(histogram).sd).toBeCloseTo(sd, 5)
})

it('keeps its resolution where a few voxels are a million times brighter', () => {
  const rng = random(3)
  const x = Float32Array.from({ length: 50_000 }, (_, i) => (i < 3 ? 1e9 : 500 + 90 * rng.normal()))
  const expected = maskedQuantiles(x, null, [0.01, 0.5, 0.99])
  const found = quantilesOf(histogramOf(x, all(x.length)), [0.01, 0.5, 0.99])
  for (const [k, value] of found.entries()) expect(Math.abs(value - expected[k]!)).toBeLessThan(0.1)
})

it('holds nothing where nothing is finite and selected', () => {
  const histogram = histogramOf(Float32Array.of(Number.NaN, 3), Uint8Array.of(1, 0))
  expect(histogram).toMatchObject({ n: 0, excluded: 1 })
  expect(histogram.counts.length).toBe(0)
  expect([...quantilesOf(histogram, [0.5])]).toEqual([Number.NaN])
})

it('cuts a range out, ends included, and joins bins without losing a voxel or the mean', () => {
  const histogram = histogramOf(Float32Array.of(1, 2, 3, 4, 10), all(5))
  expect([...within(histogram, 2, 4).means]).toEqual([2, 3, 4])
  const { counts, means } = coarser(histogram, 3)
  expect([...counts]).toEqual([3, 1, 1])
  expect([...means]).toEqual([2, 4, 10])
})
