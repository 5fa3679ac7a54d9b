/**
 * How well an image separates two tissues.
 *
 *     J = (mean_a - mean_b)^2 / (var_a + var_b)
 *
 * Does not depend on gain and offset. Noise, blurred borders and shading lower it; so does lost contrast. Smoothing raises it, without
 * showing anything that was not there. So neither direction is better by itself: of two images of one person, harmonized
 * over target, the quotient is to be 1.
 *
 * @param x      image, length V; NaN and infinite voxels do not count
 * @param labels tissue of each voxel, length V
 * @returns NaN where a tissue has no voxel, or where neither varies
 * @see Fisher, Ann. Eugen. 7(2):179-188 (1936), doi:10.1111/j.1469-1809.1936.tb02137.x
 * @see Duda, Hart, Stork, Pattern Classification, 2nd ed., Wiley (2001), section 3.8.2
 */
export function fisherRatio(x: Float32Array, labels: Uint8Array, a: number, b: number): number {
  const first = classMoments(x, labels, a)
  const second = classMoments(x, labels, b)
  const within = first.variance + second.variance
  return within > 0 ? (first.mean - second.mean) ** 2 / within : Number.NaN
}

/** Mean and population variance of one tissue; NaN for none. */
export function classMoments(
  x: Float32Array,
  labels: Uint8Array,
  label: number,
): { readonly n: number; readonly mean: number; readonly variance: number } {
  let n = 0
  let sum = 0
  for (let i = 0; i < x.length; i++)
    if (labels[i] === label && Number.isFinite(x[i])) {
      n++
      sum += x[i]!
    }
  const mean = sum / n
  let squares = 0
  for (let i = 0; i < x.length; i++)
    if (labels[i] === label && Number.isFinite(x[i])) squares += (x[i]! - mean) ** 2
  return { n, mean, variance: squares / n }
}
