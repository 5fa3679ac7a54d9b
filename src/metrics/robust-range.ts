import { maskedQuantiles } from '../kernels/quantile.ts'

/**
 * Width of the intensities in a mask from the 1st to the 99th percentile: the unit in which errors compare between studies.
 *
 * @param x    image, length V, any unit
 * @param mask length V
 * @returns in the unit of `x`; NaN where no finite voxel is selected
 */
export function robustRange(x: Float32Array, mask: Uint8Array): number {
  const [low = Number.NaN, high = Number.NaN] = maskedQuantiles(x, mask, [0.01, 0.99])
  return high - low
}
