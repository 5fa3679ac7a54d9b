/** All eigenvalues and eigenvectors of a symmetric matrix: Householder's tridiagonal form, then implicit QL. */
import { UnfittableError } from '../errors.ts'
import { dot } from './dot.ts'

export interface SymmetricEigen {
  /** In descending order. */
  readonly values: Float64Array
  /** Of unit length, one after the other: entry i of eigenvector k at [k * n + i]. The sign of each is arbitrary. */
  readonly vectors: Float64Array
}

/** Rounds of QL for one eigenvalue; 2 are usual. @see EISPACK's tql2, which gives up after 30 */
const MOST_ROUNDS = 60

/**
 * @param matrix row after row, length n * n, finite; not changed
 * @throws {UnfittableError} when an eigenvalue is not found, which has not been seen with finite numbers
 * @see Golub, Van Loan, Matrix Computations (4th ed., 2013), algorithms 8.3.1 and 8.3.3
 */
export function symmetricEigen(matrix: Float64Array, n: number): SymmetricEigen {
  const a = matrix.slice()
  const diagonal = new Float64Array(n)
  const beside = new Float64Array(n)
  const weights = tridiagonalInPlace(a, n, diagonal, beside)
  // Rows are the eigenvectors to be: a rotation of two columns of Q is one of two rows here, which lie together in memory.
  const rows = accumulated(a, weights, n)
  qlInPlace(diagonal, beside, rows, n)
  const order = Array.from(diagonal.keys()).sort((p, q) => diagonal[q]! - diagonal[p]!)
  const vectors = new Float64Array(n * n)
  order.forEach((from, k) => {
    vectors.set(rows.subarray(from * n, (from + 1) * n), k * n)
  })
  return { values: Float64Array.from(order, (k) => diagonal[k]!), vectors }
}

/**
 * Makes `a` tridiagonal by reflections 1 - weight v v', of which v number k stays in row k of `a` from column k + 1 on.
 * @returns their weights
 */
function tridiagonalInPlace(
  a: Float64Array,
  n: number,
  diagonal: Float64Array,
  beside: Float64Array,
): Float64Array {
  const weights = new Float64Array(n)
  const p = new Float64Array(n)
  // of a matrix of low rank rounding is left in the end, whose squares are 0
  const nothing = (Number.EPSILON * a.reduce((most, value) => Math.max(most, Math.abs(value)), 0)) ** 2
  for (let k = 0; k < n; k++) {
    diagonal[k] = a[k * n + k]!
    if (k === n - 1) break
    const v = a.subarray(k * n, (k + 1) * n)
    let below = 0
    for (let i = k + 2; i < n; i++) below += v[i]! * v[i]!
    const head = v[k + 1]!
    if (below <= nothing) {
      beside[k] = head
      continue
    }
    const length = Math.sqrt(head * head + below)
    beside[k] = head > 0 ? -length : length
    v[k + 1] = head - beside[k]!
    const weight = 2 / (v[k + 1]! * v[k + 1]! + below)
    weights[k] = weight
    let along = 0
    for (let i = k + 1; i < n; i++) {
      p[i] = weight * dot(a, i * n + k + 1, v, k + 1, n - k - 1)
      along += p[i]! * v[i]!
    }
    for (let i = k + 1; i < n; i++) p[i]! -= 0.5 * weight * along * v[i]!
    for (let i = k + 1; i < n; i++) {
      const [vi, pi] = [v[i]!, p[i]!]
      for (let j = k + 1, at = i * n + k + 1; j < n; j++, at++) a[at]! -= vi * p[j]! + pi * v[j]!
    }
  }
  return weights
}

/** The product of all reflections, transposed: last reflection first, so that each meets only what it can change. */
function accumulated(a: Float64Array, weights: Float64Array, n: number): Float64Array {
  const q = new Float64Array(n * n)
  for (let i = 0; i < n; i++) q[i * n + i] = 1
  for (let k = n - 2; k >= 0; k--) {
    const weight = weights[k]!
    if (weight === 0) continue
    for (let row = k + 1; row < n; row++) {
      const factor = weight * dot(a, k * n + k + 1, q, row * n + k + 1, n - k - 1)
      for (let i = k + 1; i < n; i++) q[row * n + i]! -= factor * a[k * n + i]!
    }
  }
  return q
}

/** Brings the numbers `beside` the diagonal to nothing by rotations, which the rows follow. */
function qlInPlace(diagonal: Float64Array, beside: Float64Array, rows: Float64Array, n: number): void {
  // beside it, what rounding leaves where an eigenvalue is 0 is nothing, however small the diagonal is there
  let largest = 0
  for (let k = 0; k < n; k++) largest = Math.max(largest, Math.abs(diagonal[k]!) + Math.abs(beside[k]!))
  for (let k = 0; k < n; k++) {
    for (let round = 0; ; round++) {
      let end = k
      while (end < n - 1 && Math.abs(beside[end]!) > Number.EPSILON * largest) end++
      if (end === k) break
      if (round === MOST_ROUNDS)
        throw new UnfittableError(
          `No eigenvalue ${k + 1} of ${n} was found in ${MOST_ROUNDS} rounds.`,
          'Check the values for infinities, and report the table.',
        )
      const half = (diagonal[k + 1]! - diagonal[k]!) / (2 * beside[k]!)
      const root = Math.hypot(half, 1)
      let g = diagonal[end]! - diagonal[k]! + beside[k]! / (half + (half >= 0 ? root : -root))
      let [sine, cosine, shift] = [1, 1, 0]
      let split = false
      for (let i = end - 1; i >= k; i--) {
        const f = sine * beside[i]!
        const b = cosine * beside[i]!
        const r = Math.hypot(f, g)
        beside[i + 1] = r
        if (r === 0) {
          diagonal[i + 1]! -= shift
          beside[end] = 0
          split = true
          break
        }
        sine = f / r
        cosine = g / r
        g = diagonal[i + 1]! - shift
        const turn = (diagonal[i]! - g) * sine + 2 * cosine * b
        shift = sine * turn
        diagonal[i + 1] = g + shift
        g = cosine * turn - b
        rotate(rows, i * n, (i + 1) * n, n, sine, cosine)
      }
      if (split) continue
      diagonal[k]! -= shift
      beside[k] = g
      beside[end] = 0
    }
  }
}

function rotate(x: Float64Array, low: number, high: number, n: number, sine: number, cosine: number): void {
  for (let i = 0; i < n; i++) {
    const a = x[low + i]!
    const b = x[high + i]!
    x[high + i] = sine * a + cosine * b
    x[low + i] = cosine * a - sine * b
  }
}
