/** `zscore`: gain and offset, so that the masked voxels have a given mean and standard deviation (rung 1). */
import { UnfittableError } from '../errors.ts'
import { moments } from '../kernels/moments.ts'
import { applyAffine, pooledMean, type Weighted } from './affine.ts'

/** What the masked voxels of every output have: 0 and 1, or the pooled figures of a reference domain. */
export interface ZScoreModel {
  readonly kind: 'zscore'
  readonly mean: number
  readonly sd: number
}

export const STANDARD: ZScoreModel = { kind: 'zscore', mean: 0, sd: 1 }

/** Mean and standard deviation of one image inside its mask, and how many masked voxels were left out as NaN or infinite. */
export interface Spread {
  readonly mean: number
  readonly sd: number
  readonly excluded: number
}

/** @throws {UnfittableError} when the mask holds no finite voxel, or all are equal */
export function measureSpread(x: Float32Array, mask: Uint8Array): Spread {
  const { n, mean, sd, excluded } = moments(x, mask)
  if (n === 0)
    throw new UnfittableError(
      `0 of ${x.length} voxels are finite and inside the mask.`,
      'Give a mask on the grid of the image, or images with data.',
    )
  if (!(sd > 0))
    throw new UnfittableError(`All ${n} voxels in the mask equal ${mean}.`, 'Mask tissue, not air.')
  return { mean, sd, excluded }
}

/**
 * The model whose outputs are spread like the reference: the mean over people of the mean, and of the variance
 * within an image, so that differences between people in overall brightness do not widen the histogram of each.
 */
export function poolSpreads(spreads: readonly Weighted<Spread>[]): ZScoreModel {
  const mean = pooledMean(spreads, (spread) => spread.mean)
  return { kind: 'zscore', mean, sd: Math.sqrt(pooledMean(spreads, ({ sd }) => sd ** 2)) }
}

/**
 * Gain and offset that give the masked voxels the model's mean and standard deviation.
 * @param x    length V; NaN and infinite voxels stay as they are
 * @param mask length V; voxels outside it that are exactly 0 stay 0 (background that a tool has blanked)
 * @throws {UnfittableError} as `measureSpread`
 */
export function applyZScore(model: ZScoreModel, x: Float32Array, mask: Uint8Array): Float32Array {
  const { mean, sd } = measureSpread(x, mask)
  const gain = model.sd / sd
  return applyAffine(x, mask, gain, model.mean - mean * gain)
}
