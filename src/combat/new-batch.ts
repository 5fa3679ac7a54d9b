/** The effect of a batch that the fit has not seen, against a model whose covariate effects, means and variances stay as they are. */
import { RefusedError } from '../errors.ts'
import { emptyEstimates, fitGroupsInto, groupedDesign } from '../kernels/grouped-regression.ts'
import { standardizedRows } from '../kernels/location-scale.ts'
import { HUBER } from '../kernels/winsorize.ts'
import { requireFeatures, unseenBatches } from './apply.ts'
import { codedColumns } from './coding.ts'
import { counted, type Features, listed, type Note, rowsWhere, type SampleTable } from './data.ts'
import { batchEffect } from './fit.ts'
import { type CombatModel, locationScaleOf } from './model.ts'
import { withScoresOf } from './new-scores.ts'
import { isRepeated } from './repeated.ts'

/**
 * Chosen: the location of a feature is then known to 0.22 residual SD (1 / root 20), and its variance to a third (root(2 / 19)); with 10
 * rows it would be 0.32 SD, which is as large as the effects of many scanners.
 */
export const LEAST_ROWS_OF_NEW_BATCH = 20

/** How well a new batch is known, before its estimates are drawn together: standard errors of a feature with a typical scale. */
export interface NewBatch {
  readonly name: string
  readonly rows: number
  /** Of the location, in residual standard deviations. */
  readonly locationError: number
  /** Of the scale (a ratio of variances), as a share of it. */
  readonly scaleError: number
}

export interface Extended {
  /** With the new batches behind the others. */
  readonly model: CombatModel
  readonly added: readonly NewBatch[]
  readonly notes: readonly Note[]
}

/**
 * @param least rows that a new batch needs
 * @throws {RefusedError} for a new batch with fewer rows
 * @throws {InputError} as `applyCombat`
 */
export function estimateNewBatches(
  model: CombatModel,
  features: Features,
  samples: SampleTable,
  least: number,
): Extended {
  requireFeatures(model, features, samples)
  const variant = model.variant === 'covbat' ? 'eb' : model.variant
  if (isRepeated(variant)) {
    if (unseenBatches(model, samples).length === 0) return { model, added: [], notes: [] }
    throw new RefusedError(
      `${samples.source}: ${samples.batchName} ${listed(unseenBatches(model, samples))} was not in the fit, and ${variant} estimates no ${samples.batchName} from people of unknown level.`,
      'Fit again with scans of people whom the model knows from other scanners.',
    )
  }
  const columns = codedColumns(model.covariates, samples)
  const frozen = locationScaleOf(model)
  const found = unseenBatches(model, samples).map((name) => {
    const kept = rowsWhere(samples.batch.map((batch) => batch === name))
    if (kept.length < least)
      throw new RefusedError(
        `${samples.source}: new ${samples.batchName} "${name}" has ${counted(kept.length, 'row')}; ${least} are needed.`,
        `From ${counted(kept.length, 'row')} its location would be known to ${(1 / Math.sqrt(kept.length)).toFixed(2)} SD only. Add rows, or lower --new-batch-rows.`,
      )
    const standardized = standardizedRows(
      features.values,
      frozen,
      columns,
      samples.batch.length,
      Int32Array.from(kept),
    )
    const estimates = emptyEstimates(model.features.length, 1, 0)
    const groupOf = new Int32Array(kept.length)
    const design = groupedDesign(new Float64Array(0), groupOf, 1)
    if ('rows' in design)
      fitGroupsInto(estimates, 0, standardized, design, -1, variant === 'robust' ? HUBER : null)
    // One group: its mean is the location, and its variance (divisor n) leads to the scale.
    estimates.scale.set(
      estimates.variance.map((variance, f) => {
        const n = estimates.counts[f] ?? 0
        return n > 1 ? (variance * n) / (n - 1) : Number.NaN
      }),
    )
    estimates.location.set(estimates.mean)
    const effect = batchEffect(name, kept.length, estimates, 0, false, variant, model.compat)
    const scales = effect.estimatedScale.filter((scale) => scale !== null).toSorted((a, b) => a - b)
    const typical = scales[Math.floor(scales.length / 2)] ?? Number.NaN
    const added: NewBatch = {
      name,
      rows: kept.length,
      locationError: Math.sqrt(typical / kept.length),
      scaleError: Math.sqrt(2 / (kept.length - 1)),
    }
    return { effect: { ...effect, estimated: 'apply' as const }, added }
  })
  const added = found.map((one) => one.added)
  const extended = { ...model, batches: [...model.batches, ...found.map(({ effect }) => effect)] }
  return {
    model: withScoresOf(extended, features, samples, added, least),
    added,
    notes: added.map(({ name, rows, locationError, scaleError }) => ({
      code: 'new-batch',
      text:
        `New ${samples.batchName} ${listed([name])}, estimated from ${counted(rows, 'row')} with the covariate effects and variances of the fit: a ` +
        `feature's location is known to ${locationError.toFixed(2)} SD (standard error), its variance to ${Math.round(100 * scaleError)} %. What ` +
        'distinguishes its people beyond the covariates is taken out with it.',
      batches: [name],
    })),
  }
}
