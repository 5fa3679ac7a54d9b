/** Least squares of many outcomes on one design, with what tests and intervals need. */
import { type Dependency, leastSquares } from './least-squares.ts'

/** A design of P columns for N rows, made ready once for any number of outcomes. */
export interface LinearDesign {
  readonly rows: number
  readonly count: number
  /** Columns one after the other, length P * N. */
  readonly columns: Float64Array
  /** The pseudo-inverse: coefficient q of values y is sum_i inverse[q * N + i] * y[i]. */
  readonly inverse: Float64Array
  /** Diagonal of (X'X)^-1, length P: squared standard errors in units of the residual variance. */
  readonly errors: Float64Array
}

/** @returns the design, or which columns follow from others */
export function linearDesign(columns: Float64Array, rows: number): LinearDesign | readonly Dependency[] {
  const count = columns.length / rows
  const lengths = Float64Array.from({ length: count }, (_, q) =>
    Math.sqrt(columns.subarray(q * rows, (q + 1) * rows).reduce((sum, value) => sum + value * value, 0)),
  )
  const { dependencies, inverse } = leastSquares(columns, rows, lengths)
  if (dependencies.length > 0) return dependencies
  const errors = Float64Array.from({ length: count }, (_, q) => {
    let sum = 0
    for (let i = q * rows; i < (q + 1) * rows; i++) sum += inverse[i]! * inverse[i]!
    return sum
  })
  return { rows, count, columns, inverse, errors }
}

export interface LinearFit {
  /** Length P. */
  readonly coefficients: Float64Array
  /** Length N. */
  readonly residuals: Float64Array
  /** Sum of the squared residuals. */
  readonly squares: number
}

/** @param y outcome of each row, length N, finite */
export function fitLinear(y: Float64Array, { rows, count, columns, inverse }: LinearDesign): LinearFit {
  const coefficients = new Float64Array(count)
  const residuals = y.slice()
  for (let q = 0; q < count; q++) {
    let sum = 0
    for (let i = 0, at = q * rows; i < rows; i++) sum += inverse[at + i]! * y[i]!
    coefficients[q] = sum
    for (let i = 0, at = q * rows; i < rows; i++) residuals[i]! -= sum * columns[at + i]!
  }
  let squares = 0
  for (let i = 0; i < rows; i++) squares += residuals[i]! * residuals[i]!
  return { coefficients, residuals, squares }
}

/** Some rows of columns that stand one after the other. */
export function rowsOfColumns(columns: Float64Array, rows: number, kept: ArrayLike<number>): Float64Array {
  const count = columns.length / rows
  const out = new Float64Array(count * kept.length)
  for (let q = 0; q < count; q++)
    for (let k = 0; k < kept.length; k++) out[q * kept.length + k] = columns[q * rows + kept[k]!]!
  return out
}
