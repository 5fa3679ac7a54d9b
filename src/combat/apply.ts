/** Takes the effects of known batches out of new rows, or of those of the fit. */
import { InputError, RefusedError } from '../errors.ts'
import { takeOutGroupsInto } from '../kernels/location-scale.ts'
import { codedColumns, rangeOf } from './coding.ts'
import { counted, type Features, levelsOf, listed, type Note, rowsWhere, type SampleTable } from './data.ts'
import { indicesOf } from './design.ts'
import { type CombatModel, locationScaleOf } from './model.ts'
import { peopleOf, takeOutAroundLevelsInto } from './repeated.ts'
import { incompleteNotes, takeOutScoresInPlace } from './scores.ts'

export interface Applied {
  /** As `Features.values`. */
  readonly values: Float64Array
  readonly notes: readonly Note[]
}

/**
 * Every row by its own batch and covariates; batches of the fit may be absent. Applied to the table of the fit, the result is the
 * harmonized table of the fit. Variants with people who came more than once take all rows of a person together. Missing stays missing; so becomes a value at a batch where its feature was never seen.
 * @param features in the order of the model
 * @throws {RefusedError} for a batch that the model does not know
 * @throws {InputError} for missing features and covariates, and levels that the model does not know
 */
export function applyCombat(model: CombatModel, features: Features, samples: SampleTable): Applied {
  requireFeatures(model, features, samples)
  requireKnownBatches(
    model,
    samples,
    `Leave these rows out, fit again with them, or estimate the effect of a new ${samples.batchName} with --new-batch estimate.`,
  )
  const groupOf = indicesOf(
    samples.batch,
    model.batches.map(({ name }) => name),
  )
  const columns = codedColumns(model.covariates, samples)
  const values = new Float64Array(features.values.length)
  const estimates = locationScaleOf(model)
  if (model.repeated === undefined)
    takeOutGroupsInto(values, features.values, estimates, 0, columns, groupOf, model.batches.length)
  else {
    const { personOf } = peopleOf(samples)
    takeOutAroundLevelsInto(values, features.values, estimates, model.repeated, columns, groupOf, personOf)
  }
  const { covariance } = model
  if (covariance !== undefined) takeOutScoresInPlace(values, covariance, estimates, columns, groupOf)
  const partly = covariance === undefined ? [] : incompleteNotes(covariance, features, samples)
  return {
    values,
    notes: [...extrapolations(model, samples), ...lost(model, features, samples, values), ...partly],
  }
}

type Batches = { readonly batches: readonly { readonly name: string }[] }

/** @throws {RefusedError} for a batch that the model does not know */
export function requireKnownBatches(model: Batches, samples: SampleTable, remedy: string): void {
  const unseen = unseenBatches(model, samples)
  if (unseen.length === 0) return
  const known = model.batches.map(({ name }) => name)
  const rows = rowsWhere(samples.batch.map((batch) => unseen.includes(batch)))
  throw new RefusedError(
    `${samples.source}: ${samples.batchName} ${unseen.map((name) => `"${name}"`).join(', ')} (${counted(rows.length, 'row')}, ` +
      `${listed(rows.map(samples.rowName))}) was not in the fit, which had ${listed(known, 20)}.`,
    remedy,
  )
}

/** Batches of the rows that the model does not have. */
export function unseenBatches(model: Batches, samples: SampleTable): readonly string[] {
  const known = new Set(model.batches.map(({ name }) => name))
  return levelsOf(samples.batch.filter((name) => !known.has(name)))
}

/** @throws {InputError} when `features` are not those of the model, in their order */
export function requireFeatures(model: CombatModel, { names }: Features, { source }: SampleTable): void {
  const given = new Set(names)
  const absent = model.features.filter((name) => !given.has(name))
  if (absent.length > 0)
    throw new InputError(
      `${source}: lacks ${counted(absent.length, 'feature')} of the model: ${listed(absent)}.`,
      'Give a table with the columns of the fit.',
    )
  if (names.length !== model.features.length || names.some((name, f) => name !== model.features[f]))
    throw new InputError(
      `${source}: has other features than the model, or another order.`,
      'Give exactly the features of the model, in its order.',
    )
}

/** Slopes go on in a straight line beyond the ages of the fit; that is an assumption, and said. */
export function extrapolations(
  { covariates }: Pick<CombatModel, 'covariates'>,
  samples: SampleTable,
): Note[] {
  return covariates.flatMap((coding) => {
    const covariate = samples.covariates.find(({ name }) => name === coding.name)
    const range = rangeOf(coding)
    if (range === null || covariate?.kind !== 'continuous') return []
    const [low, high] = range
    const beyond = rowsWhere(Array.from(covariate.values, (value) => value < low || value > high))
    if (beyond.length === 0) return []
    return [
      {
        code: 'extrapolation',
        text:
          `${coding.name} is beyond ${low} to ${high}, the range of the fit, at ${counted(beyond.length, 'row')} ` +
          `(${listed(beyond.map(samples.rowName))}): its effect is taken to go on in a straight line.`,
      },
    ]
  })
}

/** Cells that had a value and have none now. */
function lost(
  model: CombatModel,
  { names, rows, values: before }: Features,
  { batch, batchName }: SampleTable,
  after: Float64Array,
): Note[] {
  const gaps = model.batches.some(({ location }) =>
    location.some((value, f) => value === null && model.mean[f] !== null),
  )
  if (!gaps) return []
  const features = new Set<string>()
  const batches = new Set<string>()
  let cells = 0
  for (let at = 0; at < before.length; at++)
    if (Number.isNaN(after[at]) && !Number.isNaN(before[at])) {
      cells++
      features.add(names[Math.floor(at / rows)] ?? '')
      batches.add(batch[at % rows] ?? '')
    }
  if (cells === 0) return []
  return [
    {
      code: 'never-seen-in-batch',
      text:
        `${counted(cells, 'value')} left empty: ${listed([...features])} had no value at ${batchName} ${listed([...batches])} when the ` +
        'model was fitted, so that their effect there is unknown.',
      features: [...features],
      batches: [...batches],
    },
  ]
}
