/**
 * `fcm`: gain, so that one tissue has a given mean (rung 1). Fuzzy c-means splits the masked intensities into three classes: in T1
 * fluid is dark, grey matter in the middle, white matter bright. A class is a range of intensities, so a mask of the brain is
 * needed for classes to be tissues.
 *
 * Differs from intensity-normalization 3.0.1: works on counted values instead of voxels, starts at quantiles instead of at random,
 * and iterates until the classes stand still.
 * @see Reinhold et al., Proc. SPIE 10949:109493H (2019), doi:10.1117/12.2513089
 */
import { fuzzyClassMeans } from '../kernels/fuzzy-classes.ts'
import { coarser } from '../kernels/histogram.ts'
import { applyAffine, pooledMean, type Weighted } from './affine.ts'
import { histogramWithContrast, positive } from './tissue-peak.ts'

export type TissueClass = 'dark' | 'middle' | 'bright'

export interface FcmModel {
  readonly kind: 'fcm'
  /** The class whose mean is matched: in T1 the bright one is white matter. */
  readonly tissue: TissueClass
  /** Mean of that class in every output: 1, or that of a reference domain. */
  readonly mean: number
}

export const FCM: FcmModel = { kind: 'fcm', tissue: 'bright', mean: 1 }

/** Means of the dark, the middle and the bright class. */
export interface TissueMeans {
  readonly means: readonly [dark: number, middle: number, bright: number]
}

/** Values that stand for all intensities: each mean is kept to about 1e-7 of the range. */
const VALUES = 4096

/** @throws {UnfittableError} when the mask holds fewer than three different values */
export function measureTissues(x: Float32Array, mask: Uint8Array): TissueMeans {
  const { means, counts } = coarser(histogramWithContrast(x, mask), VALUES)
  return { means: fuzzyClassMeans(means, counts, 3) as unknown as TissueMeans['means'] }
}

const CLASSES: readonly TissueClass[] = ['dark', 'middle', 'bright']

/** @throws {UnfittableError} as `measureTissues`, and where the mean is not above 0 */
export function measureTissue(
  x: Float32Array,
  mask: Uint8Array,
  tissue: TissueClass,
): { readonly mean: number } {
  const mean = measureTissues(x, mask).means[CLASSES.indexOf(tissue)]!
  return { mean: positive(mean, `The mean of the ${tissue} tissue`) }
}

export function poolTissue(
  images: readonly Weighted<{ readonly mean: number }>[],
  tissue: TissueClass,
): FcmModel {
  return { kind: 'fcm', tissue, mean: pooledMean(images, ({ mean }) => mean) }
}

/**
 * @param x    length V; NaN and infinite voxels stay as they are
 * @param mask length V: the brain
 * @throws {UnfittableError} as `measureTissue`
 */
export function applyFcm(model: FcmModel, x: Float32Array, mask: Uint8Array): Float32Array {
  return applyAffine(x, mask, model.mean / measureTissue(x, mask, model.tissue).mean, 0)
}
