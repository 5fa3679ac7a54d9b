/**
 * `tone`: one increasing curve per source domain, fitted on pairs (rung 2).
 *
 * Source and target of a pair show the same tissue at the same place, both with noise. Least squares of target on
 * source then flattens the curve, since part of the spread of the source is noise ("regression dilution"), and a
 * flattened curve shrinks every contrast, lesions included. Matching quantiles (y at rank p over u at rank p) does not,
 * provided that both noises are alike once the curve is applied. Where they are not, and were measured, seeded noise is
 * added to the cleaner one first: then the two distributions again differ by the curve alone.
 * @see Fuller, Measurement Error Models, Wiley 1987, doi:10.1002/9780470316665 (dilution, noise ratios)
 */
import { UnfittableError } from '../errors.ts'
import { applyCurveInto, type Curve, curveFit, evaluateCurve } from '../kernels/monotone.ts'
import { maskedQuantiles, quantilesOfSorted } from '../kernels/quantile.ts'
import { random } from '../kernels/random.ts'
import { sortFloats } from '../kernels/sort.ts'

export interface ToneModel {
  readonly kind: 'tone'
  /** Intensity of the reference domain that output 1 of a curve stands for: its tissue median. */
  readonly referenceScale: number
  /** 0 = u_0 < ... < u_K in units of the image's own scale, the median of its masked voxels. */
  readonly knots: readonly number[]
  /** Per source domain the K + 1 values at the knots, in units of `referenceScale`; the first is 0, each larger than the one before. */
  readonly tones: Readonly<Record<string, readonly number[]>>
}

export interface ToneFitOptions {
  /** Standard deviation of the noise in `u` and in `y`, where measured; absent: taken as alike. */
  readonly noise?: { readonly u: number; readonly y: number }
  /** Least slope anywhere, as a part of the mean slope; keeps intensities apart that the data do not tell apart. */
  readonly minSlope?: number
}

const LEVELS = 512
/** Of the fit's bending term: too little to bend a curve that has data, enough to carry it past their end. */
const STIFFNESS = 1e-4

/** Rank of the last knot; the few brightest voxels are vessels and fat, which a straight line serves. */
const TOP_RANK = 0.998

type Pairs = { readonly u: Float32Array; readonly y: Float32Array }

/**
 * The increasing curve that takes `u` to `y`, as its values at the knots.
 *
 * @param u     source intensities, normalized; @param y target intensities of the same positions, same length.
 *              Pairs with a non-finite member are left out
 * @param knots strictly increasing, the first 0
 * @returns values at the knots: the first is 0, each is larger than the one before. Knots beyond the data go straight on
 * @throws {UnfittableError} for fewer than 2 pairs, equal intensities, or a target that does not rise above 0
 */
export function fitToneCurve(
  u: Float32Array,
  y: Float32Array,
  knots: readonly number[],
  options: ToneFitOptions = {},
): Float64Array {
  const pairs = finitePairs(u, y)
  const start = matchQuantiles(pairs, knots, options.minSlope ?? 0.05)
  const { noise } = options
  if (noise === undefined) return start
  let values = start
  for (let round = 0; round < 2; round++)
    values = matchQuantiles(withEqualNoise(pairs, { knots, values }, noise), knots, options.minSlope ?? 0.05)
  return values
}

/** The curve through (quantile of u, quantile of y) at even ranks. */
function matchQuantiles(pairs: Pairs, knots: readonly number[], minSlope: number): Float64Array {
  const u = sortFloats(pairs.u.slice())
  const y = sortFloats(pairs.y.slice())
  const n = u.length
  if (n < 2 || u[0] === u[n - 1])
    throw new UnfittableError(
      `${n} usable pairs of intensities${n < 2 ? '' : `, all with source ${u[0]}`}: no curve can be fitted.`,
      'Mask tissue in images that overlap.',
    )
  const fit = curveFit(knots)
  const levels = Math.min(LEVELS, n)
  let sumU = 0
  let sumY = 0
  const ranks = Array.from({ length: levels }, (_, level) => (level + 0.5) / levels)
  const quantilesU = quantilesOfSorted(u, ranks)
  const quantilesY = quantilesOfSorted(y, ranks)
  for (let level = 0; level < levels; level++) {
    fit.add(quantilesU[level]!, quantilesY[level]!, 1)
    sumU += quantilesU[level]!
    sumY += quantilesY[level]!
  }
  const meanSlope = sumY / sumU
  if (!(meanSlope > 0) || !Number.isFinite(meanSlope))
    throw new UnfittableError(
      `Mean intensities ${sumU / levels} (source) and ${sumY / levels} (target): no rising curve through 0 exists.`,
      'Use raw magnitude images, which are positive in tissue.',
    )
  return fit.solve(minSlope * meanSlope, STIFFNESS)
}

/**
 * `u` and `y` with noise added to the cleaner of the two, point by point, so that sd(y) = slope * sd(u) holds afterwards.
 * The slope at a point is that of `curve`, taken over one noise width, since a single noisy segment means little.
 */
function withEqualNoise(
  pairs: Pairs,
  curve: Curve,
  noise: { readonly u: number; readonly y: number },
): { u: Float32Array; y: Float32Array } {
  const rng = random(0, 'tone noise')
  const u = new Float32Array(pairs.u.length)
  const y = new Float32Array(pairs.u.length)
  const width = Math.max(noise.u, 0.05)
  for (let i = 0; i < u.length; i++) {
    const at = Math.max(width, pairs.u[i]!)
    const slope = (evaluateCurve(curve, at + width) - evaluateCurve(curve, at - width)) / (2 * width)
    const lacking = (noise.y / slope) ** 2 - noise.u ** 2
    const extra = Math.sqrt(Math.abs(lacking)) * rng.normal()
    u[i] = pairs.u[i]! + (lacking > 0 ? extra : 0)
    y[i] = pairs.y[i]! + (lacking < 0 ? slope * extra : 0)
  }
  return { u, y }
}

function finitePairs(u: Float32Array, y: Float32Array): Pairs {
  if (u.length !== y.length)
    throw new UnfittableError(
      `${u.length} source intensities but ${y.length} target intensities.`,
      'Sample both images at the same places.',
    )
  const keptU = new Float32Array(u.length)
  const keptY = new Float32Array(u.length)
  let n = 0
  for (let i = 0; i < u.length; i++) {
    if (!Number.isFinite(u[i]!) || !Number.isFinite(y[i]!)) continue
    keptU[n] = u[i]!
    keptY[n++] = y[i]!
  }
  return { u: keptU.subarray(0, n), y: keptY.subarray(0, n) }
}

/**
 * Knots that are dense where intensities are, yet cover the range: halfway between an even grid and the quantiles.
 * @param sorted intensities, normalized, ascending; @param segments number of segments K
 */
export function toneKnots(sorted: Float32Array, segments: number): readonly number[] {
  const parts = Array.from({ length: segments + 1 }, (_, k) => k / segments)
  const quantiles = quantilesOfSorted(
    sorted,
    parts.map((part) => part * TOP_RANK),
  )
  const top = quantiles[segments]!
  return parts.map((part, k) => (k === 0 ? 0 : (part * top + Math.max(0, quantiles[k]!)) / 2))
}

/**
 * The image's own scale: the median of its finite masked voxels.
 * @throws {UnfittableError} when it is not positive
 */
export function toneScale(x: Float32Array, mask: Uint8Array): number {
  const scale = maskedQuantiles(x, mask, [0.5])[0]!
  if (!(scale > 0 && Number.isFinite(scale)))
    throw new UnfittableError(
      `The median of the masked voxels is ${scale}; tissue must be brighter than 0.`,
      'Use the raw magnitude image, and a mask of tissue.',
    )
  return scale
}

/**
 * @param x      intensities of one image, length V
 * @param scale  the image's own scale, from `toneScale`
 * @param domain a key of `tones`
 * @returns new values in the reference domain's units; exactly 0 stays 0, NaN stays NaN
 */
export function applyTone(model: ToneModel, x: Float32Array, scale: number, domain: string): Float32Array {
  const out = new Float32Array(x.length)
  applyCurveInto(out, x, toneCurve(model, scale, domain))
  return out
}

/** The curve of one domain in raw intensities. */
export function toneCurve({ knots, tones, referenceScale }: ToneModel, scale: number, domain: string): Curve {
  const tone = tones[domain]
  if (tone === undefined)
    throw new UnfittableError(
      `No tone curve for domain "${domain}".`,
      `Known: ${Object.keys(tones).join(', ')}.`,
    )
  return {
    knots: knots.map((knot) => knot * scale),
    values: tone.map((value) => value * referenceScale),
  }
}
