/** Tables as text cells: CSV and TSV in, TSV out. */
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

/**
 * Reads a table with a header line. Its first line decides between tabs and commas; quotes, a byte order mark,
 * either line end and blank lines are understood.
 * @throws {InputError} when the file is missing, not text, has no header, repeats a column, or has rows of another length
 */
export async function readTable(path: string): Promise<Table> {
  const text = await readText(path)
  const tabs = (text.split(/\r?\n|\r/).find((line) => line.trim() !== '') ?? '').includes('\t')
  let lines: string[][]
  try {
    lines = parse(text, {
      bom: true,
      delimiter: tabs ? '\t' : ',',
      relax_quotes: tabs,
      skip_empty_lines: true,
      trim: true,
    })
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause
    throw new InputError(
      `${path}: is not a table: ${cause.message}.`,
      'Every row needs as many cells as the header line; cells with separators or quotes stand in double quotes.',
      { cause },
    )
  }
  const [columns, ...rows] = lines
  if (columns === undefined) throw new InputError(`${path}: is empty.`, 'Give a table with a header line.')
  const repeated = columns.filter((name, k) => columns.indexOf(name) !== k)
  if (repeated.length > 0)
    throw new InputError(
      `${path}: repeats the column ${repeated.map((name) => `"${name}"`).join(', ')}.`,
      'Give every column its own name.',
    )
  return {
    source: path,
    columns,
    rows: rows.map((cells) => Object.fromEntries(columns.map((name, k) => [name, cells[k] as string]))),
  }
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
