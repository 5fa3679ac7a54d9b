/** Square matrices of a few rows, row-major. */

/** a b of two square matrices of order p. */
export function product(a: Float64Array, b: Float64Array, p: number): Float64Array {
  const out = new Float64Array(p * p)
  for (let i = 0; i < p; i++)
    for (let k = 0; k < p; k++) {
      const value = a[i * p + k]!
      for (let j = 0; j < p; j++) out[i * p + j]! += value * b[k * p + j]!
    }
  return out
}

/** Of a square matrix. */
export function transposed(a: Float64Array, p: number): Float64Array {
  return a.map((_, at) => a[(at % p) * p + Math.floor(at / p)]!)
}

/** Trace of a b for symmetric b. */
export function traceOf(a: Float64Array, b: Float64Array, p: number): number {
  let sum = 0
  for (let k = 0; k < p * p; k++) sum += a[k]! * b[k]!
  return sum
}

/** Sum of the diagonal. */
export function trace(a: Float64Array, p: number): number {
  let sum = 0
  for (let i = 0; i < p; i++) sum += a[i * p + i]!
  return sum
}

/** The first q rows and columns. */
export function corner(a: Float64Array, p: number, q: number): Float64Array {
  return Float64Array.from({ length: q * q }, (_, k) => a[Math.floor(k / q) * p + (k % q)]!)
}

/** Of a positive definite matrix, on the scale of its diagonal; null where it is singular. Gauss and Jordan. */
export function inverse(matrix: Float64Array, p: number): Float64Array | null {
  const unit = Float64Array.from({ length: p }, (_, i) => 1 / Math.sqrt(matrix[i * p + i]!))
  const a = matrix.map((value, k) => value * unit[Math.floor(k / p)]! * unit[k % p]!)
  const out = Float64Array.from({ length: p * p }, (_, k) => (k % (p + 1) === 0 ? 1 : 0))
  for (let i = 0; i < p; i++) {
    const pivot = a[i * p + i]!
    if (!(pivot > 1e-13)) return null
    for (let j = 0; j < p; j++) {
      a[i * p + j]! /= pivot
      out[i * p + j]! /= pivot
    }
    for (let r = 0; r < p; r++) {
      const factor = a[r * p + i]!
      if (r === i || factor === 0) continue
      for (let j = 0; j < p; j++) {
        a[r * p + j]! -= factor * a[i * p + j]!
        out[r * p + j]! -= factor * out[i * p + j]!
      }
    }
  }
  return out.map((value, k) => value * unit[Math.floor(k / p)]! * unit[k % p]!)
}
