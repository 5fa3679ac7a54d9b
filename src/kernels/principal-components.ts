/** Principal components of many features, through the smaller of the two Gram matrices. */
import { dot } from './dot.ts'
import { symmetricEigen } from './symmetric-eigen.ts'

export interface PrincipalComponents {
  /** Sums of squares along each component, in descending order; those that are rounding are left out. */
  readonly squares: Float64Array
  /** Of all, the left out ones too. */
  readonly total: number
  /** The first `count` components: weight of feature f in component k at [k * features + f]. Unit length; the largest weight is positive. */
  readonly loadings: (count: number) => Float64Array
}

/**
 * Chosen: squares below this share of the largest are rounding. A Gram matrix of 1,000 rows is exact to some 1e-13 of its largest
 * eigenvalue, so that a component of this size still has a direction of three digits, and carries 1e-5 of the SD of the first.
 */
const LEAST_SHARE = 1e-10

/**
 * @param values feature after feature, each with mean 0: row i of feature f at [f * rows + i]
 * @see Jolliffe, Principal Component Analysis (2nd ed., 2002), 3.5: singular values from either Gram matrix
 */
export function principalComponents(
  values: Float64Array,
  rows: number,
  features: number,
): PrincipalComponents {
  const byRows = rows < features
  const [count, length] = byRows ? [rows, features] : [features, rows]
  const vectors = byRows ? transposed(values, rows, features) : values
  const gram = products(vectors, count, length)
  const eigen = symmetricEigen(gram, count)
  const found = eigen.values.findIndex((value) => !(value > LEAST_SHARE * eigen.values[0]!))
  let total = 0
  for (let k = 0; k < count; k++) total += gram[k * count + k]!
  const loadings = (wanted: number): Float64Array => {
    const out = new Float64Array(wanted * features)
    for (let k = 0; k < wanted; k++) {
      const own = eigen.vectors.subarray(k * count, (k + 1) * count)
      const into = out.subarray(k * features, (k + 1) * features)
      if (byRows) for (let f = 0; f < features; f++) into[f] = dot(values, f * rows, own, 0, rows)
      else into.set(own)
      normalizeInPlace(into)
    }
    return out
  }
  return { squares: eigen.values.slice(0, found < 0 ? count : found), total, loadings }
}

function transposed(values: Float64Array, rows: number, features: number): Float64Array {
  const out = new Float64Array(values.length)
  for (let f = 0; f < features; f++)
    for (let i = 0; i < rows; i++) out[i * features + f] = values[f * rows + i]!
  return out
}

/** Of each vector with each, `count` * `count`. Four at a time, so that a number of one is read once for four. */
function products(vectors: Float64Array, count: number, length: number): Float64Array {
  const out = new Float64Array(count * count)
  for (let p = 0; p < count; p++) {
    const from = p * length
    let q = 0
    for (; q + 3 <= p; q += 4) {
      let [a, b, c, d] = [0, 0, 0, 0]
      for (let i = 0, at = q * length; i < length; i++, at++) {
        const x = vectors[from + i]!
        a += x * vectors[at]!
        b += x * vectors[at + length]!
        c += x * vectors[at + 2 * length]!
        d += x * vectors[at + 3 * length]!
      }
      out.set([a, b, c, d], p * count + q)
    }
    for (; q <= p; q++) out[p * count + q] = dot(vectors, from, vectors, q * length, length)
    for (let k = 0; k < p; k++) out[k * count + p] = out[p * count + k]!
  }
  return out
}

function normalizeInPlace(x: Float64Array): void {
  let largest = 0
  for (const value of x) if (Math.abs(value) > Math.abs(largest)) largest = value
  const length = Math.sqrt(dot(x, 0, x, 0, x.length)) * (largest < 0 ? -1 : 1)
  for (let f = 0; f < x.length; f++) x[f]! /= length
}
