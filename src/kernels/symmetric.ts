/** Small positive definite matrices, row-major: Cholesky's factor, and what follows from it. */

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
