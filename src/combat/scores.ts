/** Scores of rows along the components of a `Covariance`, and what follows from them. */
import { type LocationScale, takeOutGroupsInto } from '../kernels/location-scale.ts'
import type { Covariance } from './covariance.ts'
import { counted, type Features, listed, type Note, type SampleTable } from './data.ts'
import { fromPerFeature } from './model.ts'

/** Residuals of a ComBat whose effects were taken out, and what they make along the components. */
interface Scored {
  /** Row i of component k at [k * rows + i]; NaN where the row lacks a feature. */
  readonly scores: Float64Array
  readonly loadings: Float64Array
}

/** Expected value of a feature at the covariates of each row. */
export function expectedInto(
  out: Float64Array,
  model: LocationScale,
  f: number,
  columns: Float64Array,
): void {
  const rows = out.length
  out.fill(model.mean[f] ?? Number.NaN)
  for (let q = 0; q * rows < columns.length; q++) {
    const slope = model.slopes[q * model.features + f] ?? Number.NaN
    for (let i = 0, from = q * rows; i < rows; i++) out[i] = (out[i] ?? 0) + slope * (columns[from + i] ?? 0)
  }
}

/** @param harmonized feature after feature, after ComBat */
export function scoresOf(
  harmonized: Float64Array,
  { center, scale, loadings: lists }: Pick<Covariance, 'center' | 'scale' | 'loadings'>,
  model: LocationScale,
  columns: Float64Array,
): Scored {
  const rows = harmonized.length / model.features
  const loadings = fromPerFeature(lists, model.features)
  const scores = new Float64Array(lists.length * rows)
  const own = new Float64Array(rows)
  for (let f = 0; f < model.features; f++) {
    const [middle, sd] = [center[f] ?? null, scale[f] ?? null]
    if (middle === null || sd === null) continue
    expectedInto(own, model, f, columns)
    for (let i = 0; i < rows; i++)
      own[i] = ((harmonized[f * rows + i] ?? Number.NaN) - (own[i] ?? 0) - middle) / sd
    addAlong(scores, own, (k) => loadings[k * model.features + f] ?? 0)
  }
  return { scores, loadings }
}

/** Adds weight(k) * x to each part k of `sums`. */
function addAlong(sums: Float64Array, x: Float64Array, weight: (k: number) => number): void {
  for (let k = 0; k * x.length < sums.length; k++) {
    const factor = weight(k)
    for (let i = 0, at = k * x.length; i < x.length; i++, at++)
      sums[at] = (sums[at] ?? 0) + factor * (x[i] ?? 0)
  }
}

/**
 * Takes location and scale of each batch out of the scores, and what that changes out of the features. A row that lacks a feature has no
 * scores, and stays as ComBat left it.
 * @param harmonized after ComBat, in place
 */
export function takeOutScoresInPlace(
  harmonized: Float64Array,
  covariance: Covariance,
  model: LocationScale,
  columns: Float64Array,
  groupOf: Int32Array,
): void {
  const rows = groupOf.length
  const { scores, loadings } = scoresOf(harmonized, covariance, model, columns)
  const components = covariance.loadings.length
  const changes = new Float64Array(scores.length)
  const effects: LocationScale = {
    features: components,
    mean: fromPerFeature([covariance.mean], components),
    variance: fromPerFeature([covariance.variance], components),
    slopes: new Float64Array(0),
    location: fromPerFeature(
      covariance.batches.map(({ location }) => location),
      components,
    ),
    scale: fromPerFeature(
      covariance.batches.map(({ scale }) => scale),
      components,
    ),
  }
  takeOutGroupsInto(changes, scores, effects, 0, new Float64Array(0), groupOf, covariance.batches.length)
  for (let at = 0; at < changes.length; at++) {
    const change = (changes[at] ?? 0) - (scores[at] ?? 0)
    changes[at] = Number.isNaN(change) ? 0 : change
  }
  for (let f = 0; f < model.features; f++) {
    const sd = covariance.scale[f] ?? null
    if (sd === null) continue
    for (let k = 0; k < components; k++) {
      const weight = sd * (loadings[k * model.features + f] ?? 0)
      for (let i = 0, at = f * rows; i < rows; i++, at++)
        harmonized[at] = (harmonized[at] ?? 0) + weight * (changes[k * rows + i] ?? 0)
    }
  }
}

/** Which rows have every feature that takes part. */
export function completeRows({ rows, values }: Features, scale: readonly (number | null)[]): Uint8Array {
  const complete = new Uint8Array(rows).fill(1)
  for (let f = 0, at = 0; at < values.length; f++, at += rows)
    if ((scale[f] ?? null) !== null)
      for (let i = 0; i < rows; i++) if (Number.isNaN(values[at + i])) complete[i] = 0
  return complete
}

/** Rows that ComBat alone harmonizes, because they lack a feature. */
export function incompleteNotes(
  { scale }: Pick<Covariance, 'scale'>,
  features: Features,
  { rowName }: SampleTable,
): readonly Note[] {
  const complete = completeRows(features, scale)
  const without = [...complete.keys()].filter((row) => complete[row] === 0)
  if (without.length === 0) return []
  return [
    {
      code: 'incomplete-row',
      text:
        `${counted(without.length, 'row')} of ${features.rows} (${listed(without.map(rowName))}) ${without.length === 1 ? 'lacks' : 'lack'} a feature and so ${without.length === 1 ? 'has' : 'have'} no place along the ` +
        `components: location and scale alone are taken out there. ${mostOftenMissing(features, scale)}`,
    },
  ]
}

/** `Most often missing: thickness_3 (12 rows), ...` */
export function mostOftenMissing(
  { names, rows, values }: Features,
  scale: readonly (number | null)[],
): string {
  const lacking = names
    .map((name, f) => {
      const own = values.subarray(f * rows, (f + 1) * rows)
      return {
        name,
        missing: (scale[f] ?? null) === null ? 0 : own.reduce((n, x) => n + (Number.isNaN(x) ? 1 : 0), 0),
      }
    })
    .filter(({ missing }) => missing > 0)
    .sort((a, b) => b.missing - a.missing)
  return `Most often missing: ${listed(lacking.map(({ name, missing }) => `${name} (${counted(missing, 'row')})`))}.`
}
