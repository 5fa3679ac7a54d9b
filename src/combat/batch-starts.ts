/** Batches that begin at a date: after an upgrade, a scanner is another one. */
import { ConfigError, InputError, RefusedError } from '../errors.ts'
import { counted, levelsOf, listed, rowsWhere } from './data.ts'
import { isMissing, type TextTable } from './numbers.ts'
import { cellsOf } from './table.ts'

/** From this day on the batch is another one: scanner `A` becomes `A@2021-06-01`. */
export interface BatchStart {
  readonly batch: string
  /** Year-month-day; the day itself belongs to what begins. */
  readonly from: string
}

/** Part of the saved model: new rows are split the same way. */
export interface BatchStarts {
  readonly dateColumn: string
  readonly starts: readonly BatchStart[]
}

const DAY = /^(\d{4})-?(\d{2})-?(\d{2})(?:[T ].*)?$/

/** The day of a date as ISO 8601 or DICOM writes it (2021-06-01, 2021-06-01T09:30, 20210601), as 2021-06-01; null for what is none. */
export function dayOf(text: string): string | null {
  const [, year = '', month = '', day = ''] = DAY.exec(text) ?? []
  const date = new Date(`${year}-${month}-${day}T00:00:00Z`)
  const iso = Number.isNaN(date.getTime()) ? '' : date.toISOString().slice(0, 10)
  return iso === `${year}-${month}-${day}` ? iso : null
}

/**
 * @param words `A@2021-06-01`; with several columns of batches, `scanner=A@2021-06-01`
 * @returns what begins in each column, in the order of time
 * @throws {ConfigError} for words of another form, days that do not exist, and the same twice
 */
export function parseStarts(
  words: readonly string[],
  columns: readonly string[],
): ReadonlyMap<string, readonly BatchStart[]> {
  const out = new Map<string, BatchStart[]>()
  for (const word of words) {
    const named = columns.find((name) => word.startsWith(`${name}=`))
    const column = named ?? columns[0] ?? ''
    if (named === undefined && columns.length > 1)
      throw new ConfigError(
        `--batch-from ${word} does not say which of the columns ${listed(columns)} it is about.`,
        `Write it as ${columns.at(-1)}=BATCH@2021-06-01.`,
      )
    const text = named === undefined ? word : word.slice(named.length + 1)
    const at = text.lastIndexOf('@')
    const from = dayOf(text.slice(at + 1))
    if (at < 1 || from === null)
      throw new ConfigError(
        `--batch-from ${word} is no batch with a date.`,
        'Write it as BATCH@YEAR-MONTH-DAY: A@2021-06-01.',
      )
    const start = { batch: text.slice(0, at), from }
    const others = out.get(column) ?? []
    if (others.some((other) => other.batch === start.batch && other.from === from))
      throw new ConfigError(`--batch-from ${word} is given twice.`, 'Leave one out.')
    out.set(
      column,
      [...others, start].toSorted((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0)),
    )
  }
  return out
}

/**
 * Batches of the rows, with those that began at a date under a name of their own. Rows of other batches need no date.
 * @throws {ConfigError} when there is no such column
 * @throws {InputError} when a row that needs a date has none, or one that does not exist
 */
export function startedBatches(
  batch: readonly string[],
  batchName: string,
  { dateColumn, starts }: BatchStarts,
  table: TextTable,
): readonly string[] {
  const cells = cellsOf(table, dateColumn, 'date')
  const concerned = new Set(starts.map((start) => start.batch))
  const days = cells.map((cell, row) => (concerned.has(batch[row] ?? '') ? dayOf(cell) : ''))
  const wrong = rowsWhere(days.map((day) => day === null))
  if (wrong.length > 0) {
    const shown = wrong.map((row) => {
      const cell = cells[row] ?? ''
      return `${isMissing(cell) ? 'nothing' : `"${cell}"`} on line ${table.lines[row]} (${batchName} ${batch[row]})`
    })
    throw new InputError(
      `${table.source}: "${dateColumn}" holds no date where ${batchName} ${listed(levelsOf(wrong.map((row) => batch[row] ?? '')))} is split by date: ${listed(shown, 3)}.`,
      'Write dates as 2021-06-01 or 20210601, or leave these rows out: before or after is not known.',
    )
  }
  return batch.map((name, row) => {
    const day = days[row] ?? ''
    const own = starts.filter((start) => start.batch === name && start.from <= day).at(-1)
    return own === undefined ? name : nameOf(own)
  })
}

function nameOf({ batch, from }: BatchStart): string {
  return `${batch}@${from}`
}

/** The same for a fit, where every part must have rows. @throws as `startedBatches` and `requireParts` */
export function fittedBatches(
  batch: readonly string[],
  batchName: string,
  starts: BatchStarts,
  table: TextTable,
): readonly string[] {
  requireKnown(batch, batchName, starts, table.source)
  const after = startedBatches(batch, batchName, starts, table)
  requireParts(batch, after, batchName, starts, table.source)
  return after
}

/**
 * Every part that a rule makes must have rows.
 * @param before batches as in the table
 * @param after  as `startedBatches` returns them
 * @throws {RefusedError} for a date that splits nothing off
 */
function requireParts(
  before: readonly string[],
  after: readonly string[],
  batchName: string,
  { starts }: BatchStarts,
  source: string,
): void {
  const found = new Set(after)
  const parts = starts.flatMap((start) => [start.batch, nameOf(start)])
  const empty = parts.find((name) => !found.has(name))
  if (empty === undefined) return
  const split = starts.find((start) => empty === start.batch || empty === nameOf(start))?.batch
  const rows = before.filter((name) => name === split).length
  throw new RefusedError(
    `${source}: no row is left for ${batchName} "${empty}" when its ${counted(rows, 'row')} are split by date.`,
    'Check the date and its column, or leave this rule out.',
  )
}

/** @throws {ConfigError} for a batch that the table does not have, or a part whose name is taken */
function requireKnown(
  before: readonly string[],
  batchName: string,
  { starts }: BatchStarts,
  source: string,
): void {
  const known = new Set(before)
  for (const start of starts) {
    if (!known.has(start.batch))
      throw new ConfigError(
        `${source}: "${start.batch}" of --batch-from is no ${batchName}; there are ${listed(levelsOf(before), 20)}.`,
        'Name one of these.',
      )
    if (known.has(nameOf(start)))
      throw new ConfigError(
        `${source}: has a ${batchName} "${nameOf(start)}" already, which --batch-from would make.`,
        'Rename it in the table.',
      )
  }
}
