/** Residual variances of groups of rows, where a linear model is one for all but its noise is not. */
import { fitLinear, linearDesign } from './linear-model.ts'
import { inverse, traceOf } from './small-matrix.ts'
import { times } from './symmetric.ts'

export interface UnequalVariances {
  /** Of each group. */
  readonly variances: Float64Array
  /** Weighted by them, length P. */
  readonly coefficients: Float64Array
  /** Of the coefficients, taking the variances for known; P x P. */
  readonly covariance: Float64Array
  /** X'X of the rows of each group, P x P. */
  readonly squares: readonly Float64Array[]
  /** Rows of each group. */
  readonly counts: Float64Array
}

/** Rounds at most; a round takes off most of the distance to the end, more where groups are large (about 15 are used). */
const MOST_ROUNDS = 500
const TOLERANCE = 1e-10

/**
 * Restricted maximum likelihood, by its estimating equation taken in turn with weighted least squares:
 *
 *     variance of group g = sum of its squared residuals / sum of (1 - leverage) of its rows
 *
 * @param columns one after the other, length P * N, of full rank
 * @param groupOf group of each row, 0 to groups - 1, none without rows
 * @returns null where a group cannot tell a variance (its rows are fitted exactly), or columns follow from others
 * @see Pinheiro, Bates, Mixed-Effects Models in S and S-PLUS, Springer (2000), 5.1 and 5.2.1 (varIdent)
 */
export function unequalVariances(
  y: Float64Array,
  columns: Float64Array,
  groupOf: Int32Array,
  groups: number,
): UnequalVariances | null {
  const n = y.length
  const design = linearDesign(columns, n)
  if (!('rows' in design)) return null
  // Around the plain least squares, so that sums of squares lose no digits; what is added back at the end is the same for any weights.
  const { coefficients: plain, residuals, squares: residual } = fitLinear(y, design)
  const p = design.count
  const counts = new Float64Array(groups)
  const own = new Float64Array(groups)
  const squares = Array.from({ length: groups }, () => new Float64Array(p * p))
  const along = Array.from({ length: groups }, () => new Float64Array(p))
  for (let i = 0; i < n; i++) {
    const g = groupOf[i]!
    counts[g]!++
    own[g]! += residuals[i]! ** 2
    for (let a = 0; a < p; a++) {
      const x = columns[a * n + i]!
      if (x === 0) continue
      along[g]![a]! += x * residuals[i]!
      for (let b = 0; b < p; b++) squares[g]![a * p + b]! += x * columns[b * n + i]!
    }
  }
  let variances: Float64Array = new Float64Array(groups).fill(residual / n)
  for (let round = 0; ; round++) {
    const information = new Float64Array(p * p)
    const right = new Float64Array(p)
    for (let g = 0; g < groups; g++) {
      for (let k = 0; k < p * p; k++) information[k]! += squares[g]![k]! / variances[g]!
      for (let a = 0; a < p; a++) right[a]! += along[g]![a]! / variances[g]!
    }
    const covariance = inverse(information, p)
    if (covariance === null) return null
    const shift = times(covariance, right)
    const next = variances.map((variance, g) => {
      const fitted = times(squares[g]!, shift)
      let sum = own[g]!
      for (let a = 0; a < p; a++) sum += shift[a]! * (fitted[a]! - 2 * along[g]![a]!)
      const freedom = counts[g]! - traceOf(covariance, squares[g]!, p) / variance
      return freedom > 1e-6 ? sum / freedom : 0 // less is rounding: the group is fitted exactly
    })
    if (next.some((variance) => !(variance > (1e-12 * residual) / n))) return null
    const change = next.reduce(
      (most, variance, g) => Math.max(most, Math.abs(variance / variances[g]! - 1)),
      0,
    )
    variances = next
    if (change < TOLERANCE || round === MOST_ROUNDS)
      return {
        variances,
        coefficients: plain.map((value, a) => value + shift[a]!),
        covariance,
        squares,
        counts,
      }
  }
}
