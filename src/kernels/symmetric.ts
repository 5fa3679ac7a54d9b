/** Small symmetric matrices, row-major: eigenvectors by Jacobi's rotations, and Cholesky's factor. */

export interface Eigen {
  /** In no order. */
  readonly values: Float64Array
  /** Eigenvector k is column k: [row * size + k]; orthonormal. */
  readonly vectors: Float64Array
}

/** Chosen: sweeps end when what is off the diagonal is below this share of the matrix; ten suffice for matrices of tens of rows. */
const DIAGONAL = 1e-30
const MOST_SWEEPS = 60

/** @see Golub, Van Loan, Matrix Computations (4th ed., 2013), algorithm 8.5.3 */
export function symmetricEigen(matrix: Float64Array, size: number): Eigen {
  const a = matrix.slice()
  const vectors = identity(size)
  const all = a.reduce((sum, value) => sum + value * value, 0)
  for (let sweep = 0; sweep < MOST_SWEEPS; sweep++) {
    let off = 0
    for (let p = 0; p < size; p++) for (let q = 0; q < p; q++) off += 2 * a[p * size + q]! ** 2
    if (off <= DIAGONAL * all) break
    for (let p = 1; p < size; p++)
      for (let q = 0; q < p; q++) {
        if (a[p * size + q] === 0) continue
        const theta = (a[p * size + p]! - a[q * size + q]!) / (2 * a[p * size + q]!)
        const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1))
        const c = 1 / Math.hypot(t, 1)
        rotateRows(a, size, p, q, c, t * c)
        rotateColumns(a, size, p, q, c, t * c)
        rotateColumns(vectors, size, p, q, c, t * c)
      }
  }
  return { values: Float64Array.from({ length: size }, (_, k) => a[k * size + k]!), vectors }
}

function rotateRows(a: Float64Array, size: number, p: number, q: number, c: number, s: number): void {
  for (let k = 0; k < size; k++) {
    const [x, y] = [a[p * size + k]!, a[q * size + k]!]
    a[p * size + k] = c * x + s * y
    a[q * size + k] = c * y - s * x
  }
}

function rotateColumns(a: Float64Array, size: number, p: number, q: number, c: number, s: number): void {
  for (let k = 0; k < size; k++) {
    const [x, y] = [a[k * size + p]!, a[k * size + q]!]
    a[k * size + p] = c * x + s * y
    a[k * size + q] = c * y - s * x
  }
}

function identity(size: number): Float64Array {
  const out = new Float64Array(size * size)
  for (let k = 0; k < size; k++) out[k * size + k] = 1
  return out
}

/** Matrix times vector, or a diagonal, where the matrix is as long as the vector. */
export function times(matrix: Float64Array, v: Float64Array): Float64Array {
  const size = v.length
  const out = new Float64Array(size)
  if (matrix.length === size) {
    for (let k = 0; k < size; k++) out[k] = matrix[k]! * v[k]!
    return out
  }
  for (let a = 0; a < size; a++) {
    let sum = 0
    for (let b = 0, at = a * size; b < size; b++) sum += matrix[at + b]! * v[b]!
    out[a] = sum
  }
  return out
}

/** The inverse of a positive definite matrix and the logarithm of its determinant; null where it is not positive definite. */
export function invertPositive(
  matrix: Float64Array,
  size: number,
): { readonly inverse: Float64Array; readonly logDeterminant: number } | null {
  const root = inverseRoot(matrix, size)
  if (root === null) return null
  const inverse = new Float64Array(size * size)
  let logDeterminant = 0
  for (let k = 0; k < size; k++) {
    logDeterminant -= 2 * Math.log(root[k * size + k]!)
    for (let i = 0; i <= k; i++) {
      const value = root[k * size + i]!
      for (let j = 0; j <= i; j++) inverse[i * size + j]! += value * root[k * size + j]!
    }
  }
  for (let i = 0; i < size; i++) for (let j = 0; j < i; j++) inverse[j * size + i] = inverse[i * size + j]!
  return { inverse, logDeterminant }
}

/** R, lower triangular, with R matrix R' = 1: the inverse of Cholesky's factor. Null where the matrix is not positive definite. */
export function inverseRoot(matrix: Float64Array, size: number): Float64Array | null {
  const l = new Float64Array(size * size)
  const r = new Float64Array(size * size)
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * size + j]!
      for (let k = 0; k < j; k++) sum -= l[i * size + k]! * l[j * size + k]!
      if (i !== j) l[i * size + j] = sum / l[j * size + j]!
      else if (sum > 0) l[i * size + i] = Math.sqrt(sum)
      else return null
    }
    const pivot = l[i * size + i]!
    r[i * size + i] = 1 / pivot
    for (let j = 0; j < i; j++) {
      let sum = 0
      for (let k = j; k < i; k++) sum -= l[i * size + k]! * r[k * size + j]!
      r[i * size + j] = sum / pivot
    }
  }
  return r
}
