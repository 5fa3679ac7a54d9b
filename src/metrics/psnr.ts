/**
 * Peak signal-to-noise ratio over a mask.
 *
 *     PSNR = 10 · log10(L² / MSE),   MSE = 1/N · Σ (x_i − y_i)²
 *
 * with L the data range, which the caller states: MRI has no fixed peak. attune uses the reference domain's
 * robust range (1st to 99th percentile in the mask, pooled over the reference scans).
 * Higher is better; +Infinity means equal voxels. Non-finite differences are left out.
 *
 * @param x     image, length V
 * @param y     reference on the same grid, length V
 * @param mask  length V
 * @param range data range L in the unit of the images, > 0
 * @returns decibel; NaN when no voxel is selected
 * @see Huynh-Thu, Ghanbari, Electron. Lett. 44(13):800–801 (2008), doi:10.1049/el:20080522
 */
export function psnr(x: Float32Array, y: Float32Array, mask: Uint8Array, range: number): number {
  let n = 0
  let squares = 0
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] === 0) continue
    const difference = x[i]! - y[i]!
    if (!Number.isFinite(difference)) continue
    n++
    squares += difference * difference
  }
  return 10 * Math.log10((range * range) / (squares / n))
}
