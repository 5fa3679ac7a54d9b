/** Tables as text cells: CSV and TSV in and out. */
import { readFile } from 'node:fs/promises'
import { CsvError, parse } from 'csv-parse/sync'
import { stringify } from 'csv-stringify/sync'
import { InputError } from '../../errors.ts'
import { writeFileAtomic } from '../../files.ts'

export interface Table {
  /** The file's path: for messages only. */
  readonly source: string
  readonly columns: readonly string[]
  /** One record per row, every column present; text as in the file, without surrounding blanks. */
  readonly rows: readonly Readonly<Record<string, string>>[]
}

/** A table as lists of cells, for tables with very many of them. */
export interface CellTable {
  readonly source: string
  readonly columns: readonly string[]
  /** Row after row; text as in the file, without surrounding blanks. */
  readonly rows: readonly (readonly string[])[]
  /** Line of the file on which each row begins, from 1. */
  readonly lines: readonly number[]
  readonly delimiter: ',' | '\t'
}

/**
 * Reads a table with a header line. Its first line decides between tabs and commas; quotes, a byte order mark,
 * either line end and blank lines are understood.
 * @throws {InputError} when the file is missing, not text, has no header, repeats a column, or has rows of another length
 */
export async function readTable(path: string): Promise<Table> {
  const { source, columns, rows } = await readCells(path)
  return {
    source,
    columns,
    rows: rows.map((cells) => Object.fromEntries(columns.map((name, k) => [name, cells[k] as string]))),
  }
}

/** As `readTable`, with cells in lists. @throws {InputError} as `readTable` */
export async function readCells(path: string): Promise<CellTable> {
  const text = await readText(path)
  const tabs = (text.split(/\r?\n|\r/, 50).find((line) => line.trim() !== '') ?? '').includes('\t')
  const delimiter = tabs ? '\t' : ','
  const found = text.includes('"') ? quotedCells(path, text, delimiter) : plainCells(path, text, delimiter)
  const [columns, ...rows] = found.cells
  if (columns === undefined) throw new InputError(`${path}: is empty.`, 'Give a table with a header line.')
  const first = new Map(columns.map((name, k) => [name, k] as const).reverse())
  const repeated = columns.filter((name, k) => first.get(name) !== k)
  if (repeated.length > 0)
    throw new InputError(
      `${path}: repeats the column ${repeated.map((name) => `"${name}"`).join(', ')}.`,
      'Give every column its own name.',
    )
  return { source: path, columns, rows, lines: found.lines.slice(1), delimiter }
}

interface Cells {
  readonly cells: readonly (readonly string[])[]
  readonly lines: readonly number[]
}

function quotedCells(path: string, text: string, delimiter: ',' | '\t'): Cells {
  try {
    // With `info` the parser gives objects, which its types do not say.
    const found = parse(text, {
      bom: true,
      delimiter,
      info: true,
      relax_quotes: delimiter === '\t',
      skip_empty_lines: true,
      trim: true,
    }) as unknown as readonly { readonly record: string[]; readonly info: { readonly lines: number } }[]
    // The parser counts the line on which a row ends.
    const lines = found.map(
      ({ record, info }) => info.lines - record.reduce((sum, cell) => sum + cell.split('\n').length - 1, 0),
    )
    return { cells: found.map(({ record }) => record), lines }
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause
    throw notATable(path, cause.message, { cause })
  }
}

/** Without quotes a row is a line and cells are what stands between separators: eight times as fast as the parser. */
function plainCells(path: string, text: string, delimiter: ',' | '\t'): Cells {
  const cells: string[][] = []
  const lines: number[] = []
  // Cells are trimmed one by one only in lines with something to trim.
  const blank = delimiter === '\t' ? /[^\S\t]/ : /\s/
  const length = (): number => cells[0]?.length ?? 0
  text
    .replace(/^\ufeff/, '')
    .split(/\r?\n|\r/)
    .forEach((line, k) => {
      if (/^ *$/.test(line)) return
      const row = blank.test(line) ? line.split(delimiter).map((cell) => cell.trim()) : line.split(delimiter)
      if (cells.length > 0 && row.length !== length())
        throw notATable(
          path,
          `columns are ${length()} in the header line, but ${row.length} on line ${k + 1}`,
        )
      cells.push(row)
      lines.push(k + 1)
    })
  return { cells, lines }
}

function notATable(path: string, reason: string, options?: ErrorOptions): InputError {
  return new InputError(
    `${path}: is not a table: ${reason}.`,
    'Every row needs as many cells as the header line; cells with separators or quotes stand in double quotes.',
    options,
  )
}

async function readText(path: string): Promise<string> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const reason = code === 'ENOENT' ? 'does not exist' : code === 'EISDIR' ? 'is a folder' : message
    throw new InputError(`${path}: ${reason}.`, 'Give the path of a CSV or TSV file.', { cause })
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    if (!text.includes('\0')) return text
  } catch {
    // not UTF-8: said below, as for text with zero bytes
  }
  throw new InputError(`${path}: is not UTF-8 text.`, 'Save the table as CSV or TSV in UTF-8.')
}

/** Writes a TSV with a header line, whole or not at all; cells that hold a tab, quote or line end are quoted. */
export async function writeTsv(
  path: string,
  columns: readonly string[],
  rows: readonly Readonly<Record<string, string | number>>[],
): Promise<void> {
  const text = stringify(
    rows.map((row) => columns.map((name) => row[name] ?? '')),
    { delimiter: '\t', header: true, columns: [...columns], cast: { number: String } },
  )
  await writeFileAtomic(path, text)
}

/**
 * Writes a table with a header line, whole or not at all; cells that hold the separator, a quote or a line end are quoted. Numbers, which
 * must be finite, are written with as many digits as it takes to read back the same float64.
 */
export async function writeCells(
  path: string,
  columns: readonly string[],
  rows: Iterable<readonly (string | number)[]>,
  delimiter: ',' | '\t',
): Promise<void> {
  const special = delimiter === ',' ? /[",\r\n]|^\s|\s$/ : /["\t\r\n]|^\s|\s$/
  const quoted = (cell: string): string => (special.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)
  const encoder = new TextEncoder()
  const chunks: Uint8Array[] = []
  const write = (cells: readonly (string | number)[]): void => {
    const parts: string[] = []
    for (let from = 0, to = 0; from < cells.length; from = to) {
      const cell = cells[from] as string | number
      to = from + 1
      if (typeof cell === 'string') parts.push(quoted(cell))
      else {
        while (typeof cells[to] === 'number') to++
        parts.push(numbersText(cells.slice(from, to), delimiter))
      }
    }
    chunks.push(encoder.encode(`${parts.join(delimiter)}\n`))
  }
  write(columns)
  for (const row of rows) write(row)
  await writeFileAtomic(path, chunks)
}

/** The digits that `String` gives, for all at once: JSON writes them in one go, twice as fast as one by one. */
function numbersText(numbers: readonly (string | number)[], delimiter: ',' | '\t'): string {
  const text = JSON.stringify(numbers).slice(1, -1)
  return delimiter === ',' ? text : text.replaceAll(',', delimiter)
}
