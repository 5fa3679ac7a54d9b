/** Residual variances of groups of rows, where a linear model is one for all but its noise is not. */
import { fitLinear, linearDesign } from './linear-model.ts'

/** Rounds at most: each takes some nine tenths off the distance to the end, more where groups are large. */
const MOST_ROUNDS = 200
const TOLERANCE = 1e-10

/**
 * Restricted maximum likelihood, by its estimating equation taken in turn with weighted least squares:
 *
 *     variance of group g = sum of its squared residuals / sum of (1 - leverage) of its rows
 *
 * @param columns one after the other, length P * N, of full rank
 * @param groupOf group of each row, 0 to groups - 1
 * @returns length `groups`, NaN for a group without rows; null where a group cannot tell a variance (its rows are fitted exactly)
 * @see Pinheiro, Bates, Mixed-Effects Models in S and S-PLUS, Springer (2000), 5.1 and 5.2.1 (varIdent)
 */
export function unequalVariances(
  y: Float64Array,
  columns: Float64Array,
  groupOf: Int32Array,
  groups: number,
): Float64Array | null {
  const rows = y.length
  const count = columns.length / rows
  let variances: Float64Array = new Float64Array(groups).fill(1)
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const roots = Float64Array.from(groupOf, (g) => 1 / Math.sqrt(variances[g]!))
    const design = linearDesign(weighted(columns, roots), rows)
    if (!('rows' in design)) return null
    const { residuals } = fitLinear(weighted(y, roots), design)
    const squares = new Float64Array(groups)
    const freedom = new Float64Array(groups)
    for (let i = 0; i < rows; i++) {
      let leverage = 0
      for (let q = 0; q < count; q++)
        leverage += design.columns[q * rows + i]! * design.inverse[q * rows + i]!
      squares[groupOf[i]!]! += residuals[i]! ** 2 * variances[groupOf[i]!]!
      freedom[groupOf[i]!]! += 1 - leverage
    }
    // Zero over zero where a group has no rows; less than a thousandth of a degree of freedom is rounding.
    const next = squares.map((square, g) => (freedom[g]! > 1e-3 ? square / freedom[g]! : Number.NaN))
    const present = new Set(groupOf)
    if ([...present].some((g) => !(next[g]! > 1e-18 * Math.max(...next.filter((v) => !Number.isNaN(v))))))
      return null
    const change = [...present].reduce((most, g) => Math.max(most, Math.abs(next[g]! / variances[g]! - 1)), 0)
    variances = next
    if (change < TOLERANCE) return variances
  }
  return variances
}

/** Each row of columns that stand one after the other, times its weight. */
export function weighted(columns: Float64Array, weights: Float64Array): Float64Array {
  const rows = weights.length
  return columns.map((value, at) => value * weights[at % rows]!)
}
