/** Harmonization fitted without the rows that it is judged on, beside the ways that have seen them. */
import { ConfigError, UnfittableError } from '../errors.ts'
import type { Probe } from '../evidence/combat-diagnostics.ts'
import { applyCombat } from './apply.ts'
import { batchDesign } from './batch-model.ts'
import { withoutCovariates } from './covariates-out.ts'
import {
  type Covariate,
  counted,
  type Features,
  levelsOf,
  listed,
  type Note,
  type SampleTable,
} from './data.ts'
import { indicesOf } from './design.ts'
import { peopleIn, requireEnoughPeople, rowsOf, rowsOfPeople, stratifiedFolds } from './folds.ts'
import type { CombatModel } from './model.ts'
import { probeClasses } from './probe.ts'

export interface CrossfitOptions {
  readonly folds: number
  readonly seed: number
  readonly fit: (features: Features, samples: SampleTable) => CombatModel
  /** Column of classes to predict, with a name for each row (empty: unknown, left out); null: the batch is predicted. */
  readonly label: { readonly name: string; readonly values: readonly string[] } | null
}

export interface Crossfitted {
  /** Each row harmonized by the model that did not see it, as `Features.values`. */
  readonly values: Float64Array
  /** Fold of each row. */
  readonly foldOf: Int32Array
  readonly predicted: string
  /** Classifiers by how the table was harmonized, by the same folds. */
  readonly ways: readonly { readonly way: Way; readonly probe: Probe }[]
  readonly notes: readonly Note[]
}

/**
 * `none`: not harmonized. `inside`: fitted within the training folds, applied to the held-out one. `fresh`, of batches alone: fitted on one half of the
 * people, with a classifier that learns and is judged on the other. `all`: fitted on all rows. `all-with-label`: fitted on all rows with the class
 * kept as a covariate.
 */
export type Way = 'none' | 'inside' | 'fresh' | 'all' | 'all-with-label'

/** Chosen: more classes than this are ids or measurements. */
const MOST_CLASSES = 20

/**
 * For each fold the harmonization is fitted on the other folds and applied to all rows; the classifier learns on the other folds and is
 * judged on this one. What it reaches is what new people of the known batches would see; what it reaches on a table that was harmonized as a whole is not,
 * because that table knows the people whom it is judged on. When batches are predicted, the slopes of the covariates are taken out first, so that nobody
 * is told from where older people live.
 *
 * Inside, the rows that the classifier of batches learns from are centred by their own batch, so that it can learn nothing of locations; `fresh` gives it
 * rows that the harmonization has not seen, whose batches differ by what half of the people could not tell. It is stricter, and falls with more
 * people.
 *
 * @throws {RefusedError} for batches with fewer people than folds, and as the fit
 * @throws {ConfigError} when the class is a covariate: then applying to a held-out row would need its answer
 */
export function crossfitCombat(
  features: Features,
  samples: SampleTable,
  { folds, seed, fit: fitModel, label }: CrossfitOptions,
): Crossfitted {
  if (!Number.isInteger(folds) || folds < 2)
    throw new ConfigError(`--folds is ${folds}.`, 'Give a whole number of 2 and more.')
  if (label !== null && samples.covariates.some(({ name }) => name === label.name))
    throw new ConfigError(
      `"${label.name}" is predicted, and is a covariate: to harmonize a held-out row, its own ${label.name} would have to be known, which is the answer.`,
      'Leave it out of the covariates. The way "all-with-label" shows what keeping it would pretend.',
    )
  requireEnoughPeople(samples, folds)
  const people = peopleIn(samples)
  const named = label?.values ?? samples.batch
  const strata = samples.batch.map((batch, row) => JSON.stringify([batch, named[row]]))
  const foldOf = stratifiedFolds(strata, people, folds, seed)
  const classes = classesOf(named, label?.name ?? samples.batchName, folds, samples.source)
  const tables = Array.from({ length: folds }, (_, fold) => {
    const others = [...foldOf.keys()].filter((row) => foldOf[row] !== fold)
    const own = rowsOf(
      features,
      { ...samples, source: `${samples.source}, without fold ${fold + 1}` },
      others,
    )
    return applyCombat(fitModel(own.features, own.samples), features, samples).values
  })
  const values = features.values.map((_, at) => tables[foldOf[at % features.rows] ?? 0]?.[at] ?? Number.NaN)
  const harmonizedWith = (own: SampleTable): Float64Array =>
    applyCombat(fitModel(features, own), features, own).values
  const all = harmonizedWith(samples)
  const withLabel = label === null ? null : harmonizedWithLabel(features, samples, label, fitModel)
  const labels = indicesOf(named, classes)
  const design = label === null ? batchDesign(samples) : null
  const adjusted = (table: Float64Array, learns: (row: number) => boolean): Float64Array =>
    design === null ? table : withoutCovariates(table, design, learns)
  const judgedFold = foldOf.map((fold, row) => ((labels[row] ?? -1) < 0 ? -1 : fold))
  const probe = (table: (fold: number) => Float64Array): Probe =>
    probeClasses({
      rows: features.rows,
      table: (fold) => adjusted(table(fold), (row) => foldOf[row] !== fold),
      foldOf: judgedFold,
      folds,
      labels,
      classes,
      people: rowsOfPeople(people),
      seed,
    })
  const fresh = (): Probe | null => {
    const least = Math.min(
      ...levelsOf(samples.batch).map(
        (name) => new Set(people.filter((_, row) => samples.batch[row] === name)).size,
      ),
    )
    const inner = Math.min(folds, Math.floor(least / 2))
    if (inner < 2) return null
    const halfOf = stratifiedFolds(samples.batch, people, 2, seed + 1)
    const innerOf = stratifiedFolds(
      samples.batch.map((batch, row) => JSON.stringify([batch, halfOf[row]])),
      people,
      inner,
      seed,
    )
    const halves = [0, 1].map((half) => {
      const others = rowsOf(
        features,
        samples,
        [...halfOf.keys()].filter((row) => halfOf[row] !== half),
      )
      return applyCombat(fitModel(others.features, others.samples), features, samples).values
    })
    const own = halfOf.map((half, row) => half * inner + (innerOf[row] ?? 0))
    const learnsFrom = (fold: number, row: number): boolean =>
      own[row] !== fold && halfOf[row] === Math.floor(fold / inner)
    return probeClasses({
      rows: features.rows,
      table: (fold) => adjusted(halves[Math.floor(fold / inner)] ?? all, (row) => learnsFrom(fold, row)),
      foldOf: own,
      folds: 2 * inner,
      learnsFrom,
      labels,
      classes,
      people: rowsOfPeople(people),
      seed,
    })
  }
  const unseen = label === null ? fresh() : null
  const unknown = named.filter((name) => name === '').length
  return {
    values,
    foldOf,
    predicted: label?.name ?? samples.batchName,
    ways: [
      { way: 'none', probe: probe(() => features.values) },
      { way: 'inside', probe: probe((fold) => tables[fold] ?? all) },
      ...(unseen === null ? [] : [{ way: 'fresh' as const, probe: unseen }]),
      { way: 'all', probe: probe(() => all) },
      ...(withLabel === null ? [] : [{ way: 'all-with-label' as const, probe: probe(() => withLabel) }]),
    ],
    notes:
      unknown === 0
        ? []
        : [
            {
              code: 'unknown-class',
              text: `${counted(unknown, 'row')} without ${label?.name ?? samples.batchName}: harmonized, and left out of the classifiers.`,
            },
          ],
  }
}

/** Classes by name. @throws {ConfigError} {UnfittableError} where there are not two and more classes with enough rows */
function classesOf(
  named: readonly string[],
  column: string,
  folds: number,
  source: string,
): readonly string[] {
  const classes = levelsOf(named.filter((name) => name !== ''))
  if (classes.length < 2 || (classes.length > MOST_CLASSES && classes.length > named.length / 10))
    throw new ConfigError(
      `${source}: "${column}" has ${counted(classes.length, 'value')}: no classes to predict.`,
      `Name a column with 2 to ${MOST_CLASSES} different names or codes.`,
    )
  const few = classes.filter((name) => named.filter((own) => own === name).length < folds)
  if (few.length > 0)
    throw new UnfittableError(
      `${source}: "${column}" ${listed(few)}: fewer rows than ${counted(folds, 'fold')}.`,
      'Use fewer --folds, or leave the class out.',
    )
  return classes
}

function harmonizedWithLabel(
  features: Features,
  samples: SampleTable,
  label: { readonly name: string; readonly values: readonly string[] },
  fitModel: CrossfitOptions['fit'],
): Float64Array | null {
  if (label.values.includes('')) return null
  const kept: Covariate = { name: label.name, kind: 'categorical', values: label.values }
  const own = { ...samples, covariates: [...samples.covariates, kept] }
  return applyCombat(fitModel(features, own), features, own).values
}
