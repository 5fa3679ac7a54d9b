/** One regression for many features: an intercept per group and shared slopes, from which location and scale of each group follow. */
import { type Dependency, leastSquares } from './least-squares.ts'
import { times } from './symmetric.ts'

/** A design with an intercept for each of S groups and Q further columns, made ready once for any number of features. */
export interface GroupedDesign {
  readonly rows: number
  /** The rows group after group: which row stands at each place. All that follows is in this order. */
  readonly order: Int32Array
  /** Group g has the places from starts[g] to starts[g + 1]; length S + 1. */
  readonly starts: Int32Array
  /** Means of the columns by group: `columnMeans[q * S + g]`. */
  readonly columnMeans: Float64Array
  /** The columns with the means of their groups taken out: `within[q * rows + i]`. */
  readonly within: Float64Array
  /** Slope q of values y that have mean 0 in every group is sum_i inverse[q * rows + i] * y[i]. */
  readonly inverse: Float64Array
  /** Where it is there, the slopes are this (Q x Q, or a diagonal of Q) times those sums: what penalties make of them. */
  readonly solution?: Float64Array
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
 * @param groupOf group of each row, 0 to groups - 1
 * @returns the design; or, where a column is the same within every group or a combination of others there, which it is
 */
export function groupedDesign(
  columns: Float64Array,
  groupOf: Int32Array,
  groups: number,
): GroupedDesign | readonly Dependency[] {
  const { design, lengths } = groupedColumns(columns, groupOf, groups)
  return solvedDesign(design, lengths)
}

/** What a design is before its slopes have a solution; `lengths` are those of the columns before the means of groups were taken out. */
export interface GroupedColumns {
  readonly design: Omit<GroupedDesign, 'inverse'>
  readonly lengths: Float64Array
}

/** As `groupedDesign`, for those who solve for the slopes in their own way. */
export function groupedColumns(columns: Float64Array, groupOf: Int32Array, groups: number): GroupedColumns {
  const rows = groupOf.length
  const starts = new Int32Array(groups + 1)
  for (let i = 0; i < rows; i++) starts[groupOf[i]! + 1]!++
  for (let g = 0; g < groups; g++) starts[g + 1]! += starts[g]!
  const order = new Int32Array(rows)
  const next = starts.slice()
  for (let i = 0; i < rows; i++) order[next[groupOf[i]!]!++] = i
  const sorted = columns.map((_, at) => columns[at - (at % rows) + order[at % rows]!]!)
  return orderedColumns(sorted, order, starts)
}

function solvedDesign(
  design: Omit<GroupedDesign, 'inverse'>,
  lengths: Float64Array,
): GroupedDesign | readonly Dependency[] {
  const { dependencies, inverse } = leastSquares(design.within, design.rows, lengths)
  return dependencies.length > 0 ? dependencies : { ...design, inverse }
}

/** The same for columns that are in the order of the design already. */
function orderedColumns(within: Float64Array, order: Int32Array, starts: Int32Array): GroupedColumns {
  const rows = order.length
  const groups = starts.length - 1
  const count = rows === 0 ? 0 : within.length / rows
  const columnMeans = new Float64Array(count * groups)
  const lengths = new Float64Array(count)
  for (let q = 0; q < count; q++) {
    const column = within.subarray(q * rows, (q + 1) * rows)
    lengths[q] = spread(column)
    takeOutMeans(column, starts, columnMeans.subarray(q * groups, (q + 1) * groups))
  }
  return { design: { rows, order, starts, columnMeans, within }, lengths }
}

/**
 * Takes the mean of each group out of `x`, and into `means`: NaN for a group without rows. Equal values have exactly their value as mean.
 * @returns the sum of the squares that are left
 */
function takeOutMeans(x: Float64Array, starts: Int32Array, means: Float64Array): number {
  let squares = 0
  for (let g = 0; g < means.length; g++) {
    const from = starts[g]!
    const end = starts[g + 1]!
    const first = x[from]!
    let sum = 0
    for (let i = from; i < end; i++) sum += x[i]! - first
    const mean = end > from ? first + sum / (end - from) : Number.NaN
    means[g] = mean
    for (let i = from; i < end; i++) {
      const left = x[i]! - mean
      x[i] = left
      squares += left * left
    }
  }
  return squares
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

/** The design of some places, in ascending order; a group may be left without any. */
function subDesign(design: GroupedDesign, kept: Int32Array): GroupedDesign | readonly Dependency[] {
  const { rows, within, columnMeans, starts } = design
  const groups = starts.length - 1
  const count = rows === 0 ? 0 : within.length / rows
  const columns = new Float64Array(count * kept.length)
  const ownStarts = new Int32Array(groups + 1)
  for (let g = 0, k = 0; g < groups; g++) {
    for (; k < kept.length && kept[k]! < starts[g + 1]!; k++)
      for (let q = 0; q < count; q++)
        columns[q * kept.length + k] = within[q * rows + kept[k]!]! + columnMeans[q * groups + g]!
    ownStarts[g + 1] = k
  }
  const own = orderedColumns(
    columns,
    Int32Array.from(kept, (place) => design.order[place]!),
    ownStarts,
  )
  return solvedDesign(own.design, own.lengths)
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
  const { rows, order } = design
  const x = new Float64Array(rows)
  const kept = new Int32Array(rows)
  for (let to = first, at = 0; at < values.length; to++, at += rows) {
    let n = 0
    for (let place = 0; place < rows; place++) {
      const value = values[at + order[place]!]!
      x[n] = value
      kept[n] = place
      if (!Number.isNaN(value)) n++
    }
    out.state[to] = FEATURE_STATES.indexOf(
      n === rows
        ? fitOne(out, to, x, design, reference, resistance)
        : fitSome(out, to, x.slice(0, n), kept.subarray(0, n), design, reference, resistance),
    )
  }
}

/** Fits a feature that some rows do not have. */
function fitSome(
  out: GroupedEstimates,
  to: number,
  x: Float64Array,
  kept: Int32Array,
  design: GroupedDesign,
  reference: number,
  resistance: Resistance | null,
): FeatureState {
  if (kept.length === 0) return 'empty'
  const own = subDesign(design, kept)
  return 'rows' in own ? fitOne(out, to, x, own, reference, resistance) : 'confounded'
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
  const { rows, starts, within, inverse } = design
  const means = new Float64Array(starts.length - 1)
  const slopes = new Float64Array(rows === 0 ? 0 : within.length / rows)
  const withinSquares = takeOutMeans(x, starts, means)
  for (let q = 0; q < slopes.length; q++) {
    let slope = 0
    for (let i = 0, at = q * rows; i < rows; i++) slope += inverse[at + i]! * x[i]!
    slopes[q] = slope
  }
  if (design.solution !== undefined) slopes.set(times(design.solution, slopes))
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
  resistance: Resistance | null,
): FeatureState {
  const { rows, starts, columnMeans } = design
  const { features } = out
  const groups = starts.length - 1
  const size = (g: number): number => starts[g + 1]! - starts[g]!
  const flat = constancy(x, starts)
  if (flat !== 'fitted') return flat
  if (reference >= 0 && size(reference) === 0) return 'empty'
  resistance?.tame(x, design)
  const shrinkage = resistance?.variance ?? 1
  const { means: intercepts, slopes, withinSquares } = regressInPlace(x, design)
  const squares = new Float64Array(groups)
  let mean = 0
  let residual = 0
  for (let g = 0; g < groups; g++) {
    if (size(g) === 0) continue
    let sum = 0
    for (let i = starts[g]!; i < starts[g + 1]!; i++) sum += x[i]! * x[i]!
    squares[g] = sum
    for (let q = 0; q < slopes.length; q++) intercepts[g]! -= slopes[q]! * columnMeans[q * groups + g]!
    mean += (size(g) / rows) * intercepts[g]!
    residual += sum
  }
  if (reference >= 0) {
    mean = intercepts[reference]!
    residual = squares[reference]!
  }
  if (!(residual > ROUNDING * withinSquares)) return 'explained'
  const variance = residual / (reference >= 0 ? size(reference) : rows) / shrinkage
  out.mean[to] = mean
  out.variance[to] = variance
  for (let q = 0; q < slopes.length; q++) out.slopes[q * features + to] = slopes[q]!
  const sd = Math.sqrt(variance)
  for (let g = 0; g < groups; g++) {
    const n = size(g)
    out.counts[g * features + to] = n
    if (n === 0) continue
    out.location[g * features + to] = (intercepts[g]! - mean) / sd
    if (n > 1 && squares[g]! > ROUNDING * withinSquares)
      out.scale[g * features + to] = squares[g]! / (n - 1) / shrinkage / variance
  }
  return 'fitted'
}

/** Whether all values, or all of two and more values of a group, are equal. */
function constancy(x: Float64Array, starts: Int32Array): FeatureState {
  let everywhere = true
  let inGroup = false
  for (let g = 0; g + 1 < starts.length; g++) {
    const first = x[starts[g]!]
    const end = starts[g + 1]!
    let same = starts[g]! + 1
    while (same < end && x[same] === first) same++
    if (same < end) everywhere = false
    else if (end - starts[g]! > 1) inGroup = true
    if (end > starts[g]! && first !== x[0]) everywhere = false
  }
  return everywhere ? 'constant' : inGroup ? 'constant-in-group' : 'fitted'
}
