/**
 * `kde`: gain, so that the peak of one tissue has a given intensity (rung 1). The peak is found in a kernel density estimate,
 * whose bandwidth is 1/80 of the greatest intensity that is searched.
 *
 * Differs from intensity-normalization 3.0.1, which hands that bandwidth to a function that multiplies it by the standard deviation:
 * the density there is one blob, and its peak lies between tissues. Here it is the standard deviation of the kernel, as in the
 * paper's code and in versions 1 and 2. The peak is refined between grid points instead of picked out of 80.
 * @see Reinhold et al., Proc. SPIE 10949:109493H (2019), doi:10.1117/12.2513089
 */
import type { Peak } from '../kernels/density.ts'
import { applyAffine, pooledMean, type Weighted } from './affine.ts'
import { histogramWithContrast, positive, tissuePeak } from './tissue-peak.ts'

export interface KdeModel {
  readonly kind: 'kde'
  /** The peak that is looked for: in T1 the last is white matter. */
  readonly peak: Peak
  /** Where the peak of every output is: at 1, or where that of a reference domain is. */
  readonly mode: number
}

export const KDE: KdeModel = { kind: 'kde', peak: 'last', mode: 1 }

/** Bandwidths in the greatest intensity that is searched. */
const BANDWIDTHS = 80

/** @throws {UnfittableError} when the mask holds no contrast, or the peak is not above 0 */
export function measureMode(x: Float32Array, mask: Uint8Array, peak: Peak): { readonly mode: number } {
  const mode = tissuePeak(
    histogramWithContrast(x, mask),
    peak,
    ({ highs }) => positive(highs.at(-1)!, 'The brightest tissue') / BANDWIDTHS,
  )
  return { mode: positive(mode, 'The peak of the tissue') }
}

export function poolModes(modes: readonly Weighted<{ readonly mode: number }>[], peak: Peak): KdeModel {
  return { kind: 'kde', peak, mode: pooledMean(modes, ({ mode }) => mode) }
}

/**
 * @param x    length V; NaN and infinite voxels stay as they are
 * @param mask length V: tissue, best the brain alone
 * @throws {UnfittableError} as `measureMode`
 */
export function applyKde(model: KdeModel, x: Float32Array, mask: Uint8Array): Float32Array {
  return applyAffine(x, mask, model.mode / measureMode(x, mask, model.peak).mode, 0)
}
