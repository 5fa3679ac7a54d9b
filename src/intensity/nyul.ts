/**
 * `nyul`: the increasing, piecewise linear curve that brings percentiles of an image to their place on a standard scale (rung 2).
 *
 * The scale is learned: each reference image is stretched so that its first and last landmark lie at the mean of theirs over all
 * people, and its landmarks are averaged.
 *
 * Differs from intensity-normalization 3.0.1 and TorchIO 1.2.1 beyond the outer landmarks, where these continue the outermost
 * segments: a few percent of the voxels then set the slope for the brightest, and air may turn negative or grey. Here the curve runs
 * below the first landmark to (0, 0), and beyond the last with the mean slope between the two (see `beyondEnds`). The scale is in the
 * unit of the reference, not 1 to 100.
 * @see Nyul, Udupa, Zhang, IEEE Trans. Med. Imaging 19:143-150 (2000), doi:10.1109/42.836373
 * @see Shah et al., Med. Image Anal. 15:267-282 (2011), doi:10.1016/j.media.2010.12.003 (percentiles 1, 10, 20, ..., 90, 99)
 */
import { UnfittableError } from '../errors.ts'
import { quantilesOf } from '../kernels/histogram.ts'
import { applyCurveInto, type Curve } from '../kernels/monotone.ts'
import { pooledMean, type Weighted } from './affine.ts'
import { beyondEnds } from './histogram.ts'
import { histogramWithContrast } from './tissue-peak.ts'

export interface NyulModel {
  readonly kind: 'nyul'
  /** Increasing, in 0..100. */
  readonly percentiles: readonly number[]
  /** The standard scale: intensity of each percentile in the reference's unit, not decreasing. */
  readonly landmarks: readonly number[]
}

export const PERCENTILES = [1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 99] as const

/** Intensities of an image at given percentiles. */
export interface Landmarks {
  readonly landmarks: readonly number[]
}

/** @throws {UnfittableError} when the mask holds no contrast, or nearly none: the outer landmarks are equal */
export function measureLandmarks(
  x: Float32Array,
  mask: Uint8Array,
  percentiles: readonly number[] = PERCENTILES,
): Landmarks {
  const histogram = histogramWithContrast(x, mask)
  const landmarks = quantilesOf(
    histogram,
    percentiles.map((p) => p / 100),
  )
  if (!(landmarks.at(-1)! > landmarks[0]!))
    throw new UnfittableError(
      `Percentiles ${percentiles[0]} and ${percentiles.at(-1)} of the masked voxels are both ${landmarks[0]}.`,
      'Mask tissue, not air.',
    )
  return { landmarks: [...landmarks] }
}

/** @param images landmarks at `PERCENTILES`, with weights */
export function poolLandmarks(images: readonly Weighted<Landmarks>[]): NyulModel {
  const first = pooledMean(images, ({ landmarks }) => landmarks[0]!)
  const last = pooledMean(images, ({ landmarks }) => landmarks.at(-1)!)
  const stretched = ({ landmarks }: Landmarks, k: number): number => {
    const [low, high] = [landmarks[0]!, landmarks.at(-1)!]
    return first + ((landmarks[k]! - low) / (high - low)) * (last - first)
  }
  const landmarks = PERCENTILES.map((_, k) => pooledMean(images, (image) => stretched(image, k)))
  return { kind: 'nyul', percentiles: PERCENTILES, landmarks }
}

/** The curve for one image, from its own landmarks; of landmarks that coincide in the image the mean of the standard is taken. */
export function landmarkCurve({ landmarks: standard }: NyulModel, { landmarks }: Landmarks): Curve {
  const knots: number[] = []
  const values: number[] = []
  for (let start = 0, end = 0; start < landmarks.length; start = end) {
    while (end < landmarks.length && landmarks[end] === landmarks[start]) end++
    knots.push(landmarks[start]!)
    values.push(standard.slice(start, end).reduce((sum, value) => sum + value, 0) / (end - start))
  }
  return beyondEnds(knots, values)
}

/**
 * @param x    length V; exactly 0 stays 0, NaN stays NaN
 * @param mask length V: the voxels whose percentiles are matched; the curve is applied to every voxel
 * @throws {UnfittableError} as `measureLandmarks`
 */
export function applyNyul(model: NyulModel, x: Float32Array, mask: Uint8Array): Float32Array {
  const out = new Float32Array(x.length)
  applyCurveInto(out, x, nyulCurve(model, x, mask))
  return out
}

/** The curve that `applyNyul` takes the image through. */
export function nyulCurve(model: NyulModel, x: Float32Array, mask: Uint8Array): Curve {
  return landmarkCurve(model, measureLandmarks(x, mask, model.percentiles))
}
