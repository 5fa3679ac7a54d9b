/** Least squares for few columns: a pivoted QR that says which columns cannot be told from the others. */

/** A column that is a combination of others: column = sum_k weights[k] * column k; 0 for itself and for those not involved. */
export interface Dependency {
  readonly column: number
  readonly weights: Float64Array
}

export interface LeastSquares {
  /** Empty where every column is determined. */
  readonly dependencies: readonly Dependency[]
  /** The pseudo-inverse, row after row: coefficient q of values y is sum_i inverse[q * rows + i] * y[i]. Empty with dependencies. */
  readonly inverse: Float64Array
}

/**
 * Chosen: a column counts as a combination of others when less than this share of it is left beside them. Coefficients of a column
 * with a larger share keep 8 of the 16 digits of float64; measured data are never closer to a combination without being one.
 */
const LEAST_SHARE = 1e-8

/**
 * Householder QR with column pivoting.
 * @param matrix  columns one after the other, length rows * columns; not changed
 * @param lengths what each column is compared with, at least 0: its own length, or that before something was taken out of it
 * @see Golub, Van Loan, Matrix Computations (4th ed., 2013), algorithm 5.4.1
 */
export function leastSquares(matrix: Float64Array, rows: number, lengths: Float64Array): LeastSquares {
  const columns = lengths.length
  const a = Float64Array.from(matrix, (value, at) => {
    const length = lengths[Math.floor(at / rows)]!
    return length > 0 ? value / length : 0
  })
  const order = Array.from({ length: columns }, (_, k) => k)
  const norm = (column: number, from: number): number => {
    let sum = 0
    for (let i = from; i < rows; i++) sum += a[column * rows + i]! ** 2
    return Math.sqrt(sum)
  }
  const reflectors: Float64Array[] = []
  let rank = 0
  for (; rank < Math.min(rows, columns); rank++) {
    const left = order.slice(rank).map((column) => norm(column, rank))
    const best = left.indexOf(Math.max(...left))
    const length = left[best]!
    if (!(length > LEAST_SHARE)) break
    const chosen = order.splice(rank + best, 1)[0]!
    order.splice(rank, 0, chosen)
    const v = a.slice(chosen * rows, (chosen + 1) * rows).fill(0, 0, rank)
    v[rank]! += v[rank]! >= 0 ? length : -length
    reflectors.push(v)
    for (const column of order.slice(rank)) reflect(a.subarray(column * rows, (column + 1) * rows), v, rank)
  }
  const r = (row: number, position: number): number => a[order[position]! * rows + row]!
  /** R z = b for the determined columns, back from the last. */
  const solve = (b: (row: number) => number): Float64Array => {
    const z = new Float64Array(rank)
    for (let row = rank - 1; row >= 0; row--) {
      let value = b(row)
      for (let k = row + 1; k < rank; k++) value -= r(row, k) * z[k]!
      z[row] = value / r(row, row)
    }
    return z
  }
  const unscaled = (z: Float64Array): Float64Array => {
    const out = new Float64Array(columns)
    for (let k = 0; k < rank; k++) out[order[k]!] = z[k]! / lengths[order[k]!]!
    return out
  }
  const dependencies = order.slice(rank).map((column, k) => {
    const weights = unscaled(solve((row) => r(row, rank + k)))
    return { column, weights: weights.map((weight) => weight * lengths[column]!) }
  })
  if (dependencies.length > 0) return { dependencies, inverse: new Float64Array(0) }
  // The columns of Q: what the reflections make of the first unit vectors, last reflection first. Then R inverse = Q'.
  const thin = reflectors.map((_, k) => {
    const q = new Float64Array(rows)
    q[k] = 1
    for (let j = reflectors.length - 1; j >= 0; j--) reflect(q, reflectors[j]!, j)
    return q
  })
  const inverse = new Float64Array(columns * rows)
  for (let i = 0; i < rows; i++) {
    const coefficients = unscaled(solve((row) => thin[row]![i]!))
    for (let q = 0; q < columns; q++) inverse[q * rows + i] = coefficients[q]!
  }
  return { dependencies, inverse }
}

/** x - 2 v (v'x) / (v'v) in place; `v` is 0 before `from`. */
function reflect(x: Float64Array, v: Float64Array, from: number): void {
  let along = 0
  let square = 0
  for (let i = from; i < v.length; i++) {
    along += v[i]! * x[i]!
    square += v[i]! * v[i]!
  }
  const factor = (2 * along) / square
  for (let i = from; i < v.length; i++) x[i]! -= factor * v[i]!
}
