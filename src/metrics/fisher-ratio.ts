/** Voxels, mean and population variance of one tissue. */
export interface TissueMoments {
  readonly n: number
  readonly mean: number
  readonly variance: number
}

/**
 * Of every label, in two passes over the image.
 * @param x      image, length V; NaN and infinite voxels do not count
 * @param labels tissue of each voxel, length V
 * @returns 256 entries; mean and variance are NaN where a label has no voxel
 */
export function tissueMoments(x: Float32Array, labels: Uint8Array): readonly TissueMoments[] {
  const n = new Float64Array(256)
  const sum = new Float64Array(256)
  const squares = new Float64Array(256)
  for (let i = 0; i < x.length; i++) {
    const value = x[i]!
    // v - v is 0 for every finite number and NaN for the others.
    if (value - value !== 0) continue
    n[labels[i]!]! += 1
    sum[labels[i]!]! += value
  }
  for (let k = 0; k < 256; k++) sum[k]! /= n[k]!
  for (let i = 0; i < x.length; i++) {
    const value = x[i]!
    if (value - value === 0) squares[labels[i]!]! += (value - sum[labels[i]!]!) ** 2
  }
  return Array.from(n, (count, k) => ({ n: count, mean: sum[k]!, variance: squares[k]! / count }))
}

/**
 * How well an image separates two tissues.
 *
 *     J = (mean_a - mean_b)^2 / (var_a + var_b)
 *
 * Does not depend on gain and offset. Noise, blurred borders and shading lower it; so does lost contrast. Smoothing raises it, without
 * showing anything that was not there. So neither direction is better by itself: of two images of one person, harmonized
 * over target, the quotient is to be 1.
 *
 * @returns NaN where a tissue has no voxel, or where neither varies
 * @see Fisher, Ann. Eugen. 7(2):179-188 (1936), doi:10.1111/j.1469-1809.1936.tb02137.x
 * @see Duda, Hart, Stork, Pattern Classification, 2nd ed., Wiley (2001), section 3.8.2
 */
export function fisherRatio(a: TissueMoments, b: TissueMoments): number {
  const within = a.variance + b.variance
  return within > 0 ? (a.mean - b.mean) ** 2 / within : Number.NaN
}
