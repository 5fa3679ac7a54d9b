/** How much of a feature is the site's, and what its effects of covariates are, in one linear model with both. */
import type {
  BeforeAfter,
  CovariateEffect,
  SiteVariance,
  StandardizedEffect,
} from '../evidence/combat-diagnostics.ts'
import { median } from '../kernels/median.ts'
import { studentCritical, studentTails } from '../kernels/tails.ts'
import {
  type BatchDesign,
  type FeatureFit,
  featureOf,
  type Regression,
  regressionOn,
  together,
} from './batch-model.ts'
import { columnNames } from './coding.ts'
import type { Features } from './data.ts'

/**
 * Partial epsilon squared of the batches: 1 - (residual variance with batches / without), both over their degrees of freedom. Without bias, unlike
 * partial eta squared, which is (S - 1) / (N - Q - 1) on average where nothing differs.
 * @see Okada, Behaviormetrika 40(2):129-147 (2013), doi:10.2333/bhmk.40.129
 */
export function siteVariances(
  features: Features,
  { rows, groupOf, batchColumns, covariateColumns }: BatchDesign,
): readonly (SiteVariance | null)[] {
  const intercept = new Float64Array(rows).fill(1)
  const location = {
    full: regressionOn(together(covariateColumns, batchColumns), rows),
    reduced: regressionOn(together(covariateColumns, intercept), rows),
  }
  const spread = { full: regressionOn(batchColumns, rows), reduced: regressionOn(intercept, rows) }
  return features.names.map((_, f) => {
    const fit = location.full.fit(featureOf(features, f))
    const share = shareOf(location, featureOf(features, f))
    if (fit === null || share === null) return null
    return { location: share, spread: shareOf(spread, distances(fit, groupOf, rows)) ?? 0 }
  })
}

interface Nested {
  readonly full: Regression
  readonly reduced: Regression
}

function shareOf({ full, reduced }: Nested, values: Float64Array): number | null {
  const [all, without] = [full.fit(values), reduced.fit(values)]
  if (all === null || without === null || !(without.squares > ROUNDING * without.valueSquares)) return null
  return 1 - all.squares / all.freedom / (without.squares / without.freedom)
}

/** Chosen, as in the fit: what is nine digits below the values is rounding. */
const ROUNDING = 1e-18

/**
 * Distance of each residual from the median of its batch.
 * @see Brown, Forsythe, J. Am. Stat. Assoc. 69:364-367 (1974), doi:10.1080/01621459.1974.10482955
 */
function distances({ kept, residuals }: FeatureFit, groupOf: Int32Array, rows: number): Float64Array {
  const own = new Map<number, number[]>()
  kept.forEach((row, k) => {
    const g = groupOf[row] ?? 0
    own.set(g, [...(own.get(g) ?? []), residuals[k] ?? 0])
  })
  const medians = new Map([...own].map(([g, values]) => [g, median(values)]))
  const out = new Float64Array(rows).fill(Number.NaN)
  kept.forEach((row, k) => {
    out[row] = Math.abs((residuals[k] ?? 0) - (medians.get(groupOf[row] ?? 0) ?? 0))
  })
  return out
}

/**
 * Coefficients in residual SD of their own table: of a quantity per SD within batches, of a level against the base. Intervals take the residual
 * SD as known.
 */
export function covariateEffects(
  before: Features,
  after: Features | null,
  design: BatchDesign,
): readonly CovariateEffect[] {
  const { rows, codings, batchColumns, covariateColumns } = design
  const model = regressionOn(together(covariateColumns, batchColumns), rows)
  const kinds = codings.flatMap((coding) =>
    columnNames([coding]).map(() => (coding.kind === 'continuous' ? ('sd' as const) : ('level' as const))),
  )
  const fits = [before, after].map(
    (table) => table?.names.map((_, f) => model.fit(featureOf(table, f))) ?? null,
  )
  return columnNames(codings).map((column, q): CovariateEffect => {
    const per = kinds[q] ?? 'level'
    const unit = per === 'level' ? 1 : withinSd(covariateColumns.subarray(q * rows, (q + 1) * rows), design)
    const features = before.names.map((feature, f): BeforeAfter<StandardizedEffect> => {
      const [own, other] = fits.map((list) => standardized(list?.[f] ?? null, q, unit))
      return { feature, before: own ?? null, after: other ?? null }
    })
    return { column, per, features, kept: after === null ? null : keptOf(fits[0] ?? [], fits[1] ?? [], q) }
  })
}

function standardized(fit: FeatureFit | null, q: number, unit: number): StandardizedEffect | null {
  if (fit === null || !(fit.squares > ROUNDING * fit.valueSquares)) return null
  const { coefficients, errors, squares, freedom } = fit
  const coefficient = coefficients[q] ?? Number.NaN
  if (Number.isNaN(coefficient)) return null
  const sd = Math.sqrt(squares / freedom)
  const error = Math.sqrt(errors[q] ?? Number.NaN)
  const value = (coefficient * unit) / sd
  const half = studentCritical(0.025, freedom) * error * unit
  return {
    value,
    low: value - half,
    high: value + half,
    p: studentTails(coefficient / (error * sd), freedom),
  }
}

/** Slopes after along slopes before, each in the residual SD of before. */
function keptOf(
  before: readonly (FeatureFit | null)[],
  after: readonly (FeatureFit | null)[],
  q: number,
): number | null {
  let along = 0
  let square = 0
  before.forEach((own, f) => {
    const [a, b] = [own?.coefficients[q] ?? Number.NaN, after[f]?.coefficients[q] ?? Number.NaN]
    const variance = own === null ? Number.NaN : own.squares / own.freedom
    if (own === null || Number.isNaN(a * b) || !(own.squares > ROUNDING * own.valueSquares)) return
    along += (a * b) / variance
    square += (a * a) / variance
  })
  return square > 0 ? along / square : null
}

/** SD of a column around its means by batch. */
function withinSd(column: Float64Array, { groupOf, batches, rows }: BatchDesign): number {
  const sums = new Float64Array(batches.length)
  const counts = new Float64Array(batches.length)
  groupOf.forEach((g, row) => {
    sums[g] = (sums[g] ?? 0) + (column[row] ?? 0)
    counts[g] = (counts[g] ?? 0) + 1
  })
  const squares = column.reduce((sum, value, row) => {
    const g = groupOf[row] ?? 0
    return sum + (value - (sums[g] ?? 0) / (counts[g] ?? 1)) ** 2
  }, 0)
  return Math.sqrt(squares / (rows - batches.length))
}
