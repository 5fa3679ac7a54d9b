/**
 * Effects of groups (scanners) on people who were measured in several of them: least squares with an intercept for every person, so that
 * what belongs to a person cannot be taken for an effect of the group. People with one row only add nothing to it.
 */
import { FEATURE_STATES, type GroupedDesign, groupedDesign, regressInPlace } from './grouped-regression.ts'
import { leastSquares } from './least-squares.ts'
import { missingIn } from './missing.ts'

export interface PairedDesign {
  /** Rows of the table that the effects are estimated from, as `grouped` orders them. */
  readonly rows: Int32Array
  /** Its groups are the people; its columns are groups 1 to S - 1 against group 0, then the Q covariates. */
  readonly grouped: GroupedDesign
  readonly groupOf: Int32Array
  /** Rows less people less columns. */
  readonly freedom: number
  /** Variances and covariances of the column estimates, for residuals of variance 1; (S - 1 + Q) squared. */
  readonly covariance: Float64Array
}

/** Rows that are kept, of people who have at least two of them. */
export function repeatedRows(personOf: Int32Array, kept: (row: number) => boolean): Int32Array {
  const counts = new Map<number, number>()
  personOf.forEach((person, row) => {
    if (kept(row)) counts.set(person, (counts.get(person) ?? 0) + 1)
  })
  return Int32Array.from([...personOf.keys()].filter((row) => kept(row) && counts.get(personOf[row]!)! > 1))
}

/**
 * @param rows    of the table, from people with two and more of them (`repeatedRows`)
 * @param columns covariates of the whole table, one after the other
 * @returns null when groups or covariates cannot be told apart within these people
 */
export function pairedDesign(
  rows: Int32Array,
  personOf: Int32Array,
  groupOf: Int32Array,
  groups: number,
  columns: Float64Array,
): PairedDesign | null {
  const all = personOf.length
  const covariates = columns.length / all
  const own = new Float64Array((groups - 1 + covariates) * rows.length)
  rows.forEach((row, i) => {
    if (groupOf[row]! > 0) own[(groupOf[row]! - 1) * rows.length + i] = 1
    for (let q = 0; q < covariates; q++) own[(groups - 1 + q) * rows.length + i] = columns[q * all + row]!
  })
  const people = new Map<number, number>()
  for (const row of rows) if (!people.has(personOf[row]!)) people.set(personOf[row]!, people.size)
  const persons = Int32Array.from(rows, (row) => people.get(personOf[row]!)!)
  const grouped = groupedDesign(own, persons, people.size)
  if (rows.length === 0 || !('rows' in grouped)) return null
  const { inverse } = grouped
  const count = groups - 1 + covariates
  const covariance = new Float64Array(count * count)
  for (let a = 0; a < count; a++)
    for (let b = 0; b < count; b++)
      for (let i = 0; i < rows.length; i++)
        covariance[a * count + b]! += inverse[a * rows.length + i]! * inverse[b * rows.length + i]!
  const ordered = Int32Array.from(grouped.order, (i) => rows[i]!)
  return {
    rows: ordered,
    grouped,
    groupOf: Int32Array.from(ordered, (row) => groupOf[row]!),
    freedom: rows.length - people.size - count,
    covariance,
  }
}

/** Variances of the residuals by group, from sums of squared residuals, which mix the groups. */
export interface VarianceSolver {
  /** Variance of group g is sum_h weights[g * S + h] * (sum of the squared residuals of group h). */
  readonly weights: Float64Array
  /** Degrees of freedom of the residuals of each group: they sum to `freedom` of the design. */
  readonly freedom: Float64Array
}

/**
 * Residuals of a person hold the noise of all groups that the person was measured in: with two groups and one row in each they are equal
 * and opposite, and say nothing of which is noisier. Expected sums of squares are linear in the variances (sum over rows i of g and j of
 * h of the squared elements of the residual projection), and these equations are solved: for complete tables, Grubbs' estimates.
 * @returns null where the equations do not determine every group
 * @see Grubbs, J Am Stat Assoc 43:243-264 (1948), doi:10.1080/01621459.1948.10483261; Rao, J Multivar Anal 1:257-275 (1971)
 */
export function varianceSolver({ grouped, groupOf }: PairedDesign, groups: number): VarianceSolver | null {
  const { rows, starts, within, inverse } = grouped
  const count = within.length / rows
  const person = new Int32Array(rows)
  for (let p = 0; p + 1 < starts.length; p++) person.fill(p, starts[p]!, starts[p + 1]!)
  const expected = new Float64Array(groups * groups)
  const freedom = new Float64Array(groups)
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < rows; j++) {
      let element = i === j ? 1 : 0
      if (person[i] === person[j]) element -= 1 / (starts[person[i]! + 1]! - starts[person[i]!]!)
      for (let q = 0; q < count; q++) element -= inverse[q * rows + i]! * within[q * rows + j]!
      expected[groupOf[j]! * groups + groupOf[i]!]! += element * element
      if (i === j) freedom[groupOf[i]!]! += element
    }
  const sizes = Float64Array.from({ length: groups }, (_, h) =>
    Math.hypot(...expected.subarray(h * groups, (h + 1) * groups)),
  )
  const { dependencies, inverse: weights } = leastSquares(expected, groups, sizes)
  return dependencies.length > 0 || sizes.some((size) => !(size > 1e-8)) ? null : { weights, freedom }
}

/** Estimates of F features: of feature f and group g at [f] and [g * F + f]. NaN where there is none. */
export interface PairedEstimates {
  readonly features: number
  /** Index into FEATURE_STATES (`explained`: it changes within nobody); where it is not 0, the other arrays hold NaN. */
  readonly state: Uint8Array
  /** Of all rows at columns of 0, after the effects are taken out. */
  readonly mean: Float64Array
  /** Of all rows (divisor: their number), after effects of groups and covariates are taken out: how much people differ. */
  readonly variance: Float64Array
  readonly slopes: Float64Array
  /** Effect of the group in square roots of `variance`; those of all rows sum to 0, or that of the reference is 0. */
  readonly location: Float64Array
  /** Squared standard error of `location`. */
  readonly error: Float64Array
  /** Variance of the residuals around the people's own levels, over `variance`. */
  readonly within: Float64Array
  /** The same by group, over that of all groups. */
  readonly scale: Float64Array
}

/** Chosen, as in `fitGroupsInto`: squares below this share of those of the values are rounding. */
const ROUNDING = 1e-18

/**
 * Fits features that stand one after the other in `values`, each from the rows that have it.
 * @param usable which rows may be used for the effects; all rows count for the mean and the variance
 * @param reference group whose effect is 0, or -1
 * @param solver for scales, or null for none; features with gaps have no scales
 */
export function fitPaired(
  values: Float64Array,
  personOf: Int32Array,
  groupOf: Int32Array,
  groups: number,
  columns: Float64Array,
  usable: (row: number) => boolean,
  reference: number,
  solver: VarianceSolver | null,
): PairedEstimates {
  const rows = personOf.length
  const features = values.length / rows
  const covariates = columns.length / rows
  const nan = (length: number): Float64Array => new Float64Array(length).fill(Number.NaN)
  const out: PairedEstimates = {
    features,
    state: new Uint8Array(features),
    mean: nan(features),
    variance: nan(features),
    slopes: nan(covariates * features),
    location: nan(groups * features),
    error: nan(groups * features),
    within: nan(features),
    scale: nan(groups * features),
  }
  const whole = pairedDesign(repeatedRows(personOf, usable), personOf, groupOf, groups, columns)
  for (let f = 0; f < features; f++) {
    const x = values.subarray(f * rows, (f + 1) * rows)
    const complete = missingIn(x) === 0
    const kept = (row: number): boolean => usable(row) && !Number.isNaN(x[row])
    const design = complete
      ? whole
      : pairedDesign(repeatedRows(personOf, kept), personOf, groupOf, groups, columns)
    out.state[f] = FEATURE_STATES.indexOf(stateOf(x, design))
    if (out.state[f] === 0 && design !== null)
      fitOneInto(out, f, x, design, groupOf, groups, columns, reference, complete ? solver : null)
  }
  return out
}

function stateOf(x: Float64Array, design: PairedDesign | null): (typeof FEATURE_STATES)[number] {
  let first = Number.NaN
  let same = true
  for (let i = 0; i < x.length && same; i++) {
    if (Number.isNaN(first)) first = x[i]!
    same = Number.isNaN(x[i]) || x[i] === first
  }
  if (same) return Number.isNaN(first) ? 'empty' : 'constant'
  return design === null ? 'confounded' : 'fitted'
}

function fitOneInto(
  out: PairedEstimates,
  f: number,
  x: Float64Array,
  { rows, grouped, groupOf: own, freedom, covariance }: PairedDesign,
  groupOf: Int32Array,
  groups: number,
  columns: Float64Array,
  reference: number,
  solver: VarianceSolver | null,
): void {
  const { features } = out
  const all = x.length
  const left = Float64Array.from(rows, (row) => x[row]!)
  const { slopes, withinSquares } = regressInPlace(left, grouped)
  if (withinSquares === 0) {
    out.state[f] = FEATURE_STATES.indexOf('explained')
    return
  }
  const shares = new Float64Array(groups)
  if (reference >= 0) shares[reference] = 1
  else {
    for (let i = 0; i < all; i++) if (!Number.isNaN(x[i])) shares[groupOf[i]!]!++
    const known = shares.reduce((a, b) => a + b, 0)
    for (let g = 0; g < groups; g++) shares[g]! /= known
  }
  const effects = new Float64Array(groups)
  for (let g = 1; g < groups; g++) effects[g] = slopes[g - 1]!
  const center = effects.reduce((sum, effect, g) => sum + effect * shares[g]!, 0)
  for (let g = 0; g < groups; g++) effects[g]! -= center
  const rest = new Float64Array(all)
  for (let i = 0; i < all; i++) {
    let kept = x[i]! - effects[groupOf[i]!]!
    for (let q = groups - 1; q < slopes.length; q++) kept -= slopes[q]! * columns[(q - groups + 1) * all + i]!
    rest[i] = kept
  }
  const [mean, around] = meanAndVariance(rest)
  const [, before] = meanAndVariance(x)
  const variance = around > ROUNDING * before ? around : before
  out.mean[f] = mean
  out.variance[f] = variance
  for (let q = groups - 1; q < slopes.length; q++) out.slopes[(q - groups + 1) * features + f] = slopes[q]!
  const squares = new Float64Array(groups)
  left.forEach((residual, i) => {
    squares[own[i]!]! += residual * residual
  })
  const sum = squares.reduce((a, b) => a + b, 0)
  const within = freedom > 0 ? sum / freedom : Number.NaN
  out.within[f] = within / variance
  for (let g = 0; g < groups; g++) {
    out.location[g * features + f] = effects[g]! / Math.sqrt(variance)
    out.error[g * features + f] = (within / variance) * contrastVariance(covariance, slopes.length, shares, g)
    if (solver === null || !(sum > ROUNDING * withinSquares)) continue
    let own = 0
    for (let h = 0; h < groups; h++) own += solver.weights[g * groups + h]! * squares[h]!
    if (own > 0) out.scale[g * features + f] = own / within
  }
}

/** Of the effect of group g less the mean effect, for residuals of variance 1. */
function contrastVariance(covariance: Float64Array, count: number, shares: Float64Array, g: number): number {
  let sum = 0
  for (let a = 1; a < shares.length; a++)
    for (let b = 1; b < shares.length; b++)
      sum +=
        ((a === g ? 1 : 0) - shares[a]!) *
        ((b === g ? 1 : 0) - shares[b]!) *
        covariance[(a - 1) * count + b - 1]!
  return sum
}

/** Divisor N; NaN left out. */
function meanAndVariance(x: Float64Array): readonly [mean: number, variance: number] {
  let first = Number.NaN
  let count = 0
  let shift = 0
  for (let i = 0; i < x.length; i++) {
    if (Number.isNaN(x[i])) continue
    if (count === 0) first = x[i]!
    count++
    shift += x[i]! - first
  }
  const mean = first + shift / count
  let squares = 0
  for (let i = 0; i < x.length; i++) if (!Number.isNaN(x[i])) squares += (x[i]! - mean) ** 2
  return [mean, squares / count]
}
