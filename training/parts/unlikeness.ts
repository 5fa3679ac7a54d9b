/**
 * How unlike the scans of training an image is, by what the last pass of a universal harmonizer reads of it: its distance along the axes in which these scans
 * vary most, and its distance from what those axes span. 1.4 is usual for a scan of training; images of another contrast have no even blocks where they should.
 */
import { moments } from '../../src/kernels/moments.ts'
import { symmetricEigen } from '../../src/kernels/symmetric-eigen.ts'

/** Axes of the principal components that count one by one (chosen: 5 to 15 tell real contrasts apart alike). */
const AXES = 8
/** What hardly varies is not blown up. */
const LEAST_SD = 0.01

/** What the features of training were like. */
export interface Likeness {
  /** Of each of F features over the scans. */
  readonly mean: Float32Array
  readonly sd: Float32Array
  /** [AXES, F], of unit length, of features in units of their SD from their mean. */
  readonly axes: Float32Array
  /** SD of the scans along each axis. */
  readonly spread: Float32Array
  /** Root mean square over scans and features of what lies beside the axes. */
  readonly rest: number
}

/** @param features of each scan, at least two */
export function likenessOf(features: readonly Float32Array[]): Likeness {
  const size = features[0]!.length
  const count = features.length
  const mean = new Float32Array(size)
  const sd = new Float32Array(size)
  for (let f = 0; f < size; f++) {
    const own = moments(
      Float32Array.from(features, (scan) => scan[f]!),
      null,
    )
    mean[f] = own.mean
    sd[f] = own.sd + LEAST_SD
  }
  const scans = features.map((scan) => standardized(scan, { mean, sd }))
  const covariance = new Float64Array(size * size)
  for (const scan of scans)
    for (let i = 0; i < size; i++)
      for (let j = 0; j < size; j++) covariance[i * size + j]! += (scan[i]! * scan[j]!) / count
  const { values, vectors } = symmetricEigen(covariance, size)
  const beside = values.slice(AXES).reduce((sum, value) => sum + Math.max(0, value), 0)
  return {
    mean,
    sd,
    axes: Float32Array.from(vectors.subarray(0, AXES * size)),
    spread: Float32Array.from(values.subarray(0, AXES), (value) => Math.sqrt(Math.max(LEAST_SD ** 2, value))),
    rest: Math.sqrt(Math.max(LEAST_SD ** 2, beside / size)),
  }
}

export function unlikeness(features: Float32Array, likeness: Likeness): number {
  const { axes, spread, rest } = likeness
  const z = standardized(features, likeness)
  let along = 0
  let left = z.reduce((sum, value) => sum + value * value, 0)
  for (const [k, sd] of spread.entries()) {
    const at = z.reduce((sum, value, f) => sum + value * axes[k * z.length + f]!, 0)
    along += (at / sd) ** 2 / spread.length
    left -= at * at
  }
  return Math.sqrt(along + Math.max(0, left) / z.length / rest ** 2)
}

export function standardized(
  features: Float32Array,
  { mean, sd }: Pick<Likeness, 'mean' | 'sd'>,
): Float32Array {
  return features.map((value, f) => (value - mean[f]!) / sd[f]!)
}
