/**
 * The distribution of an image in a few hundred kilobytes: what order statistics, densities and tissue classes are computed
 * from, so that no method sorts or copies millions of voxels.
 */

/** Counts in even bins; bins without a voxel are left out. All four have one entry per bin, in increasing order. */
export interface Histogram {
  /** Voxels in each bin; at least 1. */
  readonly counts: Float64Array
  readonly means: Float64Array
  /** Least and greatest value of each bin. */
  readonly lows: Float64Array
  readonly highs: Float64Array
  /** Voxels in all bins. */
  readonly n: number
  /** Selected voxels that are NaN or infinite, and in no bin. */
  readonly excluded: number
}

/** A bin is then narrower than one stored step of 16-bit images, which makes their order statistics exact. */
const BINS = 65_536
/** Share of the voxels on either side that may be far away from the rest: hot pixels, fat, vessels. */
const TAIL = 1e-3
/** Bins that the voxels between the tails take up at least, in parts of all; otherwise a narrower range is cut anew. */
const FILLED = 1 / 16
const ROUNDS = 4

/**
 * The finite voxels where `mask` is non-zero. Values beyond the range of even bins are kept in the first and the last.
 * @param x    length V, any unit
 * @param mask length V
 * @returns no bin where no voxel is finite and selected
 */
export function histogramOf(x: Float32Array, mask: Uint8Array): Histogram {
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  let excluded = 0
  for (let i = 0; i < x.length; i++) {
    if (mask[i] === 0) continue
    const value = x[i]!
    // v - v is 0 for every finite number and NaN for the others.
    if (value - value !== 0) excluded++
    else {
      if (value < low) low = value
      if (value > high) high = value
    }
  }
  for (let round = 1; ; round++) {
    const histogram = count(x, mask, low, high, excluded)
    if (round === ROUNDS || histogram.n === 0) return histogram
    const [first, last] = quantilesOf(histogram, [TAIL, 1 - TAIL]) as unknown as [number, number]
    if (!(last > first) || last - first >= FILLED * (high - low)) return histogram
    const width = last - first
    low = Math.max(low, first - width)
    high = Math.min(high, last + width)
  }
}

function count(x: Float32Array, mask: Uint8Array, low: number, high: number, excluded: number): Histogram {
  const counts = new Float64Array(BINS)
  const sums = new Float64Array(BINS)
  const lows = new Float64Array(BINS).fill(Number.POSITIVE_INFINITY)
  const highs = new Float64Array(BINS).fill(Number.NEGATIVE_INFINITY)
  const perUnit = high > low ? BINS / (high - low) : 0
  for (let i = 0; i < x.length; i++) {
    if (mask[i] === 0) continue
    const value = x[i]!
    if (value - value !== 0) continue
    const place = (value - low) * perUnit
    const bin = place >= BINS ? BINS - 1 : place > 0 ? place | 0 : 0
    counts[bin]!++
    sums[bin]! += value
    if (value < lows[bin]!) lows[bin] = value
    if (value > highs[bin]!) highs[bin] = value
  }
  const filled = (_: number, bin: number): boolean => counts[bin] !== 0
  const means = sums.map((sum, bin) => sum / counts[bin]!).filter(filled)
  const own = { lows: lows.filter(filled), highs: highs.filter(filled), counts: counts.filter(filled) }
  return { ...own, means, n: own.counts.reduce((sum, c) => sum + c, 0), excluded }
}

/**
 * Quantiles: linear between order statistics, h = (n - 1) p; within a bin, voxels are taken to be spread evenly.
 * @param probabilities in [0, 1], ascending
 * @returns NaN for every probability where there is no value
 * @see Hyndman, Fan, Am. Stat. 50(4):361-365 (1996), type 7; the default of NumPy and R
 */
export function quantilesOf(
  { counts, lows, highs, n }: Histogram,
  probabilities: readonly number[],
): Float64Array {
  let bin = 0
  let before = 0
  return Float64Array.from(probabilities, (p) => {
    if (n === 0) return Number.NaN
    const h = p * (n - 1)
    while (bin < counts.length - 1 && before + counts[bin]! <= h) before += counts[bin++]!
    const within = h - before
    const last = counts[bin]! - 1
    // Between the last voxel of this bin and the first of the next.
    if (within > last)
      return bin === counts.length - 1 ? highs[bin]! : mix(highs[bin]!, lows[bin + 1]!, within - last)
    return last === 0 ? lows[bin]! : mix(lows[bin]!, highs[bin]!, within / last)
  })
}

function mix(a: number, b: number, t: number): number {
  return t === 0 ? a : a + t * (b - a)
}

/** The bins that reach into [low, high]. */
export function within(histogram: Histogram, low: number, high: number): Histogram {
  const { counts, means, lows, highs, excluded } = histogram
  let start = 0
  let end = counts.length
  while (start < end && highs[start]! < low) start++
  while (end > start && lows[end - 1]! > high) end--
  const part = (values: Float64Array): Float64Array => values.subarray(start, end)
  const n = part(counts).reduce((sum, count) => sum + count, 0)
  return { counts: part(counts), means: part(means), lows: part(lows), highs: part(highs), n, excluded }
}

/** The bins that begin at `limit` or below. */
export function upTo(histogram: Histogram, limit: number): Histogram {
  return within(histogram, Number.NEGATIVE_INFINITY, limit)
}

/** Share of the voxels below the bin whose mean is nearest to `value`, and of half of those in it. */
export function rankOf({ counts, means, n }: Histogram, value: number): number {
  let nearest = 0
  let below = 0
  for (let k = 0, before = 0; k < counts.length; before += counts[k++]!)
    if (Math.abs(means[k]! - value) < Math.abs(means[nearest]! - value) || k === 0) {
      nearest = k
      below = before
    }
  return n === 0 ? Number.NaN : (below + counts[nearest]! / 2) / n
}

/** Mean and population standard deviation of the voxels of a histogram; NaN where it has none. */
export function momentsOf({ counts, means, n }: Histogram): { mean: number; sd: number } {
  let sum = 0
  for (let k = 0; k < counts.length; k++) sum += counts[k]! * means[k]!
  const mean = sum / n
  let squares = 0
  for (let k = 0; k < counts.length; k++) squares += counts[k]! * (means[k]! - mean) ** 2
  return { mean, sd: Math.sqrt(squares / n) }
}

/** The same distribution in at most `bins` even bins between the least and the greatest mean. */
export function coarser(histogram: Histogram, bins: number): Pick<Histogram, 'counts' | 'means'> {
  const { counts, means } = histogram
  const [low, high] = [means[0]!, means.at(-1)!]
  const sums = new Float64Array(bins)
  const totals = new Float64Array(bins)
  for (let k = 0; k < counts.length; k++) {
    const bin = high > low ? Math.min(bins - 1, Math.floor(((means[k]! - low) / (high - low)) * bins)) : 0
    totals[bin]! += counts[k]!
    sums[bin]! += counts[k]! * means[k]!
  }
  const filled = (_: number, bin: number): boolean => totals[bin] !== 0
  return { counts: totals.filter(filled), means: sums.map((sum, k) => sum / totals[k]!).filter(filled) }
}
