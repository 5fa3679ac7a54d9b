/** What covariates explain within batches, taken out: so that a classifier of batches does not live on who was scanned where. */
import { type BatchDesign, regressionOn, together } from './batch-model.ts'
import { columnNames } from './coding.ts'

/**
 * Values less the slopes of the covariates times their columns. Slopes come from the training rows alone, beside an intercept for each batch; a level
 * that no training row has keeps its effect.
 * @param values features one after the other, length F * N
 */
export function withoutCovariates(
  values: Float64Array,
  { rows, codings, batchColumns, covariateColumns }: BatchDesign,
  training: (row: number) => boolean,
): Float64Array {
  const count = columnNames(codings).length
  if (count === 0) return values
  const model = regressionOn(together(covariateColumns, batchColumns), rows)
  const out = values.slice()
  for (let at = 0; at < values.length; at += rows) {
    const own = values.slice(at, at + rows)
    const fit = model.fit(own.map((value, row) => (training(row) ? value : Number.NaN)))
    if (fit === null) continue
    for (let q = 0; q < count; q++) {
      const slope = fit.coefficients[q] ?? Number.NaN
      if (Number.isNaN(slope)) continue
      for (let row = 0; row < rows; row++)
        out[at + row] = (out[at + row] ?? 0) - slope * (covariateColumns[q * rows + row] ?? 0)
    }
  }
  return out
}
