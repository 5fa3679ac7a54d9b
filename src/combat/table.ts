/** A table of text cells as numbers and names with roles; what cannot be one or the other is named by column, line and batch. */
import { ConfigError, InputError } from '../errors.ts'
import type { Coding } from './coding.ts'
import {
  type Covariate,
  counted,
  type Features,
  levelsOf,
  listed,
  type Note,
  rowsWhere,
  type SampleTable,
} from './data.ts'
import { isMissing, numberOf, numbersIn, numbersRead, orEmpty, type TextTable } from './numbers.ts'

/** Which column is what, for a fit. */
export interface Roles {
  readonly batch: string
  readonly covariates: readonly string[]
  /** Those covariates whose numbers are names. */
  readonly categorical: readonly string[]
  readonly id: string | null
  /** Column that says whose rows belong together. */
  readonly subject?: string | null
  /** Columns with another role, which are no features: further batches, dates. */
  readonly others?: readonly string[]
  /** Names of features, `*` for any characters; empty: every column of numbers without another role. */
  readonly features: readonly string[]
}

/**
 * Batches and covariates of a table. A covariate whose cells are all numbers is a quantity, unless it is declared categorical.
 * @throws {ConfigError} for columns that do not exist or have two roles
 * @throws {InputError} for a row without batch, for repeated ids, and for a covariate with numbers and text
 */
export function samplesOf(table: TextTable, roles: Roles): SampleTable {
  const { batch, covariates, categorical, id, subject = null, others = [] } = roles
  const named = [batch, ...others, ...covariates, ...[id, subject].filter((name) => name !== null)]
  const twice = named.find((name, k) => named.indexOf(name) !== k)
  if (twice !== undefined)
    throw new ConfigError(
      `Column "${twice}" has two roles.`,
      'Name a column as batch, covariate or id, once.',
    )
  const lost = categorical.find((name) => !covariates.includes(name))
  if (lost !== undefined)
    throw new ConfigError(
      `Column "${lost}" is declared categorical, and is no covariate.`,
      'Name it as a covariate.',
    )
  const samples = samplesWithout(table, batch)
  if (id !== null) requireUniqueIds(table, id)
  return {
    ...samples,
    ...subjectsOf(table, subject),
    covariates: covariates.map((name) => {
      const cells = cellsOf(table, name, 'covariate')
      return categorical.includes(name)
        ? names(name, cells)
        : quantityOrNames(table, name, cells, samples.batch)
    }),
  }
}

/** Batches and covariates of a table as a model knows them. @throws {InputError} as `samplesOf` */
export function samplesFor(
  table: TextTable,
  batchColumn: string,
  codings: readonly Coding[],
  subject: string | null = null,
): SampleTable {
  const samples = samplesWithout(table, batchColumn)
  return {
    ...samples,
    ...subjectsOf(table, subject),
    covariates: codings.map(({ name, kind }) => {
      const cells = cellsOf(table, name, 'covariate of the model')
      return kind === 'categorical' ? names(name, cells) : quantity(table, name, cells, samples.batch)
    }),
  }
}

function subjectsOf(table: TextTable, subject: string | null): Pick<SampleTable, 'subject'> {
  if (subject === null) return {}
  const cells = cellsOf(table, subject, 'subject')
  return { subject: { column: subject, of: cells.map(orEmpty) } }
}

function samplesWithout(table: TextTable, batchName: string): SampleTable {
  const batch = cellsOf(table, batchName, 'batch')
  const rowName = (row: number): string => `line ${table.lines[row]}`
  const without = rowsWhere(batch.map(isMissing))
  if (without.length > 0)
    throw new InputError(
      `${table.source}: "${batchName}" is empty at ${listed(without.map(rowName))}.`,
      'Fill it in, or leave these rows out: what batch a row is from must be known.',
    )
  return { batchName, batch, covariates: [], rowName, source: table.source }
}

/** @throws {ConfigError} when there is no such column */
export function cellsOf({ source, columns, rows }: TextTable, name: string, role: string): readonly string[] {
  const at = columns.indexOf(name)
  if (at < 0)
    throw new ConfigError(
      `${source}: has no column "${name}" (${role}); it has ${listed(columns, 20)}.`,
      'Columns are named as in the header line, capitals included.',
    )
  return rows.map((cells) => cells[at] ?? '')
}

/** Ids are not repeated in the message: they may be names of patients. */
export function requireUniqueIds(table: TextTable, id: string): void {
  const first = new Map<string, number>()
  for (const [row, cell] of cellsOf(table, id, 'id').entries()) {
    const before = first.get(cell)
    if (before !== undefined)
      throw new InputError(
        `${table.source}: lines ${table.lines[before]} and ${table.lines[row]} have the same "${id}".`,
        'This variant takes every row for another person. Keep one row of each.',
      )
    first.set(cell, row)
  }
}

function names(name: string, cells: readonly string[]): Covariate {
  return { name, kind: 'categorical', values: cells.map(orEmpty) }
}

/** Names of a column without a role; empty where they are missing. @throws {ConfigError} when there is no such column */
export function cleanNames(table: TextTable, name: string): readonly string[] {
  return cellsOf(table, name, 'column').map(orEmpty)
}

function quantityOrNames(
  table: TextTable,
  name: string,
  cells: readonly string[],
  batch: readonly string[],
): Covariate {
  const numeric = cells.some((cell) => !isMissing(cell) && numberOf(cell) !== undefined)
  return numeric ? quantity(table, name, cells, batch) : names(name, cells)
}

function quantity(
  table: TextTable,
  name: string,
  cells: readonly string[],
  batch: readonly string[],
): Covariate {
  const values = cells.map(numberOf)
  const text = rowsWhere(values.map((value) => value === undefined))
  if (text.length > 0) throw textAmongNumbers(table, 'Covariate', name, cells, batch, text)
  return { name, kind: 'continuous', values: Float64Array.from(values, (value) => value ?? Number.NaN) }
}

function textAmongNumbers(
  { source, lines }: TextTable,
  role: string,
  name: string,
  cells: readonly string[],
  batch: readonly string[],
  text: readonly number[],
): InputError {
  const shown = text.map((row) => `"${cells[row]}" on line ${lines[row]} (${batch[row]})`)
  return new InputError(
    `${source}: ${role.toLowerCase()} "${name}" holds text among its numbers: ${listed(shown, 3)}.`,
    role === 'Covariate'
      ? 'Correct the cells, leave them empty where a value is missing, or declare the column as names: --categorical.'
      : 'Write numbers with a decimal point and nothing else, and leave cells empty where a value is missing.',
  )
}

/** Words of column names that describe people, not scans: what a study is about, or what differs between its people. */
const BIOLOGY =
  /^(age|sex|gender|diagnosis|diag|dx|group|patient|case|disease|disorder|treatment|bmi|weight|education|handedness|race|ethnicity|ses|iq|apoe|mmse|moca|cdr|updrs|edss|stage|grade|outcome|survival)$/

/** Columns without a role whose names describe people. A column with text among its numbers is left out. */
export function biologyWithoutRole(table: TextTable, roles: Roles): readonly Covariate[] {
  const { batch, covariates, id, subject = null, others = [] } = roles
  const taken = [batch, ...others, ...covariates, id, subject]
  const described = table.columns.filter(
    (name) =>
      !taken.includes(name) &&
      name
        .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
        .toLowerCase()
        .split(/[^a-z]+/)
        .some((word) => BIOLOGY.test(word)),
  )
  return described.flatMap((name): Covariate[] => {
    const cells = cellsOf(table, name, 'column')
    const values = cells.map(numberOf)
    const words = values.filter((value) => value === undefined).length
    if (words === 0)
      return [{ name, kind: 'continuous', values: Float64Array.from(values, (value) => value ?? Number.NaN) }]
    return values.some((value) => value !== undefined && !Number.isNaN(value)) ? [] : [names(name, cells)]
  })
}

/** Columns that are harmonized, in the order of the table, and remarks on those that are not. */
export interface Chosen {
  readonly names: readonly string[]
  readonly notes: readonly Note[]
}

/**
 * A column of which at least half of the cells with content are numbers counts as one of numbers.
 * @throws {ConfigError} for a pattern that fits no column, and where nothing is left
 */
export function chooseFeatures(table: TextTable, roles: Roles): Chosen {
  const { batch, covariates, id, subject = null, others = [] } = roles
  const taken = new Set([batch, ...others, ...covariates, ...[id, subject].filter((name) => name !== null)])
  const free = table.columns.filter((name) => !taken.has(name))
  if (roles.features.length > 0) {
    const patterns = roles.features.map((pattern) => ({ pattern, fits: fitting(pattern) }))
    const idle = patterns.find(({ fits }) => !free.some((name) => fits.test(name)))
    if (idle !== undefined)
      throw new ConfigError(
        `${table.source}: no column fits --features ${idle.pattern}; free are ${listed(free, 20)}.`,
        'Use * for any characters, and quote the pattern so that the shell leaves it alone.',
      )
    return { names: free.filter((name) => patterns.some(({ fits }) => fits.test(name))), notes: [] }
  }
  const { words, numbers } = numbersIn(table)
  const numeric = new Set(
    table.columns.filter((_, at) => (numbers[at] ?? 0) > 0 && (numbers[at] ?? 0) >= (words[at] ?? 0)),
  )
  const chosen = free.filter((name) => numeric.has(name))
  const text = free.filter((name) => !numeric.has(name))
  if (chosen.length === 0)
    throw new ConfigError(
      `${table.source}: no column of numbers is left to harmonize beside ${listed([...taken])}.`,
      'Give a table with one column for each feature.',
    )
  const notes =
    text.length === 0
      ? []
      : [
          {
            code: 'text-column',
            text: `Not harmonized: ${listed(text)} (${text.length === 1 ? 'holds' : 'hold'} text, or nothing).`,
          },
        ]
  return { names: chosen, notes }
}

function fitting(pattern: string): RegExp {
  const escaped = pattern.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')
  return new RegExp(`^${escaped}$`, 'u')
}

/** @throws {InputError} for text in a column of numbers, named by column, line and batch; for columns that are not there */
export function featuresOf(table: TextTable, names: readonly string[], batch: readonly string[]): Features {
  const rows = table.rows.length
  const places = new Map(table.columns.map((name, at) => [name, at]))
  const absent = names.filter((name) => !places.has(name))
  if (absent.length > 0)
    throw new InputError(
      `${table.source}: lacks ${counted(absent.length, 'feature')} of the model: ${listed(absent)}.`,
      'Give a table with the columns of the fit.',
    )
  const values = new Float64Array(names.length * rows)
  const columns = names.map((name) => places.get(name) ?? -1)
  const known = numbersRead(table)
  const width = table.columns.length
  for (let row = 0; row < rows; row++) {
    const cells = table.rows[row] ?? []
    for (let f = 0; f < columns.length; f++) {
      const at = columns[f] ?? -1
      const value = known?.words[at] === 0 ? known.values[row * width + at] : numberOf(cells[at] ?? '')
      if (value === undefined) throw textInFeature(table, names[f] ?? '', batch)
      values[f * rows + row] = value
    }
  }
  return { names, rows, values }
}

function textInFeature(table: TextTable, name: string, batch: readonly string[]): InputError {
  const cells = cellsOf(table, name, 'feature')
  const text = rowsWhere(cells.map((cell) => numberOf(cell) === undefined))
  return textAmongNumbers(table, 'Feature', name, cells, batch, text)
}

/** Rows that are made at once: eight float64 are a line of the cache, and values of a feature lie side by side. */
const ROWS_AT_ONCE = 16

/**
 * The rows of the table with new numbers in the columns of features. A number that did not change, and a missing value, keep their text;
 * others are numbers, for the writer to format.
 */
export function* rowsWith(
  table: TextTable,
  { names, rows, values: before }: Features,
  after: Float64Array,
): Generator<(string | number)[]> {
  const placeOf = new Map(table.columns.map((name, at) => [name, at]))
  const places = names.map((name) => placeOf.get(name) ?? -1)
  for (let start = 0; start < rows; start += ROWS_AT_ONCE) {
    const block = table.rows
      .slice(start, start + ROWS_AT_ONCE)
      .map((cells): (string | number)[] => [...cells])
    places.forEach((place, f) => {
      for (let k = 0, at = f * rows + start; k < block.length; k++, at++) {
        const value = after[at] ?? Number.NaN
        if (value === before[at]) continue
        const out = block[k] ?? []
        if (!Number.isNaN(value)) out[place] = value
        else if (!Number.isNaN(before[at])) out[place] = ''
      }
    })
    yield* block
  }
}

/** Covariates that hold few whole numbers, which may be codes of names. */
export function codeLikeCovariates(samples: SampleTable): readonly Note[] {
  return samples.covariates.flatMap((covariate): Note[] => {
    if (covariate.kind !== 'continuous') return []
    const different = levelsOf(Array.from(covariate.values, String))
    if (different.length < 3 || different.length > 6 || !covariate.values.every(Number.isInteger)) return []
    return [
      {
        code: 'whole-number-covariate',
        text:
          `${covariate.name} holds only ${different.join(', ')} and is taken as a quantity. If these are codes of names, declare it: ` +
          `--categorical ${covariate.name}.`,
      },
    ]
  })
}

/** Features that count the rows, as ids without a name do. */
export function idLikeFeatures({ names, rows, values }: Features): readonly Note[] {
  const counting = names.filter((_, f) => {
    const own = values.subarray(f * rows, (f + 1) * rows)
    const least = own.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)
    const most = own.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
    if (rows < 3 || Math.abs(most - least - (rows - 1)) > 0.5) return false
    const column = own.slice().sort()
    return column.every((value, k) => value === (column[0] ?? Number.NaN) + k)
  })
  if (counting.length === 0) return []
  return [
    {
      code: 'id-like-feature',
      text: `${listed(counting)} counts the rows, and is harmonized as a feature. If it is an id, name it: --id ${counting[0]}.`,
      features: counting,
    },
  ]
}
