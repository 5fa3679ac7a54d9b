/** How sure a figure is: intervals over the families of the tested people. */
import type { Confidence } from '../src/evidence/evidence.ts'
import { clusterBootstrap } from '../src/kernels/bootstrap.ts'

/** Equal data give equal intervals. */
const SEED = 1

/** The family of a subject: scans that share one are drawn together. */
export type FamilyOf = (subject: string) => string

/** @returns undefined where the rows come from one family, or the statistic has no value */
export function confidenceOf<T extends { readonly subject: string }>(
  rows: readonly T[],
  familyOf: FamilyOf,
  statistic: (rows: readonly T[]) => number | undefined,
): Confidence | undefined {
  const names = [...new Set(rows.map(({ subject }) => familyOf(subject)))]
  const families = names.map((name) => rows.filter(({ subject }) => familyOf(subject) === name))
  const found = clusterBootstrap(families, statistic, SEED)
  return found && { low: found.low, high: found.high, families: found.clusters }
}

/**
 * For the reader: what the intervals are, and why few people make them too short. The range of n independent values holds the median
 * of the population with probability 1 - 2^(1 - n), and no bootstrap of a median reaches beyond the range.
 */
export function confidenceMeaning(families: number): string {
  const most = 1 - 2 ** (1 - families)
  return [
    `95 % intervals by a percentile bootstrap over ${families} ${families === 1 ? 'family' : 'families'} (2000 draws, seed ${SEED}); scans of relatives are drawn together. Scan-rescan floors are taken as known.`,
    ...(most < 0.95
      ? [
          families === 1
            ? 'One family gives none.'
            : `With so few, no interval made of the data holds the median of a population with more than ${(100 * most).toFixed(0)} % probability.`,
        ]
      : []),
  ].join(' ')
}
