/**
 * `lsq`: gain, so that the means of three tissues are as near as one gain can bring them to those of a reference (rung 1).
 *
 *     gain = argmin_g sum_k (g m_k - s_k)^2 = sum_k m_k s_k / sum_k m_k^2
 *
 * m_k are the image's fuzzy class means (see fcm.ts), s_k those of the reference. Bright tissues count most.
 *
 * Differs from intensity-normalization 3.0.1: the standard is the mean over all people of the reference domain, in its unit, not the
 * first image divided by its mean of fluid.
 * @see Reinhold et al., Proc. SPIE 10949:109493H (2019), doi:10.1117/12.2513089
 */
import { applyAffine, pooledMean, type Weighted } from './affine.ts'
import { measureTissues, type TissueMeans } from './fcm.ts'
import { positive } from './tissue-peak.ts'

export interface LsqModel {
  readonly kind: 'lsq'
  /** Means of the dark, the middle and the bright class in the reference. */
  readonly means: TissueMeans['means']
}

export function poolTissues(images: readonly Weighted<TissueMeans>[]): LsqModel {
  const mean = (k: 0 | 1 | 2): number => pooledMean(images, ({ means }) => means[k])
  return { kind: 'lsq', means: [mean(0), mean(1), mean(2)] }
}

/**
 * @param x    length V; NaN and infinite voxels stay as they are
 * @param mask length V: the brain
 * @throws {UnfittableError} as `measureTissues`, and where no positive gain fits
 */
export function applyLsq(model: LsqModel, x: Float32Array, mask: Uint8Array): Float32Array {
  const { means } = measureTissues(x, mask)
  let [across, square] = [0, 0]
  for (const [k, mean] of means.entries()) {
    across += mean * model.means[k]!
    square += mean * mean
  }
  return applyAffine(x, mask, positive(across / square, 'The gain'), 0)
}
