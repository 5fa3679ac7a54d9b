/** Rows dealt into folds: each fold has its share of every batch, and nobody is in two. */
import { RefusedError } from '../errors.ts'
import { random } from '../kernels/random.ts'
import { counted, type Features, levelsOf, listed, type SampleTable } from './data.ts'

/** Who each row is of: the subject, or where none are named, everybody once. */
export function peopleIn({ subject, batch }: SampleTable): readonly string[] {
  return subject?.of ?? batch.map((_, row) => String(row))
}

/** The rows of each person, in the order of their first. */
export function rowsOfPeople(people: readonly string[]): readonly (readonly number[])[] {
  const rows = new Map<string, number[]>()
  people.forEach((person, row) => {
    const own = rows.get(person)
    if (own === undefined) rows.set(person, [row])
    else own.push(row)
  })
  return [...rows.values()]
}

/**
 * People of equal strata are shuffled and dealt in turn, so that each fold has as many as any other, or one more.
 * @param strata what is to be spread evenly: the batch of each row, or batch and class
 * @returns fold of each row, 0 to folds - 1
 */
export function stratifiedFolds(
  strata: readonly string[],
  people: readonly string[],
  folds: number,
  seed: number,
): Int32Array {
  const rng = random(seed, 'folds')
  const foldOf = new Int32Array(strata.length)
  const groups = rowsOfPeople(people).map((rows) => ({
    rows,
    stratum: JSON.stringify(levelsOf(rows.map((row) => strata[row] ?? ''))),
  }))
  let next = 0
  for (const stratum of levelsOf(groups.map((group) => group.stratum))) {
    const own = groups.filter((group) => group.stratum === stratum)
    for (let k = own.length - 1; k >= 0; k--) {
      const [chosen] = own.splice(rng.integer(k + 1), 1)
      for (const row of chosen?.rows ?? []) foldOf[row] = next % folds
      next++
    }
  }
  return foldOf
}

/**
 * Every batch has to be in every training set, also of a batch that is dealt out one by one.
 * @throws {RefusedError} for batches with fewer people than folds, and for fewer people than folds
 */
export function requireEnoughPeople(samples: SampleTable, folds: number): void {
  const few = smallBatches(samples, folds)
  if (few.length === 0) return
  const { source, batchName, subject } = samples
  const who = subject === undefined ? 'row' : `different ${subject.column}`
  throw new RefusedError(
    `${source}: ${batchName} ${listed(few.map(({ name, people }) => `${name} (${people})`))}: fewer than ${counted(folds, 'fold')} by ${who}. A fold would lack ` +
      'what the others say of it, or hold nobody of it.',
    `Use fewer --folds, or leave out the ${batchName}.`,
  )
}

/** Batches with fewer than `least` people. */
export function smallBatches(
  samples: SampleTable,
  least: number,
): readonly { readonly name: string; readonly people: number }[] {
  const people = peopleIn(samples)
  return levelsOf(samples.batch)
    .map((name) => ({ name, people: new Set(people.filter((_, row) => samples.batch[row] === name)).size }))
    .filter((batch) => batch.people < least)
}

/** Some rows of a table, in the order given. */
export function rowsOf(
  features: Features,
  samples: SampleTable,
  rows: readonly number[],
): { readonly features: Features; readonly samples: SampleTable } {
  const values = new Float64Array(features.names.length * rows.length)
  for (let f = 0; f < features.names.length; f++)
    rows.forEach((row, k) => {
      values[f * rows.length + k] = features.values[f * features.rows + row] ?? Number.NaN
    })
  const { subject } = samples
  return {
    features: { names: features.names, rows: rows.length, values },
    samples: {
      ...samples,
      batch: rows.map((row) => samples.batch[row] ?? ''),
      covariates: samples.covariates.map((covariate) =>
        covariate.kind === 'continuous'
          ? { ...covariate, values: Float64Array.from(rows, (row) => covariate.values[row] ?? Number.NaN) }
          : { ...covariate, values: rows.map((row) => covariate.values[row] ?? '') },
      ),
      ...(subject === undefined
        ? {}
        : { subject: { column: subject.column, of: rows.map((row) => subject.of[row] ?? '') } }),
      rowName: (k) => samples.rowName(rows[k] ?? -1),
    },
  }
}
