/**
 * Longitudinal ComBat: people come back, and each has a level of their own, drawn from a normal distribution (random intercept).
 *
 *     x = mean + covariates * slopes + level of the person + sd * (location of the batch + root(scale of the batch) * e)
 *
 * Variances and effects by restricted maximum likelihood for each feature; locations and scales of a batch are then drawn together over
 * the features as in ComBat. New people: their level is predicted from their own scans, by the variances of the fit.
 *
 * @see Beer et al., NeuroImage 220:117129 (2020), doi:10.1016/j.neuroimage.2020.117129
 */
import { InputError, UnfittableError } from '../errors.ts'
import { emptyEstimates, FEATURE_STATES, groupedDesign } from '../kernels/grouped-regression.ts'
import { repeatedRows } from '../kernels/paired-effects.ts'
import { fitMixed, type MixedDesign, mixedDesign } from '../kernels/random-intercept.ts'
import { columnNames } from './coding.ts'
import { counted, type Features, type SampleTable } from './data.ts'
import { designOf, indicesOf } from './design.ts'
import { batchEffect, featureNotes, modelOf, part, requireFinite, singleRows } from './fit.ts'
import { type CombatModel, toPerFeature } from './model.ts'
import { peopleAmong, peopleOf, travelersOf } from './repeated.ts'

export interface LongitudinalOptions {
  /** Residual variance by which features are standardized: of REML, or the mean square of the residuals. */
  readonly method: 'reml' | 'msr'
  readonly reference: string | null
  readonly singleRow: 'mean-only' | 'refuse'
  readonly software: string
}

/**
 * @throws {InputError} for rows without batch, subject or covariate, infinite values; when everybody was scanned once
 * @throws {UnfittableError} when there is too little, as `fitCombat`; fewer than two features
 * @throws {RefusedError} when covariates cannot be told from batches; for a batch of one row with `refuse`
 */
export function fitLongitudinal(
  features: Features,
  samples: SampleTable,
  options: LongitudinalOptions,
): CombatModel {
  const { method, reference, software } = options
  requireFinite(features, samples)
  const { personOf, count: people } = peopleOf(samples)
  const { source, batch, batchName } = samples
  if (people === batch.length)
    throw new InputError(
      `${source}: everybody ("${samples.subject?.column}") has one row: how scans of one person differ cannot be told from how people differ.`,
      'For one scan a person there is --variant eb. Is this the column of people, and not one of scans?',
    )
  const design = designOf(samples, reference)
  const { batches, sizes, codings, columns } = design
  const groupOf = indicesOf(batch, batches)
  const names = columnNames(codings)
  const count = features.names.length
  const estimates = emptyEstimates(count, batches.length, names.length)
  const reliability = new Float64Array(count).fill(Number.NaN)
  const within = new Float64Array(count).fill(Number.NaN)
  const whole = mixedDesign(design.grouped, personOf)
  for (let f = 0; f < count; f++) {
    const x = part(features.values, f, features.rows)
    const kept = Int32Array.from([...x.keys()].filter((row) => !Number.isNaN(x[row])))
    const own = kept.length === x.length ? whole : someRows(kept, columns, groupOf, batches.length, personOf)
    const fitted = fitOneInto(estimates, f, x, kept, own, design.reference, method)
    if (fitted !== null) {
      reliability[f] = fitted.ratio / (1 + fitted.ratio)
      within[f] = fitted.within
    }
  }
  const notes = [
    ...singleRows(design, samples, options, true),
    ...featureNotes(estimates, features, samples, design),
  ]
  const usable = estimates.state.filter((state) => state === 0).length
  if (usable < 2)
    throw new UnfittableError(
      `${source}: ${counted(usable, 'feature')} of ${count} can be harmonized, and this variant learns from what several have in common.\n` +
        notes.map(({ text }) => `  ${text}`).join('\n'),
      'Check that the columns hold measurements of every batch; give more features.',
    )
  const flat = [...reliability].filter((value) => value === 0).length
  if (flat > 0)
    notes.push({
      code: 'no-variance-between-people',
      text: `${counted(flat, 'feature')}: people differ no more than their scans do; these are fitted without levels of people.`,
    })
  const effects = batches.map((name, g) =>
    batchEffect(name, sizes[g] ?? 0, estimates, g, g === design.reference, 'eb', null),
  )
  const travelers = travelersOf(personOf, groupOf, people).length
  if (travelers === 0)
    notes.push({
      code: 'nobody-changed-batch',
      text: `Nobody was scanned at two ${batchName}s: how these differ is learned from different people only, and what distinguishes their people beyond the covariates is taken out with it.`,
    })
  const found = { codings, estimates, batches: effects, notes }
  return {
    ...modelOf({ variant: 'longitudinal', compat: null, reference, software }, features, samples, found),
    repeated: {
      subjectColumn: samples.subject?.column ?? '',
      people,
      repeaters: peopleAmong(
        repeatedRows(personOf, () => true),
        personOf,
      ),
      travelers,
      shrunk: true,
      method,
      reliability: toPerFeature(reliability),
      within: toPerFeature(within),
      effects: effects.map(({ estimatedLocation }) => estimatedLocation),
      leftOut: null,
    },
  }
}

function someRows(
  kept: Int32Array,
  columns: Float64Array,
  groupOf: Int32Array,
  groups: number,
  personOf: Int32Array,
): MixedDesign | null {
  const rows = groupOf.length
  const own = new Float64Array((columns.length / rows) * kept.length)
  for (let at = 0; at < own.length; at++)
    own[at] = columns[Math.floor(at / kept.length) * rows + (kept[at % kept.length] ?? 0)] ?? Number.NaN
  const grouped = groupedDesign(
    own,
    Int32Array.from(kept, (row) => groupOf[row] ?? 0),
    groups,
  )
  const people = Int32Array.from(kept, (row) => personOf[row] ?? 0)
  if (!('rows' in grouped)) return null
  const design = mixedDesign(grouped, people)
  return design.unknowns < kept.length && design.sizes.some((size) => size > 1) ? design : null
}

type Estimates = ReturnType<typeof emptyEstimates>

/** Least of the variance of the model that residuals of a batch must have for a scale; below, they are rounding. Chosen as in `fitGroupsInto`. */
const ROUNDING = 1e-18

/** @returns variance between people and of one scan, over the residual variance of REML and that of the model; null without a fit */
function fitOneInto(
  out: Estimates,
  f: number,
  x: Float64Array,
  kept: Int32Array,
  design: MixedDesign | null,
  reference: number,
  method: 'reml' | 'msr',
): { readonly ratio: number; readonly within: number } | null {
  const state = (name: (typeof FEATURE_STATES)[number]): null => {
    out.state[f] = FEATURE_STATES.indexOf(name)
    return null
  }
  if (kept.length === 0) return state('empty')
  if (kept.every((row) => x[row] === x[kept[0] ?? 0])) return state('constant')
  if (design === null) return state('confounded')
  const { starts, order } = design.grouped
  const groups = starts.length - 1
  const size = (g: number): number => (starts[g + 1] ?? 0) - (starts[g] ?? 0)
  if (reference >= 0 && size(reference) === 0) return state('empty')
  const y = Float64Array.from(order, (place) => x[kept[place] ?? 0] ?? Number.NaN)
  const fit = fitMixed(y, design)
  if (fit === null) return state('explained')
  const { intercepts, slopes, residuals, ratio } = fit
  const variance =
    method === 'reml' ? fit.variance : residuals.reduce((sum, e) => sum + e * e, 0) / residuals.length
  let mean = 0
  for (let g = 0; g < groups; g++) if (size(g) > 0) mean += (size(g) / kept.length) * (intercepts[g] ?? 0)
  if (reference >= 0) mean = intercepts[reference] ?? 0
  out.mean[f] = mean
  out.variance[f] = variance
  slopes.forEach((slope, q) => {
    out.slopes[q * out.features + f] = slope
  })
  for (let g = 0; g < groups; g++) {
    const n = size(g)
    out.counts[g * out.features + f] = n
    if (n === 0) continue
    // Residuals have mean 0 in every batch: its intercept is in the model.
    const squares = residuals.subarray(starts[g], starts[g + 1]).reduce((sum, e) => sum + e * e, 0)
    out.location[g * out.features + f] = ((intercepts[g] ?? 0) - mean) / Math.sqrt(variance)
    if (n > 1 && squares > ROUNDING * variance) out.scale[g * out.features + f] = squares / (n - 1) / variance
  }
  return { ratio, within: fit.variance / variance }
}
