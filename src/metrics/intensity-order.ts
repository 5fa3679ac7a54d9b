import { maskedQuantiles } from '../kernels/quantile.ts'

/**
 * Whether an image keeps the order of the reference's tissues: the mean of `x` over the darkest third of the reference's masked voxels is
 * below that over the middle third, and that below the mean over the brightest third.
 *
 * A coarse check that needs no tissue truth: an inverted, erased or exchanged contrast fails it, noise and partial volume do not.
 *
 * @param x         image, length V; voxels that are not finite in either image are left out
 * @param reference on the same grid, length V
 * @param mask      length V
 * @returns false where a third holds no voxel
 */
export function keepsOrder(x: Float32Array, reference: Float32Array, mask: Uint8Array): boolean {
  const [low, high] = maskedQuantiles(reference, mask, [1 / 3, 2 / 3]) as unknown as [number, number]
  const sums = [0, 0, 0]
  const counts = [0, 0, 0]
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] === 0 || !Number.isFinite(x[i]!) || !Number.isFinite(reference[i]!)) continue
    const third = reference[i]! < low ? 0 : reference[i]! < high ? 1 : 2
    sums[third]! += x[i]!
    counts[third]! += 1
  }
  const [dark, middle, bright] = sums.map((sum, third) => sum / counts[third]!) as [number, number, number]
  return dark < middle && middle < bright
}
