import fc from 'fast-check'
import { expect, it } from 'vitest'
import { applyZScore, measureSpread, poolSpreads, STANDARD } from './zscore.ts'

const all = (n: number): Uint8Array => new Uint8Array(n).fill(1)
const image = fc
  .uniqueArray(fc.integer({ min: 1, max: 4095 }), { minLength: 2 })
  .map((values) => Float32Array.from(values))

it('maps 2 4 4 4 5 5 7 9 (mean 5, sd 2) to halves', () => {
  const x = Float32Array.of(2, 4, 4, 4, 5, 5, 7, 9)
  expect([...applyZScore(STANDARD, x, all(8))]).toEqual([-1.5, -0.5, -0.5, -0.5, 0, 0, 1, 2])
})

it('gives the mean and spread of a reference', () => {
  const x = Float32Array.of(2, 4, 4, 4, 5, 5, 7, 9)
  const reference = { kind: 'zscore', mean: 100, sd: 20 } as const
  expect([...applyZScore(reference, x, all(8))]).toEqual([70, 90, 90, 90, 100, 100, 120, 140])
})

it('does not depend on scanner gain and offset', () => {
  const [gain, offset] = [fc.integer({ min: 1, max: 8 }), fc.integer({ min: 0, max: 99 })]
  fc.assert(
    fc.property(image, gain, offset, (x, a, b) => {
      const expected = applyZScore(STANDARD, x, all(x.length))
      const found = applyZScore(
        STANDARD,
        x.map((v) => a * v + b),
        all(x.length),
      )
      for (const [i, value] of found.entries()) expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-3)
    }),
  )
})

it('counts NaN and infinite voxels, and spreads them nowhere', () => {
  const x = Float32Array.of(2, 4, 4, 4, 5, 5, 7, 9, Number.NaN, Number.POSITIVE_INFINITY)
  expect(measureSpread(x, all(10))).toEqual({ mean: 5, sd: 2, excluded: 2 })
  expect([...applyZScore(STANDARD, x, all(10))]).toEqual([
    -1.5,
    -0.5,
    -0.5,
    -0.5,
    0,
    0,
    1,
    2,
    Number.NaN,
    Number.POSITIVE_INFINITY,
  ])
})

it('keeps blanked background at exactly 0, and treats 0 in tissue as a value', () => {
  const out = applyZScore(STANDARD, Float32Array.of(0, 0, 2), Uint8Array.of(0, 1, 1))
  expect([...out]).toEqual([0, -1, 1])
})

it('pools people with equal weight, however often one was scanned', () => {
  const spread = (mean: number, sd: number, weight: number) => ({ mean, sd, excluded: 0, weight })
  const pooled = poolSpreads([spread(10, 1, 0.5), spread(10, 1, 0.5), spread(20, 7, 1)])
  expect(pooled).toEqual({ kind: 'zscore', mean: 15, sd: 5 })
})

it('refuses an empty mask and a constant image, and says what to check', () => {
  expect(() => measureSpread(Float32Array.of(1, 2), Uint8Array.of(0, 0))).toThrow(/0 of 2 .*grid/s)
  expect(() => measureSpread(Float32Array.of(3, 3), Uint8Array.of(1, 1))).toThrow(/All 2 .*3.*tissue/s)
})
