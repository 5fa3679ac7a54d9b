import { histogramOf, momentsOf, quantilesOf } from '../kernels/histogram.ts'
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
  const histogram = histogramOf(x, mask)
  const percentiles = quantilesOf(
    histogram,
    PERCENTS.map((p) => p / 100),
  )
  const spread = percentiles[4]! - percentiles[2]!
  const { mean, sd } = momentsOf(histogram)
  let [third, fourth] = [0, 0]
  for (let k = 0; k < histogram.counts.length; k++) {
    const z = (histogram.means[k]! - mean) / sd
    third += (histogram.counts[k]! * z * z * z) / histogram.n
    fourth += (histogram.counts[k]! * z * z * z * z) / histogram.n
  }
  const noise = noiseSd(x, shape, mask)
  return Float64Array.of(
    ...percentiles,
    mean,
    sd,
    third,
    fourth,
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
