/**
 * `whitestripe`: gain and offset, so that a stripe of normal white matter has a given mean and standard deviation (rung 1).
 *
 * The stripe is found in the histogram alone: from 5 % of the voxels below the peak of white matter to 5 % above it. Lesions and
 * tissue volumes hardly move it; noise widens it, so that between scanners of different noise the gain is off. Give a mask of the
 * brain: scalp and marrow may be as bright as white matter.
 *
 * Differs from intensity-normalization 3.0.1: the peak is searched on a grid of an eighth of the bandwidth and refined, where that
 * looks at 80 points between minimum and maximum; a peak must stand out (see density.ts); the ends of the stripe belong to it.
 * @see Shinohara et al., NeuroImage Clin. 6:9-19 (2014), doi:10.1016/j.nicl.2014.08.008
 */
import { UnfittableError } from '../errors.ts'
import { type Peak, scottBandwidth } from '../kernels/density.ts'
import { momentsOf, quantilesOf, rankOf, within } from '../kernels/histogram.ts'
import { applyAffine, pooledMean, type Weighted } from './affine.ts'
import { histogramWithContrast, tissuePeak } from './tissue-peak.ts'

export interface WhiteStripeModel {
  readonly kind: 'whitestripe'
  /** The peak that is white matter: the last in T1. */
  readonly peak: Peak
  /** What the stripe of every output has: 0 and 1, or the pooled figures of a reference domain. */
  readonly mean: number
  readonly sd: number
}

export const WHITE_STRIPE: WhiteStripeModel = { kind: 'whitestripe', peak: 'last', mean: 0, sd: 1 }

/** Part of the voxels on either side of the peak. */
const HALF_WIDTH = 0.05

export interface Stripe {
  readonly mean: number
  readonly sd: number
}

/** @throws {UnfittableError} when the mask holds no contrast, or the stripe one value only */
export function measureStripe(x: Float32Array, mask: Uint8Array, peak: Peak): Stripe {
  const histogram = histogramWithContrast(x, mask)
  const mode = tissuePeak(histogram, peak, scottBandwidth)
  const rank = rankOf(histogram, mode)
  const [low, high] = quantilesOf(histogram, [
    Math.max(0, rank - HALF_WIDTH),
    Math.min(1, rank + HALF_WIDTH),
  ]) as unknown as [number, number]
  const { mean, sd } = momentsOf(within(histogram, low, high))
  if (!(sd > 0))
    throw new UnfittableError(
      `The stripe of white matter around ${mode} holds one value only.`,
      'Use the image as the scanner stored it, not one of a few grey levels.',
    )
  return { mean, sd }
}

/** The mean over people of the mean, and of the variance, of their stripes. */
export function poolStripes(stripes: readonly Weighted<Stripe>[], peak: Peak): WhiteStripeModel {
  const mean = pooledMean(stripes, (stripe) => stripe.mean)
  return { kind: 'whitestripe', peak, mean, sd: Math.sqrt(pooledMean(stripes, ({ sd }) => sd ** 2)) }
}

/**
 * @param x    length V; NaN and infinite voxels stay as they are
 * @param mask length V: tissue; outside it exactly 0 stays 0
 * @throws {UnfittableError} as `measureStripe`
 */
export function applyWhiteStripe(model: WhiteStripeModel, x: Float32Array, mask: Uint8Array): Float32Array {
  const { mean, sd } = measureStripe(x, mask, model.peak)
  const gain = model.sd / sd
  return applyAffine(x, mask, gain, model.mean - mean * gain)
}
