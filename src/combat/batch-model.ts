/** One linear model of a feature with batches and covariates, and the models that lack one of them: what shares and tests compare. */
import { UnfittableError } from '../errors.ts'
import { concatenate } from '../kernels/concatenate.ts'
import { fitLinear, type LinearDesign, linearDesign, rowsOfColumns } from '../kernels/linear-model.ts'
import type { Coding } from './coding.ts'
import type { Features, SampleTable } from './data.ts'
import { designOf, indicesOf } from './design.ts'

/** Columns of a design, by what they stand for. */
export interface BatchDesign {
  readonly rows: number
  readonly batches: readonly string[]
  /** Place of each row's batch in `batches`. */
  readonly groupOf: Int32Array
  readonly codings: readonly Coding[]
  /** An intercept for each batch, length S * N. */
  readonly batchColumns: Float64Array
  /** Coded covariates, length Q * N, in the order of `columnNames(codings)`. */
  readonly covariateColumns: Float64Array
}

/** @throws as `designOf`: what is confounded is refused with its reason */
export function batchDesign(samples: SampleTable): BatchDesign {
  const { batches, codings, columns } = designOf(samples, null)
  const rows = samples.batch.length
  const groupOf = indicesOf(samples.batch, batches)
  const batchColumns = new Float64Array(batches.length * rows)
  groupOf.forEach((g, row) => {
    batchColumns[g * rows + row] = 1
  })
  return { rows, batches, groupOf, codings, batchColumns, covariateColumns: columns }
}

/** Columns one after the other. */
export function together(...parts: readonly Float64Array[]): Float64Array {
  return concatenate([new Float64Array(0), ...parts])
}

/** Least squares of one feature from the rows that have it. */
export interface FeatureFit {
  /** Of each of P columns; NaN for a column that is 0 in all rows kept. */
  readonly coefficients: Float64Array
  /** Squared standard errors in units of the residual variance; NaN as above. */
  readonly errors: Float64Array
  /** Of the rows kept. */
  readonly residuals: Float64Array
  /** Sum of the squared residuals. */
  readonly squares: number
  /** Sum of the squared values. */
  readonly valueSquares: number
  /** Rows less coefficients. */
  readonly freedom: number
  /** Which rows have the feature. */
  readonly kept: Int32Array
}

/** The same columns for all features: made ready once for those that have every row, and again for each other. */
export interface Regression {
  /** Null where the rows that have the feature cannot tell the columns apart, or leave nothing to estimate a variance from. */
  readonly fit: (values: Float64Array) => FeatureFit | null
}

/**
 * @param columns length P * rows
 * @throws {UnfittableError} when a column follows from others
 */
export function regressionOn(columns: Float64Array, rows: number): Regression {
  const whole = linearDesign(columns, rows)
  if (!('rows' in whole))
    throw new UnfittableError(
      'Columns of the linear model follow from each other.',
      'Leave a covariate out that says the same as others.',
    )
  const count = columns.length / rows
  const every = Array.from({ length: count }, (_, q) => q)
  const all = Int32Array.from({ length: rows }, (_, row) => row)
  let last: { readonly kept: Int32Array; readonly part: Part | null } = {
    kept: all,
    part: { design: whole, used: every },
  }
  const partFor = (kept: Int32Array): Part | null => {
    const same = kept.length === last.kept.length && kept.every((row, k) => row === last.kept[k])
    if (!same)
      last = {
        kept,
        part: kept.length === rows ? { design: whole, used: every } : partOf(columns, rows, kept),
      }
    return last.part
  }
  return {
    fit: (values) => {
      const kept = values.some(Number.isNaN) ? all.filter((row) => !Number.isNaN(values[row])) : all
      const own = partFor(kept)
      if (own === null) return null
      const freedom = kept.length - own.design.count
      if (freedom < 1) return null
      const y = Float64Array.from(kept, (row) => values[row] ?? Number.NaN)
      const { coefficients, residuals, squares } = fitLinear(y, own.design)
      const spread = (found: Float64Array): Float64Array => {
        const out = new Float64Array(count).fill(Number.NaN)
        own.used.forEach((q, k) => {
          out[q] = found[k] ?? Number.NaN
        })
        return out
      }
      return {
        coefficients: spread(coefficients),
        errors: spread(own.design.errors),
        residuals,
        squares,
        valueSquares: y.reduce((sum, value) => sum + value * value, 0),
        freedom,
        kept,
      }
    },
  }
}

interface Part {
  readonly design: LinearDesign
  /** Which columns it has. */
  readonly used: readonly number[]
}

/** The rows kept, without columns that are 0 in all of them (a batch that lacks the feature). */
function partOf(columns: Float64Array, rows: number, kept: Int32Array): Part | null {
  if (kept.length === 0) return null
  const part = rowsOfColumns(columns, rows, kept)
  const n = kept.length
  const lists = Array.from({ length: part.length / n }, (_, q) => part.subarray(q * n, (q + 1) * n))
  const used = [...lists.keys()].filter((q) => lists[q]?.some((value) => value !== 0))
  const design = linearDesign(together(...lists.filter((column) => column.some((value) => value !== 0))), n)
  return 'rows' in design ? { design, used } : null
}

/** Without the columns that are 0 in every row. */
export function filledColumns(columns: Float64Array, rows: number): Float64Array {
  const lists = Array.from({ length: columns.length / rows }, (_, q) =>
    columns.subarray(q * rows, (q + 1) * rows),
  )
  return together(...lists.filter((column) => column.some((value) => value !== 0)))
}

/** Values of feature f. */
export function featureOf({ values, rows }: Features, f: number): Float64Array {
  return values.subarray(f * rows, (f + 1) * rows)
}
