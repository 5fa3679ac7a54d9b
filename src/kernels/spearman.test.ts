import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { spearman } from './spearman.ts'

/** By counting: the rank of a value is 1 + how many are smaller + half of how many others are equal. */
function naive(x: Float32Array, y: Float32Array): number {
  const ranks = (values: Float32Array): number[] =>
    [...values].map((v, i) =>
      values.reduce((rank, w, j) => rank + (w < v ? 1 : w === v && j !== i ? 0.5 : 0), 1),
    )
  const centred = (ranked: number[]): number[] =>
    ranked.map((rank) => rank - ranked.reduce((sum, r) => sum + r, 0) / ranked.length)
  const [a, b] = [centred(ranks(x)), centred(ranks(y))]
  const dot = (u: number[], v: number[]): number => u.reduce((sum, value, i) => sum + value * v[i]!, 0)
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
}

describe('spearman', () => {
  it('is -29/165 for the textbook example of IQ and hours of television', () => {
    // 1 - 6 * 194 / (10 * 99)
    const iq = Float32Array.of(106, 100, 86, 101, 99, 103, 97, 113, 112, 110)
    const hours = Float32Array.of(7, 27, 2, 50, 28, 29, 20, 12, 6, 17)
    expect(spearman(iq, hours)).toBeCloseTo(-29 / 165, 12)
  })

  it('agrees with ranks found by counting, with many ties', () => {
    const few = fc.integer({ min: 0, max: 6 })
    const pairs = fc.array(fc.tuple(few, few), { minLength: 2, maxLength: 60 })
    fc.assert(
      fc.property(pairs, (rows) => {
        const x = Float32Array.from(rows, ([a]) => a)
        const y = Float32Array.from(rows, ([, b]) => b)
        const [found, expected] = [spearman(x, y), naive(x, y)]
        if (Number.isNaN(expected)) expect(found).toBeNaN()
        else expect(found).toBeCloseTo(expected, 10)
      }),
    )
  })

  it('is 1 for any increasing curve and NaN where nothing varies', () => {
    const x = Float32Array.of(0.1, 3, 2, -5, 9)
    expect(
      spearman(
        x,
        x.map((v) => Math.exp(v)),
      ),
    ).toBe(1)
    expect(spearman(x, new Float32Array(5))).toBeNaN()
    expect(spearman(new Float32Array(0), new Float32Array(0))).toBeNaN()
  })
})
