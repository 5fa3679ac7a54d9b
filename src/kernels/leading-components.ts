/** The leading principal components of a table, by subspace iteration from a random start. */
import { random } from './random.ts'
import { symmetricEigen } from './symmetric-eigen.ts'

export interface LeadingComponents {
  /** How many there are: fewer than asked for where the table has a smaller rank. */
  readonly count: number
  /** Of each component, by falling variance: a unit vector of the features, length count * F. */
  readonly axes: Float64Array
  /** Of each component, its value in each row, length count * N. */
  readonly scores: Float64Array
  /** Share of the sum of squares of the whole table. */
  readonly shares: Float64Array
}

/** Directions beyond those asked for, and rounds (chosen after the source: with 4 rounds its error bound is within 1 % of the best). */
const BEYOND = 8
const ROUNDS = 6

/**
 * Exact, but for rounding, where `count` + 8 reaches the rank; otherwise directions of nearly equal variance may be mixed. The same table
 * gives the same digits.
 *
 * @param x centred features one after the other, length F * N, finite
 * @see Halko, Martinsson, Tropp, SIAM Rev. 53(2):217-288 (2011), doi:10.1137/090771806, algorithm 4.4
 */
export function leadingComponents(x: Float64Array, rows: number, count: number): LeadingComponents {
  const features = x.length / rows
  const width = Math.min(count + BEYOND, rows, features)
  const { normal } = random(1, 'leading components')
  let axes: Float64Array = Float64Array.from({ length: width * features }, normal)
  let basis: Float64Array = new Float64Array(0)
  for (let round = 0; round < ROUNDS; round++) {
    basis = orthonormal(timesAxes(x, rows, axes), rows)
    axes = alongRows(x, rows, basis)
  }
  const found = basis.length / rows
  const gram = new Float64Array(found * found)
  for (let a = 0; a < found; a++)
    for (let b = 0; b <= a; b++) {
      let sum = 0
      for (let f = 0; f < features; f++) sum += axes[a * features + f]! * axes[b * features + f]!
      gram[a * found + b] = sum
      gram[b * found + a] = sum
    }
  const { values, vectors } = symmetricEigen(gram, found)
  let total = 0
  for (let at = 0; at < x.length; at++) total += x[at]! * x[at]!
  const kept = [...values.keys()].filter((k) => values[k]! > 1e-14 * total).slice(0, count)
  const out = new Float64Array(kept.length * features)
  const scores = new Float64Array(kept.length * rows)
  for (const [c, k] of kept.entries()) {
    const length = Math.sqrt(values[k]!)
    for (let a = 0; a < found; a++) {
      const weight = vectors[k * found + a]!
      for (let f = 0; f < features; f++) out[c * features + f]! += (weight * axes[a * features + f]!) / length
      for (let i = 0; i < rows; i++) scores[c * rows + i]! += weight * length * basis[a * rows + i]!
    }
  }
  return { count: kept.length, axes: out, scores, shares: Float64Array.from(kept, (k) => values[k]! / total) }
}

/** X a for each axis, length K * N. */
function timesAxes(x: Float64Array, rows: number, axes: Float64Array): Float64Array {
  const features = x.length / rows
  const count = axes.length / features
  const out = new Float64Array(count * rows)
  for (let k = 0; k < count; k++)
    for (let f = 0; f < features; f++) {
      const weight = axes[k * features + f]!
      for (let i = 0; i < rows; i++) out[k * rows + i]! += weight * x[f * rows + i]!
    }
  return out
}

/** X' b for each vector of rows, length K * F. */
function alongRows(x: Float64Array, rows: number, basis: Float64Array): Float64Array {
  const features = x.length / rows
  const count = basis.length / rows
  const out = new Float64Array(count * features)
  for (let k = 0; k < count; k++)
    for (let f = 0; f < features; f++) {
      let sum = 0
      for (let i = 0; i < rows; i++) sum += basis[k * rows + i]! * x[f * rows + i]!
      out[k * features + f] = sum
    }
  return out
}

/** Gram and Schmidt, twice; vectors that follow from those before go. */
function orthonormal(vectors: Float64Array, length: number): Float64Array {
  const out: Float64Array[] = []
  for (let at = 0; at < vectors.length; at += length) {
    const v = vectors.slice(at, at + length)
    const before = norm(v)
    for (let pass = 0; pass < 2; pass++)
      for (const other of out) {
        let along = 0
        for (let i = 0; i < length; i++) along += v[i]! * other[i]!
        for (let i = 0; i < length; i++) v[i]! -= along * other[i]!
      }
    const left = norm(v)
    if (left > 1e-12 * before) out.push(v.map((value) => value / left))
  }
  const all = new Float64Array(out.length * length)
  for (const [k, v] of out.entries()) all.set(v, k * length)
  return all
}

function norm(v: Float64Array): number {
  let sum = 0
  for (let i = 0; i < v.length; i++) sum += v[i]! * v[i]!
  return Math.sqrt(sum)
}
