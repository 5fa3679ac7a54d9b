/** Takes the location and scale of groups out of many features. */

/** The parameters of one block of features; arrays as in `GroupedEstimates`, NaN where there is no estimate. */
export interface LocationScale {
  readonly features: number
  readonly mean: Float64Array
  readonly variance: Float64Array
  readonly slopes: Float64Array
  readonly location: Float64Array
  readonly scale: Float64Array
}

/**
 * For features that stand one after the other in `values`, from feature `first` of `model` on, with z = (x - m) / sd:
 *
 *     out = m + sd * (z - location_g) / root(scale_g),     m = mean + sum_q slope_q * column_q
 *
 * A feature without a mean is copied; where a group has no location the result is NaN; location 0 and scale 1 copy exactly.
 * @param out     may be `values`
 * @param columns one after the other: `columns[q * rows + i]`
 */
export function takeOutGroupsInto(
  out: Float64Array,
  values: Float64Array,
  model: LocationScale,
  first: number,
  columns: Float64Array,
  groupOf: Int32Array,
  groups: number,
): void {
  const rows = groupOf.length
  const count = rows === 0 ? 0 : columns.length / rows
  const shift = new Float64Array(groups)
  const factor = new Float64Array(groups)
  const expected = new Float64Array(rows)
  for (let at = 0, f = first; at < values.length; at += rows, f++) {
    const mean = model.mean[f]!
    if (Number.isNaN(mean)) {
      for (let i = 0; i < rows; i++) out[at + i] = values[at + i]!
      continue
    }
    const sd = Math.sqrt(model.variance[f]!)
    for (let g = 0; g < groups; g++) {
      factor[g] = 1 / Math.sqrt(model.scale[g * model.features + f]!)
      shift[g] = sd * model.location[g * model.features + f]! * factor[g]!
    }
    expected.fill(mean)
    for (let q = 0; q < count; q++) {
      const slope = model.slopes[q * model.features + f]!
      for (let i = 0, from = q * rows; i < rows; i++) expected[i]! += slope * columns[from + i]!
    }
    // The same, multiplied out: with location 0 and scale 1 it is x + 0.
    for (let i = 0; i < rows; i++) {
      const g = groupOf[i]!
      const a = factor[g]!
      out[at + i] = a * values[at + i]! + ((1 - a) * expected[i]! - shift[g]!)
    }
  }
}

/**
 * z = (x - m) / sd of some rows, by the model's means, slopes and variances: features one after the other, the rows of `kept` only.
 * NaN for a feature without a mean.
 */
export function standardizedRows(
  values: Float64Array,
  model: LocationScale,
  columns: Float64Array,
  rows: number,
  kept: Int32Array,
): Float64Array {
  const out = new Float64Array(model.features * kept.length)
  const count = rows === 0 ? 0 : columns.length / rows
  for (let f = 0; f < model.features; f++) {
    const sd = Math.sqrt(model.variance[f]!)
    for (let k = 0; k < kept.length; k++) {
      const i = kept[k]!
      let expected = model.mean[f]!
      for (let q = 0; q < count; q++)
        expected += model.slopes[q * model.features + f]! * columns[q * rows + i]!
      out[f * kept.length + k] = (values[f * rows + i]! - expected) / sd
    }
  }
  return out
}
