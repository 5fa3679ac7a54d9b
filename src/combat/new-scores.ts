/** Scores of batches that the fit has not seen, along components that stay as they are. */
import { RefusedError } from '../errors.ts'
import { takeOutGroupsInto } from '../kernels/location-scale.ts'
import { codedColumns } from './coding.ts'
import { counted, type Features, type PerFeature, type SampleTable } from './data.ts'
import { indicesOf } from './design.ts'
import { type CombatModel, locationScaleOf } from './model.ts'
import { completeRows, scoresOf } from './scores.ts'

/**
 * The model itself where it knows no components. Residuals of the new rows after ComBat are scored as those of the fit were; mean and
 * variance of the scores, against the frozen ones, are the new batch's.
 * @param model with the effects of the new batches behind the others
 * @param least complete rows that a new batch needs
 * @throws {RefusedError} for a new batch with fewer
 */
export function withScoresOf(
  model: CombatModel,
  features: Features,
  samples: SampleTable,
  added: readonly { readonly name: string }[],
  least: number,
): CombatModel {
  const { covariance } = model
  if (covariance === undefined || added.length === 0) return model
  const groupOf = indicesOf(
    samples.batch,
    model.batches.map(({ name }) => name),
  )
  const columns = codedColumns(model.covariates, samples)
  const estimates = locationScaleOf(model)
  const harmonized = new Float64Array(features.values.length)
  takeOutGroupsInto(harmonized, features.values, estimates, 0, columns, groupOf, model.batches.length)
  const { scores } = scoresOf(harmonized, covariance, estimates, columns)
  const complete = completeRows(features, covariance.scale)
  const found = added.map(({ name }) => {
    const rows = [...complete.keys()].filter((row) => complete[row] === 1 && samples.batch[row] === name)
    if (rows.length < least)
      throw new RefusedError(
        `${samples.source}: new ${samples.batchName} "${name}" has ${counted(rows.length, 'row')} with every feature; ${least} are needed for its components.`,
        'Add rows, fill in what is missing, or lower --new-batch-rows.',
      )
    const location: (number | null)[] = []
    const scale: (number | null)[] = []
    covariance.mean.forEach((middle, k) => {
      const variance = covariance.variance[k] ?? null
      const own = rows.map((row) => scores[k * features.rows + row] ?? Number.NaN)
      const known = middle !== null && variance !== null
      const mean = own.reduce((a, b) => a + b, 0) / own.length
      const squares = own.reduce((sum, score) => sum + (score - mean) ** 2, 0)
      location.push(known ? (mean - middle) / Math.sqrt(variance) : null)
      scale.push(known ? squares / (own.length - 1) / variance : null)
    })
    return { rows: rows.length, location: location as PerFeature, scale: scale as PerFeature }
  })
  return { ...model, covariance: { ...covariance, batches: [...covariance.batches, ...found] } }
}
