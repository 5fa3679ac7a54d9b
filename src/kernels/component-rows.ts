/** A table made ready for a classifier by what the training rows alone say of it. */
import { leadingComponents } from './leading-components.ts'

/**
 * Rows on the leading components of the training rows. Features are put on the training rows' mean and SD; a missing value becomes their mean, and
 * a feature that does not vary there counts for nothing. Tables with no more features than components keep their features.
 *
 * @param values features one after the other, length F * N, NaN where missing
 * @param most   components at most
 * @returns every row of the table, on C components
 */
export function componentRows(
  values: Float64Array,
  rows: number,
  training: readonly number[],
  most: number,
): readonly Float64Array[] {
  const features = values.length / rows
  const standardized = standardizedTable(values, rows, training)
  if (features <= most)
    return Array.from({ length: rows }, (_, i) =>
      Float64Array.from({ length: features }, (_, f) => standardized[f * rows + i]!),
    )
  const inside = new Float64Array(features * training.length)
  for (let f = 0; f < features; f++)
    for (let k = 0; k < training.length; k++)
      inside[f * training.length + k] = standardized[f * rows + training[k]!]!
  const { axes, count } = leadingComponents(inside, training.length, most)
  return Array.from({ length: rows }, (_, i) =>
    Float64Array.from({ length: count }, (_, c) => {
      let sum = 0
      for (let f = 0; f < features; f++) sum += axes[c * features + f]! * standardized[f * rows + i]!
      return sum
    }),
  )
}

/**
 * Every feature less the mean of the training rows, over their SD. A missing value becomes 0; so does a feature that does not vary there.
 * @param values features one after the other, length F * N
 */
export function standardizedTable(
  values: Float64Array,
  rows: number,
  training: readonly number[],
): Float64Array {
  const out = new Float64Array(values.length)
  for (let from = 0; from < values.length; from += rows) standardizeInto(out, values, from, rows, training)
  return out
}

function standardizeInto(
  out: Float64Array,
  values: Float64Array,
  from: number,
  rows: number,
  training: readonly number[],
): void {
  const own = training.map((i) => values[from + i]!).filter((value) => !Number.isNaN(value))
  const mean = own.reduce((sum, value) => sum + value, 0) / own.length
  const sd = Math.sqrt(own.reduce((sum, value) => sum + (value - mean) ** 2, 0) / own.length)
  if (!(sd > 1e-12 * Math.abs(mean))) return // all rounding, or nothing: stays 0
  for (let i = 0; i < rows; i++) {
    const value = values[from + i]!
    out[from + i] = Number.isNaN(value) ? 0 : (value - mean) / sd
  }
}
