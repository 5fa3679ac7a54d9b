import { quantilesOfSorted, sortedMasked } from '../kernels/quantile.ts'
import type { Shape } from '../volume/volume.ts'
import { smoothnessFwhm } from './fwhm.ts'
import { noiseSd } from './noise.ts'

const PERCENTS = [1, 5, 25, 50, 75, 95, 99] as const

/** What `scanFeatures` gives, in this order. */
export const SCAN_FEATURES: readonly string[] = [
  ...PERCENTS.map((p) => `percentile ${p}`),
  'mean',
  'SD',
  'skewness',
  'kurtosis',
  'log noise SD',
  'log noise SD over interquartile range',
  'smoothness, mm',
  'mean step between neighbours over interquartile range',
]

/**
 * What a scanner leaves in an image, without the anatomy in place: gain and offset (percentiles), contrast (their distances, skewness,
 * kurtosis), noise, resolution (smoothness) and texture (mean absolute difference of voxels along x). Nothing of the header and
 * of the grid takes part.
 *
 * @param x       image, length V = nx ny nz, x fastest
 * @param mask    length V
 * @param voxelMm edge lengths of a voxel
 * @returns one number per name in SCAN_FEATURES; NaN or infinite where it cannot be measured
 */
export function scanFeatures(
  x: Float32Array,
  shape: Shape,
  mask: Uint8Array,
  voxelMm: readonly [number, number, number],
): Float64Array {
  const sorted = sortedMasked(x, mask)
  const percentiles = quantilesOfSorted(
    sorted,
    PERCENTS.map((p) => p / 100),
  )
  const spread = percentiles[4]! - percentiles[2]!
  let sum = 0
  for (const v of sorted) sum += v
  const mean = sum / sorted.length
  let [second, third, fourth] = [0, 0, 0]
  for (const v of sorted) {
    const d = v - mean
    second += d * d
    third += d * d * d
    fourth += d * d * d * d
  }
  const n = sorted.length
  const sd = Math.sqrt(second / n)
  const noise = noiseSd(x, shape, mask)
  return Float64Array.of(
    ...percentiles,
    mean,
    sd,
    third / n / sd ** 3,
    fourth / n / sd ** 4,
    Math.log(noise),
    Math.log(noise / spread),
    smoothnessFwhm(x, shape, mask, voxelMm),
    meanStep(x, mask) / spread,
  )
}

function meanStep(x: Float32Array, mask: Uint8Array): number {
  let n = 0
  let sum = 0
  for (let i = 1; i < x.length; i++) {
    const step = Math.abs(x[i]! - x[i - 1]!)
    if (mask[i] === 0 || mask[i - 1] === 0 || !Number.isFinite(step)) continue
    n++
    sum += step
  }
  return sum / n
}
