/**
 * How wide intervals must be so that they hold a given share of what a new person shows: conformal prediction with people, not voxels,
 * as what is exchangeable. Voxels of one person are not independent; only the person is drawn anew.
 *
 * What is aimed at is the share that a new person's intervals hold *on average over people* ("pooling CDFs" of Dunn, Wasserman, Ramdas),
 * and not a share that nine of ten people exceed, which would be wider. It is exact for many people. For few it falls short a little:
 * where the scale of errors differs from person to person with an SD of 20 % (30 %), five people give 89.6 % (89.2 %) instead of 90 %. A
 * guarantee for any distribution takes 9 people at 90 %, even for one number a person: ceil(0.9 (n + 1)) <= n.
 *
 * @see Vovk, Gammerman, Shafer, Algorithmic Learning in a Random World, Springer (2005), doi:10.1007/b106715 (Mondrian: by class)
 * @see Romano, Patterson, Candes, NeurIPS 32 (2019), arXiv:1905.03222; Lei et al., J. Am. Stat. Assoc. 113:1094-1111 (2018) (scores over a local scale)
 * @see Dunn, Wasserman, Ramdas, J. Am. Stat. Assoc. 118:2491-2502 (2023), doi:10.1080/01621459.2022.2060112 (two-layer data)
 * @see Angelopoulos, Bates, Found. Trends Mach. Learn. 16(4):494-591 (2023), doi:10.1561/2200000101
 */

/** Scores fall into bins that are 1 % wide, from 1e-4 to 1e4; smaller ones count into the first, larger ones into none. */
const LOWEST = 1e-4
const PER_UNIT = 100
const BINS: number = Math.ceil(Math.log(1e8) * PER_UNIT)
/** Scores of one person, counted: memory does not grow with the number of voxels. */
export interface ScoreCounts {
  readonly counts: Float64Array
  total: number
}

export function scoreCounts(): ScoreCounts {
  return { counts: new Float64Array(BINS), total: 0 }
}

/** @param score error over scale, at least 0; infinity counts as never covered */
export function countScore(into: ScoreCounts, score: number): void {
  const bin = score <= LOWEST ? 0 : Math.ceil(Math.log(score / LOWEST) * PER_UNIT) - 1
  if (bin < BINS) into.counts[bin]!++
  into.total++
}

/** The upper edge of a bin. */
function scoreAt(bin: number): number {
  return LOWEST * Math.exp((bin + 1) / PER_UNIT)
}

/**
 * By what a scale must be multiplied so that, on average over people, `level` of a new person's errors lie within it: where the mean of
 * people's own distributions of scores reaches `level`.
 * @param people scores of each held-out person, none of them empty
 * @param level  in (0, 1)
 * @returns NaN without people. With one, that person's own quantile: nothing then shows how people differ
 */
export function conformalFactor(people: readonly ScoreCounts[], level: number): number {
  if (people.length === 0) return Number.NaN
  let covered = 0
  for (let bin = 0; bin < BINS; bin++) {
    for (const { counts, total } of people) covered += counts[bin]! / total
    // The allowance settles shares that are exact in decimals.
    if (covered >= level * people.length - 1e-9) return scoreAt(bin)
  }
  return scoreAt(BINS - 1)
}
