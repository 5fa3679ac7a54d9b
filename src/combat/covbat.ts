/** CovBat: ComBat, and then the same for the scores of its residuals along their principal components. */
import { ConfigError, UnfittableError } from '../errors.ts'
import { emptyEstimates, fitGroupsInto, groupedDesign } from '../kernels/grouped-regression.ts'
import type { LocationScale } from '../kernels/location-scale.ts'
import { principalComponents } from '../kernels/principal-components.ts'
import { applyCombat } from './apply.ts'
import { codedColumns } from './coding.ts'
import type { Covariance } from './covariance.ts'
import { counted, type Features, listed, type Note, type SampleTable } from './data.ts'
import { indicesOf } from './design.ts'
import { batchEffect, type FitOptions, fitCombat, part } from './fit.ts'
import { type CombatModel, locationScaleOf, toPerFeature } from './model.ts'
import { completeRows, expectedInto, incompleteNotes, mostOftenMissing, scoresOf } from './scores.ts'

/** How many components are harmonized: a number of them, or the fewest whose share of the variance is larger than this. */
export type ComponentChoice = { readonly count: number } | { readonly share: number }

/** The ComBat that comes first, and the share of the variance, as the authors take them. */
const ITS_COMBAT = 'eb'
export const COVBAT_SHARE = 0.95

export interface CovbatOptions extends Omit<FitOptions, 'variant'> {
  readonly components: ComponentChoice
}

/**
 * @throws as `fitCombat`
 * @throws {ConfigError} for a share outside 0 to 1, and more components than there are
 * @throws {UnfittableError} where no row of a batch has every feature, or nothing is left to find components in
 */
export function fitCovbat(features: Features, samples: SampleTable, options: CovbatOptions): CombatModel {
  const { components, ...rest } = options
  requireChoice(components)
  const base = fitCombat(features, samples, { ...rest, variant: ITS_COMBAT })
  const estimates = locationScaleOf(base)
  const columns = codedColumns(base.covariates, samples)
  const harmonized = applyCombat(base, features, samples).values
  const complete = completeRows(features, base.mean)
  const kept = Int32Array.from([...complete.keys()].filter((row) => complete[row] === 1))
  requireRows(base, features, samples, complete)
  const { values, center, scale, parts } = standardized(harmonized, estimates, columns, kept)
  const found = principalComponents(values, kept.length, parts.length)
  if (found.squares.length === 0)
    throw new UnfittableError(
      `${samples.source}: no feature varies after ComBat over the ${counted(kept.length, 'row')} with every feature.`,
      `${mostOftenMissing(features, base.mean)} Leave such features out, or use --variant eb.`,
    )
  const count = countOf(components, found.squares, found.total)
  const weights = found.loadings(count)
  const basis = {
    center: toPerFeature(center),
    scale: toPerFeature(scale),
    loadings: Array.from({ length: count }, (_, k) =>
      toPerFeature(spread(part(weights, k, parts.length), parts, features.names.length)),
    ),
  }
  const groupOf = indicesOf(
    samples.batch,
    base.batches.map(({ name }) => name),
  )
  const { scores } = scoresOf(harmonized, basis, estimates, columns)
  const reference = base.batches.findIndex(({ name }) => name === base.reference)
  const covariance: Covariance = {
    rows: kept.length,
    explained: Array.from(found.squares.subarray(0, count), (square) => square / found.total),
    ...basis,
    ...effectsOf(
      scores,
      groupOf,
      kept,
      base.batches.map(({ name }) => name),
      reference,
    ),
  }
  return {
    ...base,
    variant: 'covbat',
    notes: [
      ...base.notes,
      ...incompleteNotes(basis, features, samples),
      ...fewRowsNotes(base, samples, covariance),
    ],
    covariance,
  }
}

function requireChoice(choice: ComponentChoice): void {
  if ('count' in choice) {
    if (Number.isInteger(choice.count) && choice.count > 0) return
    throw new ConfigError(
      `${choice.count} components are to be harmonized.`,
      'Give a whole number of 1 and more.',
    )
  }
  if (choice.share > 0 && choice.share <= 1) return
  throw new ConfigError(
    `The share of the variance that the components are to carry is ${choice.share}.`,
    `Give a number above 0, at most 1; the authors take ${COVBAT_SHARE}.`,
  )
}

function requireRows(
  base: CombatModel,
  features: Features,
  { source, batch, batchName }: SampleTable,
  complete: Uint8Array,
): void {
  const seen = new Set(batch.filter((_, row) => complete[row] === 1))
  const without = base.batches.filter(({ name }) => !seen.has(name)).map(({ name }) => name)
  if (without.length === 0) return
  throw new UnfittableError(
    `${source}: no row of ${batchName} ${listed(without)} has every feature, and components need whole rows.`,
    `${mostOftenMissing(features, base.mean)} Leave such features out, fill them in, or use --variant eb.`,
  )
}

/** Residuals after ComBat of the kept rows in SD; `parts` are the features that vary there. */
function standardized(
  harmonized: Float64Array,
  model: LocationScale,
  columns: Float64Array,
  kept: Int32Array,
): {
  readonly values: Float64Array
  readonly center: Float64Array
  readonly scale: Float64Array
  readonly parts: Int32Array
} {
  const rows = harmonized.length / model.features
  const n = kept.length
  const values = new Float64Array(n * model.features)
  const center = new Float64Array(model.features).fill(Number.NaN)
  const scale = new Float64Array(model.features).fill(Number.NaN)
  const parts: number[] = []
  const expected = new Float64Array(rows)
  for (let f = 0; f < model.features; f++) {
    if (Number.isNaN(model.mean[f])) continue
    expectedInto(expected, model, f, columns)
    const own = part(values, parts.length, n)
    kept.forEach((row, k) => {
      own[k] = (harmonized[f * rows + row] ?? 0) - (expected[row] ?? 0)
    })
    const mean = own.reduce((a, b) => a + b, 0) / n
    const sd = Math.sqrt(own.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (n - 1))
    if (!(sd > 0)) continue
    center[f] = mean
    scale[f] = sd
    for (let k = 0; k < n; k++) own[k] = ((own[k] ?? 0) - mean) / sd
    parts.push(f)
  }
  return { values: values.subarray(0, n * parts.length), center, scale, parts: Int32Array.from(parts) }
}

function countOf(choice: ComponentChoice, squares: Float64Array, total: number): number {
  if ('count' in choice) {
    if (choice.count <= squares.length) return choice.count
    throw new ConfigError(
      `${choice.count} components are to be harmonized; the residuals have ${squares.length}.`,
      `Give ${squares.length} at most, or a share of the variance.`,
    )
  }
  let sum = 0
  const enough = squares.findIndex((square) => {
    sum += square
    return sum > choice.share * total
  })
  return enough < 0 ? squares.length : enough + 1
}

/** Values of some features among all; 0 for the others. */
function spread(values: Float64Array, parts: Int32Array, features: number): Float64Array {
  const out = new Float64Array(features)
  parts.forEach((f, k) => {
    out[f] = values[k] ?? 0
  })
  return out
}

/** Location and scale of each batch in the scores, each component by itself, as the authors do. */
function effectsOf(
  scores: Float64Array,
  groupOf: Int32Array,
  kept: Int32Array,
  batches: readonly string[],
  reference: number,
): Pick<Covariance, 'mean' | 'variance' | 'batches'> {
  const rows = groupOf.length
  const count = scores.length / rows
  const own = new Float64Array(count * kept.length)
  for (let k = 0; k < count; k++)
    kept.forEach((row, i) => {
      own[k * kept.length + i] = scores[k * rows + row] ?? Number.NaN
    })
  const groups = Int32Array.from(kept, (row) => groupOf[row] ?? -1)
  const estimates = emptyEstimates(count, batches.length, 0)
  const design = groupedDesign(new Float64Array(0), groups, batches.length)
  if ('rows' in design) fitGroupsInto(estimates, 0, own, design, reference)
  return {
    mean: toPerFeature(estimates.mean),
    variance: toPerFeature(estimates.variance),
    batches: batches.map((name, g) => {
      const size = groups.reduce((n, group) => n + (group === g ? 1 : 0), 0)
      const {
        rows: own,
        location,
        scale,
      } = batchEffect(name, size, estimates, g, g === reference, 'no-eb', null)
      return { rows: own, location, scale }
    }),
  }
}

/** Chosen: with fewer rows than this the scale of a score is known to worse than a third of itself (root(2 / 19)). */
const LEAST_ROWS_OF_BATCH = 20

function fewRowsNotes(
  { batches }: CombatModel,
  { batchName }: SampleTable,
  covariance: Covariance,
): readonly Note[] {
  const few = batches.filter((_, g) => (covariance.batches[g]?.rows ?? 0) < LEAST_ROWS_OF_BATCH)
  if (few.length === 0) return []
  return [
    {
      code: 'few-rows-for-covariance',
      text:
        `${batchName} ${listed(few.map(({ name }) => name))}: fewer than ${LEAST_ROWS_OF_BATCH} rows with every feature, while scores are harmonized without empirical Bayes: ` +
        'what is taken out there is largely chance. Consider fewer components, or --variant eb.',
      batches: few.map(({ name }) => name),
    },
  ]
}
