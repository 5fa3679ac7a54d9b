/** How small an effect each site could still show. */
import type { SiteSize } from '../evidence/combat-diagnostics.ts'
import { studentCritical } from '../kernels/tails.ts'
import { type Coding, columnNames } from './coding.ts'
import { levelsOf, type SampleTable } from './data.ts'

/** Two-sided 5 %, and a power of 80 %: the convention (Cohen 1988). */
const [SIDE, MISS] = [0.025, 0.2]

/**
 * The smallest effect, in residual SD, that a t test at 5 % finds with a power of 80 %:
 *
 *     (t[0.975] + t[0.8]) * standard error,  with the degrees of freedom of the residuals
 *
 * A shift of the site has the standard error root(1/n + 1/(N - n)); within the site, a slope per SD has 1/root(n), a difference between halves
 * 2/root(n). Covariates cost degrees of freedom; what they share with the effect would cost more, and is not counted.
 * @see Bloom, Eval. Rev. 19(5):547-556 (1995), doi:10.1177/0193841X9501900504 (minimum detectable effects)
 */
export function siteSizes({ batch }: SampleTable, codings: readonly Coding[]): readonly SiteSize[] {
  const sites = levelsOf(batch)
  const columns = columnNames(codings).length
  const total = batch.length
  const smallest = (freedom: number, error: number): number | null =>
    freedom < 1 ? null : (studentCritical(SIDE, freedom) + studentCritical(MISS, freedom)) * error
  return sites.map((name) => {
    const rows = batch.filter((own) => own === name).length
    const within = rows - 1 - Math.max(1, columns)
    return {
      name,
      rows,
      smallestShift: smallest(total - sites.length - columns, Math.sqrt(1 / rows + 1 / (total - rows))),
      smallestSlope: smallest(within, 1 / Math.sqrt(rows)),
      smallestDifference: smallest(within, 2 / Math.sqrt(rows)),
    }
  })
}
