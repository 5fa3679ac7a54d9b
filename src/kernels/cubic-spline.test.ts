import fc from 'fast-check'
import { expect, it } from 'vitest'
import { splineColumns, splineKnots, splineLine, splineRoughness, splineSize } from './cubic-spline.ts'

/** Cox and de Boor's recursion as it stands in books, over the knots with their ends four times. */
function naive(knots: readonly number[], k: number, x: number, degree = 3): number {
  const all = [...Array(3).fill(knots[0]), ...knots, ...Array(3).fill(knots.at(-1))] as number[]
  const end = x === knots.at(-1)
  const value = (i: number, d: number): number => {
    if (d === 0)
      return all[i]! < all[i + 1]! && (end ? all[i + 1]! === x : all[i]! <= x && x < all[i + 1]!) ? 1 : 0
    const part = (a: number, b: number, c: number): number => (b === 0 ? 0 : (a / b) * c)
    return (
      part(x - all[i]!, all[i + d]! - all[i]!, value(i, d - 1)) +
      part(all[i + d + 1]! - x, all[i + d + 1]! - all[i + 1]!, value(i + 1, d - 1))
    )
  }
  return value(k, degree)
}

const knots = fc
  .uniqueArray(fc.integer({ min: -40, max: 90 }), { minLength: 2, maxLength: 9 })
  .map((all) => all.sort((a, b) => a - b))
const inside = (all: readonly number[], share: number): number => all[0]! + share * (all.at(-1)! - all[0]!)
const share = fc.double({ min: 0, max: 1, noNaN: true })

it('is the basis of the textbook recursion', () => {
  fc.assert(
    fc.property(knots, share, (all, where) => {
      const x = inside(all, where)
      splineColumns(all, Float64Array.of(x)).forEach((value, k) => {
        expect(value).toBeCloseTo(naive(all, k, x), 10)
      })
    }),
  )
})

it('sums to 1, and makes the line x, within the knots and beyond', () => {
  fc.assert(
    fc.property(knots, fc.double({ min: -2, max: 3, noNaN: true }), (all, where) => {
      const x = inside(all, where)
      const row = splineColumns(all, Float64Array.of(x))
      const line = splineLine(all)
      expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9)
      expect(row.reduce((sum, value, k) => sum + value * line[k]!, 0)).toBeCloseTo(x, 6)
    }),
  )
})

it('goes on beyond the ends with value and slope of the end', () => {
  const all = [0, 1, 3, 4]
  const c = [5, -1, 2, 0.5, 7, -3]
  const curve = (x: number): number =>
    splineColumns(all, Float64Array.of(x)).reduce((sum, value, k) => sum + value * c[k]!, 0)
  const slope = (a: number, b: number): number => (curve(b) - curve(a)) / (b - a)
  expect(slope(-5, -2)).toBeCloseTo(slope(-1e-7, 1e-7), 5)
  expect(slope(6, 9)).toBeCloseTo(slope(4 - 1e-7, 4 + 1e-7), 5)
  expect(curve(4 + 1e-9)).toBeCloseTo(curve(4), 7)
})

it('roughness is the integral of the squared second derivative with the range as unit, and 0 for a line', () => {
  fc.assert(
    fc.property(
      knots,
      fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 11, maxLength: 11 }),
      (all, c) => {
        const size = splineSize(all)
        const s = splineRoughness(all)
        const cost = (v: ArrayLike<number>): number => {
          let sum = 0
          for (let k = 0; k < size; k++)
            for (let l = 0; l < size; l++) sum += v[k]! * s[k * size + l]! * v[l]!
          return sum
        }
        const range = all.at(-1)! - all[0]!
        const curve = (x: number): number =>
          c.slice(0, size).reduce((sum, one, k) => sum + one * naive(all, k, x), 0)
        // Second derivatives are straight between knots: from differences at two points inside each piece, the integral is exact.
        let integral = 0
        for (let i = 0; i + 1 < all.length; i++) {
          const width = all[i + 1]! - all[i]!
          const second = (t: number): number => {
            const [x, h] = [all[i]! + t * width, width / 8]
            return (curve(x + h) - 2 * curve(x) + curve(x - h)) / (h * h)
          }
          const bend = (second(0.75) - second(0.25)) / 0.5
          const start = second(0.25) - 0.25 * bend
          integral += width * (start ** 2 + start * bend + bend ** 2 / 3)
        }
        expect(cost(c) / (integral * range ** 3 + 1e-9)).toBeCloseTo(1, 5)
        expect(Math.abs(cost(splineLine(all)))).toBeLessThan(
          1e-9 * range * range * s.reduce((a, b) => a + Math.abs(b), 0),
        )
      },
    ),
  )
})

it('knots are quantiles of the different values: ends, and inner ones between', () => {
  expect(splineKnots(Float64Array.of(4, 1, 1, 1, 1, 2, 3, 5, 5), 5)).toEqual([1, 3, 5])
  expect(splineKnots(Float64Array.of(0, 10, 20, 30), 4)).toEqual([0, 30])
  expect(splineKnots(Float64Array.of(0, 10, 20, 40), 6)).toEqual([0, 10, 20, 40])
})
