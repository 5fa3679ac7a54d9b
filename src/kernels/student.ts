/** Quantiles of Student's t distribution. */

/**
 * The value that t with `freedom` degrees of freedom stays below with a probability whose normal quantile is `z`. Expansion in
 * 1 / freedom to the fourth order: right to 0.5 % from 6 degrees on for |z| up to 3.3.
 * @see Abramowitz, Stegun, Handbook of Mathematical Functions (1964), 26.7.5
 */
export function studentQuantile(z: number, freedom: number): number {
  const [z2, n] = [z * z, freedom]
  const first = (z * (z2 + 1)) / 4
  const second = (z * (3 + z2 * (16 + 5 * z2))) / 96
  const third = (z * (-15 + z2 * (17 + z2 * (19 + 3 * z2)))) / 384
  const fourth = (z * (-945 + z2 * (-1920 + z2 * (1482 + z2 * (776 + 79 * z2))))) / 92160
  return z + first / n + second / n ** 2 + third / n ** 3 + fourth / n ** 4
}
