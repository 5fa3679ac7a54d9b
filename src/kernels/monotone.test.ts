import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyCurveInto, curveFit, evaluateCurve } from './monotone.ts'

const rising = fc
  .uniqueArray(fc.integer({ min: 1, max: 999 }), { minLength: 2, maxLength: 40 })
  .map((values) => values.sort((a, b) => a - b))
const curve = fc
  .tuple(rising, fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 40, maxLength: 40 }))
  .map(([knots, increments]) => {
    let sum = -20
    return { knots, values: knots.map((_, k) => (sum += increments[k]!)) }
  })

/** The definition, by linear search. */
function naive(knots: readonly number[], values: readonly number[], u: number): number {
  let k = 0
  while (k < knots.length - 2 && u >= knots[k + 1]!) k++
  return values[k]! + ((u - knots[k]!) * (values[k + 1]! - values[k]!)) / (knots[k + 1]! - knots[k]!)
}

describe('curves', () => {
  it('are linear between knots and go straight on outside', () => {
    const bent = { knots: [0, 1, 3], values: [0, 2, 4] }
    expect([-1, 0, 0.5, 1, 2, 3, 5].map((u) => evaluateCurve(bent, u))).toEqual([-2, 0, 1, 2, 3, 4, 6])
  })

  it('give over an image what they give at each place, wherever it lies', () => {
    fc.assert(
      fc.property(
        curve,
        fc.array(fc.double({ min: -2e3, max: 2e3, noNaN: true })),
        ({ knots, values }, xs) => {
          const x = Float32Array.from([...xs, ...knots])
          const out = new Float32Array(x.length)
          applyCurveInto(out, x, { knots, values })
          for (const [i, u] of x.entries()) {
            const expected = u === 0 ? 0 : naive(knots, values, u)
            expect(Math.abs(out[i]! - expected)).toBeLessThanOrEqual(1e-3 + 1e-5 * Math.abs(expected))
            if (u !== 0) expect(evaluateCurve({ knots, values }, u)).toBeCloseTo(expected, 6)
          }
        },
      ),
    )
  })

  it('leave exact zeros and NaN alone', () => {
    const x = Float32Array.of(0, Number.NaN, -0, 1)
    applyCurveInto(x, x, { knots: [-1, 1], values: [10, 20] })
    expect([...x]).toEqual([0, Number.NaN, 0, 20])
  })
})

describe('the fit', () => {
  it('recovers a curve from points on it', () => {
    const truth = { knots: [0, 0.5, 1, 2], values: [0, 1, 1.2, 3] }
    const fit = curveFit(truth.knots)
    for (let u = 0.01; u < 2; u += 0.01) fit.add(u, evaluateCurve(truth, u), 1)
    const values = fit.solve(1e-3, 1e-9)
    for (const [k, value] of truth.values.entries()) expect(values[k]).toBeCloseTo(value, 4)
  })

  it('starts at 0 and keeps every slope at least as steep as asked, whatever the points', () => {
    const point = fc.tuple(
      fc.double({ min: 0, max: 3, noNaN: true }),
      fc.double({ min: -5, max: 5, noNaN: true }),
    )
    fc.assert(
      fc.property(rising, fc.array(point, { minLength: 1 }), (integers, points) => {
        const knots = [0, ...integers.map((n) => n / 300)]
        const fit = curveFit(knots)
        for (const [u, y] of points) fit.add(u, y, 1)
        const values = fit.solve(0.1, 1e-4)
        expect(values[0]).toBe(0)
        for (let k = 1; k < knots.length; k++)
          expect(values[k]! - values[k - 1]!).toBeGreaterThanOrEqual(
            0.1 * (knots[k]! - knots[k - 1]!) * (1 - 1e-9),
          )
      }),
    )
  })

  it('goes straight on where there are no points', () => {
    const fit = curveFit([0, 1, 2, 3, 4])
    for (let u = 0; u <= 2; u += 0.1) fit.add(u, 2 * u, 1)
    const values = fit.solve(0.01, 1e-4)
    expect(values[4]).toBeCloseTo(8, 2)
  })

  it('agrees with the bounded optimum of a two-segment problem found by hand', () => {
    // One point at each knot, (1, 2) and (2, 1): the free optimum falls, so the second slope rests on its floor 0.5.
    // min (a - 2)^2 + (a + 0.5 - 1)^2 -> a = 1.25
    const fit = curveFit([0, 1, 2])
    fit.add(1, 2, 1)
    fit.add(2, 1, 1)
    const values = fit.solve(0.5, 0)
    expect(values[1]).toBeCloseTo(1.25, 6)
    expect(values[2]).toBeCloseTo(1.75, 6)
  })

  it('refuses to fit nothing', () => {
    expect(() => curveFit([0, 1]).solve(0.1, 0)).toThrow(/No point/)
  })
})
