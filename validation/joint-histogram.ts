/** How often each pair of intensities occurs at one place in two images. */

/**
 * Joint histogram of two images in a mask; intensities beyond the range count into the outermost bins.
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
  const bin = (v: number): number => Math.min(bins - 1, Math.max(0, Math.floor((v - range.low) * perUnit)))
  for (let i = 0; i < mask.length; i++) {
    const a = x[i] as number
    const b = y[i] as number
    if (mask[i] === 0 || !Number.isFinite(a + b)) continue
    const cell = bin(b) * bins + bin(a)
    counts[cell] = (counts[cell] ?? 0) + 1
  }
  return counts
}
