/**
 * Mean absolute error over a mask.
 *
 *     MAE = 1/N · Σ |x_i − y_i|,   i over the N voxels with mask_i ≠ 0 where both values are finite
 *
 * Lower is better; 0 means equal voxels. In the unit of the images, so it compares between studies only
 * after division by the reference's robust range (1st to 99th percentile in the mask).
 *
 * @param x    image, length V
 * @param y    reference on the same grid, length V
 * @param mask length V
 * @returns MAE in the unit of the images; NaN when no voxel is selected
 * @see Willmott, Matsuura, Clim. Res. 30:79–82 (2005), doi:10.3354/cr030079
 */
export function mae(x: Float32Array, y: Float32Array, mask: Uint8Array): number {
  let n = 0
  let sum = 0
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] === 0) continue
    const difference = x[i]! - y[i]!
    if (!Number.isFinite(difference)) continue
    n++
    sum += Math.abs(difference)
  }
  return sum / n
}
