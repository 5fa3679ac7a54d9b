/** The peak of a smoothed histogram that stands for one tissue: white matter in T1 is the last, in T2 and FLAIR the largest. */
import { UnfittableError } from '../errors.ts'
import { densityOf, type Peak, peakOf } from '../kernels/density.ts'
import { type Histogram, histogramOf, quantilesOf, upTo } from '../kernels/histogram.ts'

/** Values above this quantile (fat, vessels, artefacts) take no part in the search, as in intensity-normalization. */
const BODY = 0.96

/**
 * The finite masked intensities.
 * @throws {UnfittableError} when there are none, or all are equal
 */
export function histogramWithContrast(x: Float32Array, mask: Uint8Array): Histogram {
  const histogram = histogramOf(x, mask)
  const { n, lows, highs } = histogram
  if (n > 0 && highs.at(-1)! > lows[0]!) return histogram
  throw new UnfittableError(
    n === 0
      ? `0 of ${x.length} voxels are finite and inside the mask.`
      : `All ${n} voxels in the mask equal ${lows[0]}.`,
    'Give a mask of tissue on the grid of the image.',
  )
}

/**
 * Intensity of the tissue's peak.
 * @param bandwidth SD of the Gaussian kernel for the values that are searched, in their unit; where it is 0, these are all equal
 */
export function tissuePeak(
  histogram: Histogram,
  which: Peak,
  bandwidth: (body: Histogram) => number,
): number {
  const body = upTo(histogram, quantilesOf(histogram, [BODY])[0]!)
  const width = bandwidth(body)
  return width > 0 ? peakOf(densityOf(body, width), which) : body.means.at(-1)!
}

/** @throws {UnfittableError} for a peak or mean that no gain can be taken from */
export function positive(value: number, what: string): number {
  if (value > 0 && Number.isFinite(value)) return value
  throw new UnfittableError(
    `${what} is at ${value}; tissue must be brighter than 0.`,
    'Use the raw magnitude image, and a mask of tissue.',
  )
}
