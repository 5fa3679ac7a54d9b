/** Covariates as columns of numbers: quantities around their mean, names as 0 and 1 against a base level. */
import { InputError, RefusedError } from '../errors.ts'
import { splineColumns, splineSize } from '../kernels/cubic-spline.ts'
import { type Covariate, levelsOf, listed, rowsWhere, type SampleTable } from './data.ts'

/** How one covariate becomes columns; part of the saved model. */
export type Coding =
  | {
      readonly name: string
      readonly kind: 'continuous'
      /** Taken off before the slope applies: the mean over the rows of the fit. */
      readonly center: number
      /** Range of the fit. */
      readonly low: number
      readonly high: number
    }
  | {
      readonly name: string
      readonly kind: 'categorical'
      /** The level without a column of its own: the first by name. */
      readonly base: string
      /** The others, a column each. */
      readonly levels: readonly string[]
    }
  | {
      readonly name: string
      /** A cubic spline, whose functions have mean 0 together over the rows of the fit; a straight line beyond the knots. */
      readonly kind: 'smooth'
      /** The low end of the fit, inner knots, the high end. */
      readonly knots: readonly number[]
    }

/** Rows of NaN and empty cells are refused: ComBat has no way to keep an effect whose cause is not known. */
export function codingOf(samples: SampleTable): readonly Coding[] {
  return samples.covariates.map((covariate): Coding => {
    requireComplete(covariate, samples)
    const { name } = covariate
    if (covariate.kind === 'categorical') {
      const [base = '', ...levels] = levelsOf(covariate.values)
      if (levels.length === 0)
        throw new RefusedError(
          `${samples.source}: covariate "${name}" is "${base}" in every row.`,
          'Leave it out: it explains nothing here.',
        )
      return { name, kind: 'categorical', base, levels }
    }
    const { values } = covariate
    const low = values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)
    const high = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
    if (low === high)
      throw new RefusedError(
        `${samples.source}: covariate "${name}" is ${low} in every row.`,
        'Leave it out: it explains nothing here.',
      )
    const center = low + values.reduce((sum, value) => sum + (value - low), 0) / values.length
    return { name, kind: 'continuous', center, low, high }
  })
}

/** `age`, `sex=M`, `s(age).1`: the name of each column that `codedColumns` makes. */
export function columnNames(codings: readonly Coding[]): readonly string[] {
  return codings.flatMap((coding) => {
    if (coding.kind === 'continuous') return [coding.name]
    return coding.kind === 'categorical'
      ? coding.levels.map((level) => `${coding.name}=${level}`)
      : Array.from({ length: splineSize(coding.knots) }, (_, k) => `s(${coding.name}).${k + 1}`)
  })
}

/**
 * @returns columns one after the other, length Q * N, in the order of `columnNames`
 * @throws {InputError} when a covariate is absent, of another kind, has a missing value or an unknown level
 */
export function codedColumns(codings: readonly Coding[], samples: SampleTable): Float64Array {
  const rows = samples.batch.length
  const out = new Float64Array(columnNames(codings).length * rows)
  let at = 0
  for (const coding of codings) {
    const covariate = samples.covariates.find(({ name }) => name === coding.name)
    if (covariate === undefined)
      throw new InputError(
        `${samples.source}: has no covariate "${coding.name}", which the model was fitted with.`,
        'Give the table that column: each row needs its own value.',
      )
    requireComplete(covariate, samples)
    if (coding.kind !== 'categorical') {
      if (covariate.kind !== 'continuous') throw otherKind(samples, covariate, 'numbers')
      if (coding.kind === 'smooth') {
        out.set(splineColumns(coding.knots, covariate.values), at)
        at += splineSize(coding.knots) * rows
        continue
      }
      out.set(
        covariate.values.map((value) => value - coding.center),
        at,
      )
      at += rows
      continue
    }
    if (covariate.kind !== 'categorical') throw otherKind(samples, covariate, 'names')
    requireKnownLevels(coding, covariate.values, samples)
    for (const level of coding.levels) {
      covariate.values.forEach((value, row) => {
        if (value === level) out[at + row] = 1
      })
      at += rows
    }
  }
  return out
}

/** Range of the fit; null for names. */
export function rangeOf(coding: Coding): readonly [low: number, high: number] | null {
  if (coding.kind === 'categorical') return null
  return coding.kind === 'continuous'
    ? [coding.low, coding.high]
    : [coding.knots[0] ?? Number.NaN, coding.knots.at(-1) ?? Number.NaN]
}

function otherKind({ source }: SampleTable, { name }: Covariate, expected: string): InputError {
  return new InputError(
    `${source}: covariate "${name}" does not hold ${expected}, as it did when the model was fitted.`,
    'Use the same coding as in the table of the fit.',
  )
}

function requireKnownLevels(
  { name, base, levels }: Coding & { kind: 'categorical' },
  values: readonly string[],
  samples: SampleTable,
): void {
  const known = [base, ...levels]
  const unknown = rowsWhere(values.map((value) => !known.includes(value)))
  if (unknown.length === 0) return
  const named = levelsOf(unknown.map((row) => `"${values[row]}"`))
  throw new InputError(
    `${samples.source}: covariate "${name}" has ${listed(named)} at ${listed(unknown.map(samples.rowName))}, unknown to the model, ` +
      `which knows ${known.map((level) => `"${level}"`).join(', ')}.`,
    'An effect that was not estimated cannot be kept: leave these rows out, or fit with a table that holds the level.',
  )
}

function requireComplete(covariate: Covariate, { source, batch, batchName, rowName }: SampleTable): void {
  const missing =
    covariate.kind === 'continuous'
      ? rowsWhere(Array.from(covariate.values, (value) => !Number.isFinite(value)))
      : rowsWhere(covariate.values.map((value) => value === ''))
  if (missing.length === 0) return
  const batches = levelsOf(missing.map((row) => batch[row] ?? ''))
  throw new InputError(
    `${source}: covariate "${covariate.name}" is missing at ${listed(missing.map(rowName))} (${batchName} ${listed(batches)}).`,
    'Fill it in, or leave these rows or this covariate out.',
  )
}
