/** Rank correlation. */

/**
 * Spearman's rank correlation: Pearson's correlation of the ranks, equal values sharing the mean of theirs. From -1 to 1; higher where
 * the two grow together, whatever the shape of the curve.
 * @param x @param y finite, equally long
 * @returns NaN for fewer than two values, or where all values of one are equal
 * @see Spearman, Am. J. Psychol. 15(1):72-101 (1904), doi:10.2307/1412159
 */
export function spearman(x: Float32Array, y: Float32Array): number {
  const [a, b] = [midranks(x), midranks(y)]
  const mean = (x.length + 1) / 2
  let [xx, yy, xy] = [0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    const [u, v] = [a[i]! - mean, b[i]! - mean]
    xx += u * u
    yy += v * v
    xy += u * v
  }
  return xx === 0 || yy === 0 ? Number.NaN : xy / Math.sqrt(xx * yy)
}

/** Ranks from 1 to n; equal values get the mean of theirs. */
function midranks(x: Float32Array): Float64Array {
  const order = Uint32Array.from(x, (_, i) => i).sort((i, j) => x[i]! - x[j]!)
  const ranks = new Float64Array(x.length)
  for (let from = 0; from < order.length; ) {
    let to = from + 1
    while (to < order.length && x[order[to]!] === x[order[from]!]) to++
    for (let k = from; k < to; k++) ranks[order[k]!] = (from + to + 1) / 2
    from = to
  }
  return ranks
}
