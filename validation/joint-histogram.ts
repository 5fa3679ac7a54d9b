/** How often each pair of intensities occurs at one place in two images. */

/**
 * Joint histogram of two images in a mask; pairs beyond the range are left out.
 *
 * @param x     image: columns
 * @param y     reference on the same grid: rows
 * @param range what the bins cover, on both axes alike
 * @returns bins x bins counts, row-major, first row and column at `range.low`
 */
export function jointHistogram(
  x: Float32Array,
  y: Float32Array,
  mask: Uint8Array,
  range: { readonly low: number; readonly high: number },
  bins: number,
): readonly number[] {
  const counts = new Array<number>(bins * bins).fill(0)
  const perUnit = bins / (range.high - range.low)
  const bin = (v: number): number => Math.floor((v - range.low) * perUnit)
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] === 0) continue
    const column = bin(x[i] as number)
    const row = bin(y[i] as number)
    if (!(column >= 0 && column < bins && row >= 0 && row < bins)) continue
    counts[row * bins + column] = (counts[row * bins + column] as number) + 1
  }
  return counts
}
