/** One regression for many features: an intercept per group and shared slopes, from which location and scale of each group follow. */
import { type Dependency, leastSquares } from './least-squares.ts'

/** A design with an intercept for each of S groups and Q further columns, made ready once for any number of features. */
export interface GroupedDesign {
  readonly rows: number
  /** Group of each row, 0 to S - 1. */
  readonly groupOf: Int32Array
  /** Rows of each group, length S. */
  readonly sizes: Float64Array
  /** Means of the columns by group: `columnMeans[q * S + g]`. */
  readonly columnMeans: Float64Array
  /** The columns with the means of their groups taken out: `within[q * rows + i]`. */
  readonly within: Float64Array
  /** Slope q of values y that have mean 0 in every group is sum_i inverse[q * rows + i] * y[i]. */
  readonly inverse: Float64Array
}

/** Why a feature has no estimates; `fitted` where it has. */
export const FEATURE_STATES = [
  'fitted',
  'empty',
  'constant',
  'constant-in-group',
  'explained',
  'confounded',
] as const
export type FeatureState = (typeof FEATURE_STATES)[number]

/** Estimates of F features: of feature f, group g and column q at [f], [g * F + f] and [q * F + f]. */
export interface GroupedEstimates {
  readonly features: number
  /** Index into FEATURE_STATES; where it is not 0, the other arrays hold NaN. */
  readonly state: Uint8Array
  /** Expected value at columns of 0: over all groups, weighted by their values; or of the reference group. */
  readonly mean: Float64Array
  /** Mean square of the residuals: of all values, or of those of the reference group. */
  readonly variance: Float64Array
  /** Slopes, in units of the feature per unit of the column. */
  readonly slopes: Float64Array
  /** Intercept less `mean`, in square roots of `variance`; NaN in a group without values. */
  readonly location: Float64Array
  /** Variance of the residuals (divisor n - 1) over `variance`; NaN where it cannot be estimated. */
  readonly scale: Float64Array
  /** How many values there are. */
  readonly counts: Float64Array
}

export function emptyEstimates(features: number, groups: number, columns: number): GroupedEstimates {
  const nan = (length: number): Float64Array => new Float64Array(length).fill(Number.NaN)
  return {
    features,
    state: new Uint8Array(features),
    mean: nan(features),
    variance: nan(features),
    slopes: nan(columns * features),
    location: nan(groups * features),
    scale: nan(groups * features),
    counts: new Float64Array(groups * features),
  }
}

/**
 * @param columns one after the other, length Q * rows, finite
 * @returns the design; or, where a column is the same within every group or a combination of others there, which it is
 */
export function groupedDesign(
  columns: Float64Array,
  groupOf: Int32Array,
  groups: number,
): GroupedDesign | readonly Dependency[] {
  const rows = groupOf.length
  const count = rows === 0 ? 0 : columns.length / rows
  const sizes = new Float64Array(groups)
  for (let i = 0; i < rows; i++) sizes[groupOf[i]!]!++
  const columnMeans = new Float64Array(count * groups)
  const within = new Float64Array(columns.length)
  const lengths = new Float64Array(count)
  for (let q = 0; q < count; q++) {
    const column = columns.subarray(q * rows, (q + 1) * rows)
    const means = columnMeans.subarray(q * groups, (q + 1) * groups)
    groupMeansInto(means, column, groupOf, sizes)
    for (let i = 0; i < rows; i++) within[q * rows + i] = column[i]! - means[groupOf[i]!]!
    lengths[q] = spread(column)
  }
  const { dependencies, inverse } = leastSquares(within, rows, lengths)
  return dependencies.length > 0 ? dependencies : { rows, groupOf, sizes, columnMeans, within, inverse }
}

/** Means by group, NaN for one without rows. Equal values have exactly their value as mean. */
function groupMeansInto(out: Float64Array, x: Float64Array, groupOf: Int32Array, sizes: Float64Array): void {
  const first = new Float64Array(out.length).fill(Number.NaN)
  out.fill(0)
  for (let i = 0; i < groupOf.length; i++) {
    const g = groupOf[i]!
    if (Number.isNaN(first[g])) first[g] = x[i]!
    out[g]! += x[i]! - first[g]!
  }
  for (let g = 0; g < out.length; g++) out[g] = first[g]! + out[g]! / sizes[g]!
}

/** Root of the sum of squared differences from the mean; exactly 0 for equal values. */
function spread(x: Float64Array): number {
  const first = x[0] ?? 0
  let shift = 0
  for (let i = 0; i < x.length; i++) shift += x[i]! - first
  const mean = first + shift / x.length
  let squares = 0
  for (let i = 0; i < x.length; i++) squares += (x[i]! - mean) ** 2
  return Math.sqrt(squares)
}

/** The design of some rows; a group may be left without any. */
function subDesign(
  { groupOf, sizes, columnMeans, within, rows }: GroupedDesign,
  kept: Int32Array,
): GroupedDesign | readonly Dependency[] {
  const groups = sizes.length
  const count = rows === 0 ? 0 : within.length / rows
  const columns = new Float64Array(count * kept.length)
  for (let q = 0; q < count; q++)
    for (let k = 0; k < kept.length; k++) {
      const i = kept[k]!
      columns[q * kept.length + k] = within[q * rows + i]! + columnMeans[q * groups + groupOf[i]!]!
    }
  return groupedDesign(
    columns,
    Int32Array.from(kept, (i) => groupOf[i]!),
    groups,
  )
}

/**
 * Chosen: residuals below this share of the variance within groups are rounding: the columns explain the feature (or the group) fully.
 * A share of 1e-18 is nine digits of the values themselves; features of float32 files carry seven.
 */
const ROUNDING = 1e-18

/** What stands in for values before they are fitted, and what that does to their variance. */
export interface Resistance {
  /** Replaces outlying values of `x`, length `design.rows`, in place. */
  readonly tame: (x: Float64Array, design: GroupedDesign) => void
  /** Variance of tamed normal values, as a share of theirs. */
  readonly variance: number
}

/**
 * Fits `count` features that stand one after the other in `values` (length count * rows, NaN for missing) into the estimates from
 * feature `first` on. Each feature is fitted from the rows that have it, as if there were no others.
 * @param reference group that gives mean and variance, or -1 for all together
 * @param resistance for estimates that outliers do not pull
 */
export function fitGroupsInto(
  out: GroupedEstimates,
  first: number,
  values: Float64Array,
  design: GroupedDesign,
  reference: number,
  resistance: Resistance | null = null,
): void {
  const { rows } = design
  const x = new Float64Array(rows)
  const kept = new Int32Array(rows)
  for (let f = 0, at = 0; at < values.length; f++, at += rows) {
    let n = 0
    for (let i = 0; i < rows; i++) {
      const value = values[at + i]!
      if (Number.isNaN(value)) continue
      x[n] = value
      kept[n++] = i
    }
    let own: GroupedDesign | readonly Dependency[] = design
    if (n === 0) own = []
    else if (n < rows) own = subDesign(design, kept.subarray(0, n))
    const to = first + f
    if (!('rows' in own)) {
      out.state[to] = FEATURE_STATES.indexOf(n === 0 ? 'empty' : 'confounded')
      continue
    }
    const y = n === rows ? x : x.slice(0, n)
    const flat = constancy(y, own)
    if (flat === 'fitted' && resistance !== null) resistance.tame(y, own)
    const state = flat === 'fitted' ? fitOne(out, to, y, own, reference, resistance?.variance ?? 1) : flat
    out.state[to] = FEATURE_STATES.indexOf(state)
  }
}

/** Intercepts at columns of their group's mean (length S), and slopes (length Q). */
export interface Regressed {
  readonly means: Float64Array
  readonly slopes: Float64Array
  /** Sum of the squares that were left within groups before the slopes. */
  readonly withinSquares: number
}

/** Least squares of the values `x` (length `design.rows`), which its residuals replace. */
export function regressInPlace(x: Float64Array, design: GroupedDesign): Regressed {
  const { rows, groupOf, sizes, within, inverse } = design
  const means = new Float64Array(sizes.length)
  const slopes = new Float64Array(rows === 0 ? 0 : within.length / rows)
  groupMeansInto(means, x, groupOf, sizes)
  let withinSquares = 0
  for (let i = 0; i < rows; i++) {
    const left = x[i]! - means[groupOf[i]!]!
    x[i] = left
    withinSquares += left * left
  }
  for (let q = 0; q < slopes.length; q++) {
    let slope = 0
    for (let i = 0, at = q * rows; i < rows; i++) slope += inverse[at + i]! * x[i]!
    slopes[q] = slope
  }
  for (let q = 0; q < slopes.length; q++) {
    const slope = slopes[q]!
    for (let i = 0, at = q * rows; i < rows; i++) x[i]! -= slope * within[at + i]!
  }
  return { means, slopes, withinSquares }
}

/** Fits the values `x` of one feature, which its residuals replace. */
function fitOne(
  out: GroupedEstimates,
  to: number,
  x: Float64Array,
  design: GroupedDesign,
  reference: number,
  shrinkage: number,
): FeatureState {
  const { rows, groupOf, sizes, columnMeans } = design
  const { features } = out
  const groups = sizes.length
  const { means: intercepts, slopes, withinSquares } = regressInPlace(x, design)
  const squares = new Float64Array(groups)
  for (let i = 0; i < rows; i++) squares[groupOf[i]!]! += x[i]! * x[i]!
  let mean = 0
  let residual = 0
  for (let g = 0; g < groups; g++) {
    if (sizes[g] === 0) continue
    for (let q = 0; q < slopes.length; q++) intercepts[g]! -= slopes[q]! * columnMeans[q * groups + g]!
    mean += (sizes[g]! / rows) * intercepts[g]!
    residual += squares[g]!
  }
  if (reference >= 0) {
    mean = intercepts[reference]!
    residual = squares[reference]!
  }
  if (reference >= 0 && sizes[reference] === 0) return 'empty'
  if (!(residual > ROUNDING * withinSquares)) return 'explained'
  const variance = residual / (reference >= 0 ? sizes[reference]! : rows) / shrinkage
  out.mean[to] = mean
  out.variance[to] = variance
  for (let q = 0; q < slopes.length; q++) out.slopes[q * features + to] = slopes[q]!
  const sd = Math.sqrt(variance)
  for (let g = 0; g < groups; g++) {
    const n = sizes[g]!
    out.counts[g * features + to] = n
    if (n === 0) continue
    out.location[g * features + to] = (intercepts[g]! - mean) / sd
    if (n > 1 && squares[g]! > ROUNDING * withinSquares)
      out.scale[g * features + to] = squares[g]! / (n - 1) / shrinkage / variance
  }
  return 'fitted'
}

/** Whether all values, or all of two and more values of a group, are equal. */
function constancy(x: Float64Array, { groupOf, sizes }: GroupedDesign): FeatureState {
  const low = new Float64Array(sizes.length).fill(Number.POSITIVE_INFINITY)
  const high = new Float64Array(sizes.length).fill(Number.NEGATIVE_INFINITY)
  for (let i = 0; i < x.length; i++) {
    const g = groupOf[i]!
    const value = x[i]!
    if (value < low[g]!) low[g] = value
    if (value > high[g]!) high[g] = value
  }
  if (Math.min(...low) === Math.max(...high)) return 'constant'
  for (let g = 0; g < sizes.length; g++) if (sizes[g]! > 1 && low[g] === high[g]) return 'constant-in-group'
  return 'fitted'
}
