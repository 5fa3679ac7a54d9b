/** Rows, batches and covariates made ready for the fit, or the reason why their effects cannot be told apart. */
import { RefusedError, UnfittableError } from '../errors.ts'
import { type GroupedDesign, groupedDesign } from '../kernels/grouped-regression.ts'
import type { Dependency } from '../kernels/least-squares.ts'
import { type Coding, codedColumns, codingOf, columnNames } from './coding.ts'
import { counted, levelsOf, listed, rowsWhere, type SampleTable } from './data.ts'

export interface Design {
  readonly batches: readonly string[]
  /** Rows of each. */
  readonly sizes: readonly number[]
  readonly codings: readonly Coding[]
  /** Of the reference batch, or -1. */
  readonly reference: number
  readonly grouped: GroupedDesign
  /** Coded covariates, Q * N. */
  readonly columns: Float64Array
}

/**
 * @throws {InputError} for a row without batch or covariate
 * @throws {UnfittableError} for less than two batches, more unknowns than rows, an unknown reference
 * @throws {RefusedError} when covariates cannot be told from the batches or from each other: says which, and at which batches
 */
export function designOf(samples: SampleTable, reference: string | null): Design {
  const { source, batch, batchName } = samples
  const batches = levelsOf(batch)
  if (batches.length < 2)
    throw new UnfittableError(
      `${source}: ${batches.length === 0 ? 'has no rows' : `"${batchName}" is "${batches[0]}" in every row`}.`,
      'ComBat needs at least two batches.',
    )
  const groupOf = indicesOf(batch, batches)
  const at = reference === null ? -1 : batches.indexOf(reference)
  if (reference !== null && at < 0)
    throw new UnfittableError(
      `${source}: the reference "${reference}" is no ${batchName}; there are ${listed(batches, 20)}.`,
      'Name one of these.',
    )
  const codings = codingOf(samples)
  const names = columnNames(codings)
  const columns = codedColumns(codings, samples)
  const unknowns = batches.length + names.length
  if (unknowns >= batch.length)
    throw new UnfittableError(
      `${source}: ${counted(batch.length, 'row')} for ${unknowns} unknowns of each feature: ${counted(batches.length, 'batch')} and ` +
        `${counted(names.length, 'column')} of covariates (${listed(names, 10)}).`,
      'Nothing would be left to estimate a variance from: leave covariates out, or add subjects.',
    )
  const grouped = groupedDesign(columns, groupOf, batches.length)
  if (!('rows' in grouped))
    throw new RefusedError(
      [`${source}: effects cannot be told apart.`]
        .concat(
          grouped.map(
            (dependency) => `  ${confounding(dependency, samples, batches, names, columns, groupOf)}`,
          ),
        )
        .join('\n'),
      'Leave the covariate out and say so, or leave out the batches where it does not vary; no method can tell such effects apart.',
    )
  const sizes = batches.map((_, g) => groupOf.reduce((n, group) => n + (group === g ? 1 : 0), 0))
  return { batches, sizes, codings, reference: at, grouped, columns }
}

/** Place of each value in `levels`; -1 where it is none of them. */
export function indicesOf(values: readonly string[], levels: readonly string[]): Int32Array {
  const places = new Map(levels.map((level, at) => [level, at]))
  return Int32Array.from(values, (value) => places.get(value) ?? -1)
}

/** `"diagnosis=patient" is 1 at every row of B and 0 at every row of A, C`. */
function confounding(
  { column, weights }: Dependency,
  { batchName }: SampleTable,
  batches: readonly string[],
  names: readonly string[],
  columns: Float64Array,
  groupOf: Int32Array,
): string {
  const rows = groupOf.length
  const value = (q: number, row: number): number => columns[q * rows + row] ?? Number.NaN
  const involved = rowsWhere(Array.from(weights, (weight) => Math.abs(weight) > 1e-6)) // below, it is rounding
  if (involved.length === 0) {
    const byValue = new Map<string, string[]>()
    batches.forEach((batch, g) => {
      const shown = value(column, groupOf.indexOf(g)).toPrecision(4)
      byValue.set(shown, [...(byValue.get(shown) ?? []), batch])
    })
    const values = [...byValue.values()].map((group) => listed(group))
    return (
      `"${names[column]}" does not vary within any ${batchName}, only between them: it has one value at ` +
      `${values.join(', another at ')}.`
    )
  }
  const left = Array.from(groupOf, (_, row) =>
    involved.reduce((sum, q) => sum - (weights[q] ?? 0) * value(q, row), value(column, row)),
  )
  const byBatch = batches.map((_, g) => left[groupOf.indexOf(g)] ?? 0)
  const even = Math.max(...byBatch) - Math.min(...byBatch) < 1e-6
  const others = involved.map((q) => `"${names[q]}"`).join(', ')
  return even
    ? `"${names[column]}" follows from ${others} in every row.`
    : `"${names[column]}" follows from ${others} within every ${batchName} (${listed(batches)}).`
}
