/** What ComBat works on: numbers, and what is known of the rows that they come from. */

/** Numbers of N rows (scans or subjects) and F features. */
export interface Features {
  readonly names: readonly string[]
  readonly rows: number
  /** Feature after feature: row i of feature f at [f * rows + i]; NaN where it is missing. Length N * F. */
  readonly values: Float64Array
}

/** One declared covariate, with a value for each row. */
export type Covariate =
  | { readonly name: string; readonly kind: 'continuous'; readonly values: Float64Array }
  | { readonly name: string; readonly kind: 'categorical'; readonly values: readonly string[] }

/** What is known of N rows. */
export interface SampleTable {
  /** Name of the column of batches, for messages: `site`. */
  readonly batchName: string
  /** Batch (site, scanner) of each row. */
  readonly batch: readonly string[]
  readonly covariates: readonly Covariate[]
  /** Who each row is of, where people come more than once; `column` is for messages. */
  readonly subject?: { readonly column: string; readonly of: readonly string[] }
  /** How messages call row i: `line 7` of a file. */
  readonly rowName: (row: number) => string
  /** What messages begin with: the name of the file. */
  readonly source: string
}

/** A number for each feature, in their order; null where there is none. */
export type PerFeature = readonly (number | null)[]

/** Something the user should know of a fit or of an application; nothing was refused because of it. */
export interface Note {
  readonly code: string
  readonly text: string
  /** What it concerns, where it concerns some only. */
  readonly features?: readonly string[]
  readonly batches?: readonly string[]
}

/** Different values in the order of their characters' codes, the same on every machine. */
export function levelsOf(values: readonly string[]): readonly string[] {
  return [...new Set(values)].sort()
}

/** `a, b, c and 4 more`. */
export function listed(names: readonly string[], most = 5): string {
  const rest = names.length - most
  return rest > 0 ? `${names.slice(0, most).join(', ')} and ${rest} more` : names.join(', ')
}

/** `1 row`, `2 rows`. */
export function counted(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : noun.endsWith('h') ? 'es' : 's'}`
}

/** Columns x rows of `values`, the row numbers where `wanted`. */
export function rowsWhere(values: Iterable<boolean>): readonly number[] {
  return [...values].flatMap((wanted, row) => (wanted ? [row] : []))
}
