import fc from 'fast-check'
import { expect, it } from 'vitest'
import { leastSquares } from './least-squares.ts'

const ones = (n: number): Float64Array => new Float64Array(n).fill(1)

/** Normal equations solved by Gauss-Jordan elimination: the naive way, for well-conditioned columns. */
function naive(columns: readonly (readonly number[])[], y: readonly number[]): readonly number[] {
  const dot = (a: readonly number[], b: readonly number[]): number =>
    a.reduce((sum, value, i) => sum + value * b[i]!, 0)
  const rows = columns.map((column) => [...columns.map((other) => dot(column, other)), dot(column, y)])
  for (let k = 0; k < rows.length; k++) {
    const pivot = rows
      .slice(k)
      .reduce((best, row, i) => (Math.abs(row[k]!) > Math.abs(rows[best]![k]!) ? k + i : best), k)
    ;[rows[k], rows[pivot]] = [rows[pivot]!, rows[k]!]
    const lead = rows[k]!.map((value) => value / rows[k]![k]!)
    rows.forEach((row, i) => {
      rows[i] = i === k ? lead : row.map((value, j) => value - row[k]! * lead[j]!)
    })
  }
  return rows.map((row) => row.at(-1)!)
}

it('a line through 1 3 5 at 0 1 2: intercept 1, slope 2', () => {
  const { inverse, dependencies } = leastSquares(Float64Array.of(1, 1, 1, 0, 1, 2), 3, ones(2))
  expect(dependencies).toEqual([])
  const y = [1, 3, 5]
  const coefficients = [0, 1].map((q) => y.reduce((sum, value, i) => sum + inverse[q * 3 + i]! * value, 0))
  expect(coefficients[0]).toBeCloseTo(1, 14)
  expect(coefficients[1]).toBeCloseTo(2, 14)
})
it('agrees with the normal equations', () => {
  const value = fc.integer({ min: -100, max: 100 })
  fc.assert(
    fc.property(fc.array(fc.tuple(value, value, value), { minLength: 4, maxLength: 9 }), (points) => {
      // A large diagonal makes the columns far from dependent, whatever is drawn.
      const columns = [0, 1, 2].map((q) => points.map((point, i) => point[q]! + (i === q ? 1000 : 0)))
      const y = points.map(([a, b, c], i) => a - 2 * b + c * c + i)
      const { inverse } = leastSquares(Float64Array.from(columns.flat()), points.length, ones(3))
      naive(columns, y).forEach((expected, q) => {
        const found = y.reduce((sum, one, i) => sum + inverse[q * points.length + i]! * one, 0)
        expect(Math.abs(found - expected)).toBeLessThan(1e-9 * Math.max(1, Math.abs(expected)))
      })
    }),
  )
})
it('names a column that follows from others, with the weights of these', () => {
  const [a, b] = [
    [1, 2, 3, 5],
    [1, 0, 0, 1],
  ]
  const sum = a!.map((value, i) => 2 * value - 3 * b![i]!)
  const { dependencies } = leastSquares(Float64Array.from([...a!, ...b!, ...sum]), 4, ones(3))
  expect(dependencies).toHaveLength(1)
  const { column, weights } = dependencies[0]!
  const columns = [a!, b!, sum]
  for (let i = 0; i < 4; i++)
    expect(columns.reduce((total, other, q) => total + weights[q]! * other[i]!, 0)).toBeCloseTo(
      columns[column]![i]!,
      12,
    )
  expect(weights[column]).toBe(0)
})
it('takes for nothing what is tiny beside the length that it is compared with', () => {
  const tiny = Float64Array.of(1e-12, -1e-12, 1e-12)
  expect(leastSquares(tiny, 3, Float64Array.of(1)).dependencies).toHaveLength(1)
  expect(leastSquares(tiny, 3, Float64Array.of(1e-12)).dependencies).toEqual([])
})
it('columns of 0, more columns than rows, and no column at all', () => {
  expect(leastSquares(new Float64Array(3), 3, Float64Array.of(0)).dependencies).toMatchObject([{ column: 0 }])
  expect(leastSquares(Float64Array.of(1, 2, 3), 1, ones(3)).dependencies).toHaveLength(2)
  expect(leastSquares(new Float64Array(0), 3, ones(0))).toEqual({
    dependencies: [],
    inverse: new Float64Array(0),
  })
})
