import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { random } from './random.ts'
import { fitVarianceTerms } from './variance-terms.ts'

/** What the weights minimize. */
function loss(squares: Float64Array, terms: readonly Float64Array[], weights: readonly number[]): number {
  return squares.reduce((sum, square, i) => {
    const variance = terms.reduce((total, term, j) => total + weights[j]! * term[i]!, 0)
    return sum + Math.log(variance) + square / variance
  }, 0)
}

describe('fitVarianceTerms', () => {
  it('is the mean square where one constant term explains all', () => {
    const squares = Float64Array.of(1, 4, 9, 2)
    expect(fitVarianceTerms(squares, [new Float64Array(4).fill(2)])[0]).toBeCloseTo(2, 10)
  })

  it('finds the weights that drew the errors', () => {
    const rng = random(3, 'variance terms')
    const n = 40_000
    const slope = Float64Array.from({ length: n }, () => rng.uniform() ** 3 * 10)
    const one = new Float64Array(n).fill(1)
    const squares = slope.map((value) => (0.7 * value + 0.2) * rng.normal() ** 2)
    const [first = 0, second = 0] = fitVarianceTerms(squares, [slope, one])
    // standard errors by repetition with other seeds: 0.008 and 0.003
    expect(Math.abs(first - 0.7)).toBeLessThan(0.03)
    expect(Math.abs(second - 0.2)).toBeLessThan(0.012)
  })

  it('leaves no neighbouring weights that are likelier, and keeps absent terms at 0', () => {
    const positive = fc.double({ min: 0.1, max: 5, noNaN: true })
    const rows = fc.array(fc.tuple(positive, positive, positive), { minLength: 10, maxLength: 40 })
    fc.assert(
      fc.property(rows, (found) => {
        const squares = Float64Array.from(found, ([e]) => e)
        const terms = [
          Float64Array.from(found, ([, a]) => a),
          Float64Array.from(found, ([, , b]) => b),
          new Float64Array(found.length),
        ]
        const weights = fitVarianceTerms(squares, terms)
        expect(weights[2]).toBe(0)
        const least = loss(squares, terms, weights)
        for (const j of [0, 1])
          for (const factor of [0.8, 1.25]) {
            const other = weights.map((weight, k) => (k === j ? weight * factor : weight))
            expect(loss(squares, terms, other)).toBeGreaterThan(least - 1e-3)
          }
      }),
      { numRuns: 40 },
    )
  })
})
