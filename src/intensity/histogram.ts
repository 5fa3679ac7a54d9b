/**
 * `histogram`: the one increasing curve that gives an image the reference's distribution of intensities (rung 2).
 *
 *     T(x) = F_t^-1(F_s(x))
 *
 * F_s is the distribution of the image's own masked voxels with mid-ranks for ties (half of the voxels equal to x count as
 * below it), F_t^-1 the quantile function of the reference, pooled over people. Matching to one person instead
 * writes that person's tissue volumes into every image.
 * @see Gonzalez, Woods, Digital Image Processing, 4th ed., 3.3 (histogram specification)
 */
import { UnfittableError } from '../errors.ts'
import { type Histogram, quantilesOf } from '../kernels/histogram.ts'
import { applyCurveInto, type Curve } from '../kernels/monotone.ts'
import type { Weighted } from './affine.ts'
import { histogramWithContrast } from './tissue-peak.ts'

export interface HistogramModel {
  readonly kind: 'histogram'
  /** The reference's quantile function at ranks 0, 1/(L-1), ..., 1: ascending intensities in its unit. */
  readonly quantiles: readonly number[]
}

/** Levels of a stored quantile function. */
export const QUANTILE_LEVELS = 1001
/** Most knots of a curve; ranks are kept to within one part of this. */
const CURVE_KNOTS = 4096

/** The quantile function of one image at `QUANTILE_LEVELS` even ranks. */
export interface Quantiles {
  readonly quantiles: Float64Array
}

/** @throws {UnfittableError} when the mask holds no two different finite values */
export function measureQuantiles(x: Float32Array, mask: Uint8Array): Quantiles {
  const ranks = Array.from({ length: QUANTILE_LEVELS }, (_, level) => level / (QUANTILE_LEVELS - 1))
  return { quantiles: quantilesOf(histogramWithContrast(x, mask), ranks) }
}

/**
 * The reference distribution of several images: the weighted mean of their distribution functions, inverted.
 * @param images with weights: a person's images share the weight 1
 */
export function poolQuantiles(images: readonly Weighted<Quantiles>[]): HistogramModel {
  const [first] = images
  if (first === undefined)
    throw new UnfittableError('No image of the reference domain.', 'Name another --target.')
  if (images.length === 1) return { kind: 'histogram', quantiles: [...first.quantiles] }
  const atoms = images
    .flatMap(({ quantiles, weight }) => Array.from(quantiles, (value) => ({ value, weight })))
    .sort((a, b) => a.value - b.value)
  const total = atoms.reduce((sum, atom) => sum + atom.weight, 0)
  // Mid-ranks of the pooled atoms, then the values at even ranks by linear interpolation.
  const quantiles: number[] = []
  let passed = 0
  let k = 0
  for (let level = 0; level < QUANTILE_LEVELS; level++) {
    const rank = (level / (QUANTILE_LEVELS - 1)) * total
    while (k < atoms.length - 1 && passed + atoms[k]!.weight / 2 < rank) passed += atoms[k++]!.weight
    const here = atoms[k]!
    const before = atoms[Math.max(0, k - 1)]!
    const distance = passed + here.weight / 2 - rank
    const gap = (here.weight + before.weight) / 2
    const back = k === 0 ? 0 : Math.min(1, Math.max(0, distance / gap))
    quantiles.push(here.value + back * (before.value - here.value))
  }
  return { kind: 'histogram', quantiles }
}

/** The curve T for one image. */
export function matchingCurve({ quantiles }: HistogramModel, { counts, means, n }: Histogram): Curve {
  const top = quantiles.length - 1
  const reference = (rank: number): number => {
    const place = rank * top
    const below = Math.min(top - 1, Math.floor(place))
    return quantiles[below]! + (place - below) * (quantiles[below + 1]! - quantiles[below]!)
  }
  const knots: number[] = []
  const values: number[] = []
  const step = 1 / CURVE_KNOTS
  let last = Number.NEGATIVE_INFINITY
  for (let k = 0, before = 0; k < counts.length; before += counts[k++]!) {
    const rank = (before + counts[k]! / 2) / n
    if (rank - last < step && k < counts.length - 1) continue
    knots.push(means[k]!)
    values.push(reference(rank))
    last = rank
  }
  return beyondEnds(knots, values)
}

/**
 * The curve through (`knots`, `values`), and how it goes on beyond: below the first knot it runs to (0, 0), so that background stays
 * dark, or where intensities are not positive, on with its mean slope; so it does above the last.
 * @param knots strictly increasing; @param values not decreasing
 */
export function beyondEnds(knots: readonly number[], values: readonly number[]): Curve {
  const [darkest, dark] = [knots[0]!, values[0]!]
  const [brightest, bright] = [knots.at(-1)!, values.at(-1)!]
  const gain = (bright - dark) / (brightest - darkest)
  const below = darkest > 0 && dark > 0 ? [0, 0] : [darkest - 1, dark - gain]
  return { knots: [below[0]!, ...knots, brightest + 1], values: [below[1]!, ...values, bright + gain] }
}

/**
 * @param x    length V; exactly 0 stays 0, NaN stays NaN
 * @param mask length V: the voxels whose distribution is matched; the curve is applied to every voxel
 * @throws {UnfittableError} when the mask holds no two different finite values
 */
export function applyHistogram(model: HistogramModel, x: Float32Array, mask: Uint8Array): Float32Array {
  const out = new Float32Array(x.length)
  applyCurveInto(out, x, histogramCurve(model, x, mask))
  return out
}

/** The curve that `applyHistogram` takes the image through. */
export function histogramCurve(model: HistogramModel, x: Float32Array, mask: Uint8Array): Curve {
  return matchingCurve(model, histogramWithContrast(x, mask))
}
