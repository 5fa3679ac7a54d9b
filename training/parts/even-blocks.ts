/**
 * What the last pass of a universal harmonizer reads of an image: how bright the even blocks are, 12, 24 and 36 mm below the scalp. A block of
 * 6 mm without edges in it shows a single tissue; where fluid, grey and white matter stand tells the tone of the scanner,
 * whatever there is of each. See docs/decisions/0018-tone-pass.md.
 */
import { blocksOf, deepBlocks } from './features.ts'

/** Of blocks, so of 6 mm each. */
export const DEPTHS = [2, 4, 6] as const
/** Percent of the deep blocks that count as even, those of least SD. */
export const EVEN_PERCENT = 30
/** Where the histogram of block means has its knots, in units of the canonical level: 0 to 1.6. */
export const LEVELS: readonly number[] = Array.from({ length: 41 }, (_, k) => k / 25)
/** Percentiles of the SD within blocks of the first depth. */
export const SD_PERCENTILES = [10, 30, 50] as const

/** For each depth a histogram and the share of blocks so deep; the number of blocks; the SD of blocks. */
export const EVEN_FEATURES: number = DEPTHS.length * (LEVELS.length + 1) + 1 + SD_PERCENTILES.length

/**
 * @param u    lattice intensities in units of the canonical level, [96, 120, 96]; NaN counts as outside the mask
 * @param mask 0 or 1, same shape
 * @returns for each depth the square roots of the 41 shares of the histogram; the shares of blocks so deep; logarithm of the number of
 * blocks over 10,000; SD of blocks. All 0 but the number where no block is so deep.
 */
export function evenBlockFeatures(u: Float32Array, mask: ArrayLike<number>): Float32Array {
  const { inside, means } = blocksOf(u, mask)
  const squares = blocksOf(
    u.map((value) => value * value),
    mask,
  )
  const sd = squares.means.map((square, block) => Math.sqrt(Math.max(0, square - means[block]! ** 2)))
  const total = inside.reduce((sum, one) => sum + one, 0)
  const out: number[] = []
  const shares: number[] = []
  let within: Float32Array = new Float32Array(0)
  for (const depth of DEPTHS) {
    const deep = deepBlocks(inside, depth)
    const ranked = sd.filter((_, block) => deep[block] === 1).sort()
    if (depth === DEPTHS[0]) within = ranked
    const most = lowerPercentile(ranked, EVEN_PERCENT)
    const chosen = means.filter((_, block) => deep[block] === 1 && sd[block]! <= most)
    out.push(...histogram(chosen).map(Math.sqrt))
    shares.push(ranked.length / Math.max(1, total))
  }
  out.push(...shares, Math.log(Math.max(1, total) / 10_000))
  out.push(...SD_PERCENTILES.map((percent) => lowerPercentile(within, percent)))
  return Float32Array.from(out)
}

/** The lower of two; 0 of nothing. */
function lowerPercentile(ascending: Float32Array, percent: number): number {
  return ascending[Math.floor((percent * (ascending.length - 1)) / 100)] ?? 0
}

/** Shares between the knots on both sides of each value. */
function histogram(values: Float32Array): number[] {
  const out = LEVELS.map(() => 0)
  const last = LEVELS.length - 1
  const step = LEVELS[1]!
  for (const value of values) {
    const at = Math.min(Math.max(value / step, 0), last)
    const low = Math.min(Math.floor(at), last - 1)
    out[low]! += (1 - (at - low)) / values.length
    out[low + 1]! += (at - low) / values.length
  }
  return out
}
