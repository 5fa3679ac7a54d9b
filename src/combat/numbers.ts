/** The numbers of a table of text cells. */

/** A table as its file has it. */
export interface TextTable {
  readonly source: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
  /** Line of the file of each row. */
  readonly lines: readonly number[]
}

/** What stands for a missing value, as R, pandas, MATLAB and BIDS write it. */
const MISSING: ReadonlySet<string> = new Set(['', 'NA', 'N/A', 'n/a', 'NaN', 'nan', 'NAN', 'null'])
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/

export function isMissing(cell: string): boolean {
  return MISSING.has(cell)
}

/** The cell, or nothing where a value is missing. */
export function orEmpty(cell: string): string {
  return isMissing(cell) ? '' : cell
}

/** The number of a cell: NaN where it is missing, `undefined` where it is something else (or too large for a number). */
export function numberOf(cell: string): number | undefined {
  const value = Number(cell)
  // What JavaScript reads as a finite number is a decimal one, but for blanks and 0x10, 0b1, 0o7: these do not begin like this.
  const first = cell.charCodeAt(0)
  const plain = (first >= ONE && first <= NINE) || first === MINUS || first === POINT
  if (plain && Number.isFinite(value)) return value
  if (isMissing(cell)) return Number.NaN
  return Number.isFinite(value) && NUMBER.test(cell) ? value : undefined
}
const [MINUS, POINT, ONE, NINE] = [45, 46, 49, 57] // characters

export interface Numbers {
  /** Row after row; NaN where a cell holds none. */
  readonly values: Float64Array
  /** How many cells of each column hold words, and numbers. */
  readonly words: Uint32Array
  readonly numbers: Uint32Array
}

/** Reading numbers out of text is most of the work on a large table, and both choosing and taking features need them. */
const parsed = new WeakMap<TextTable, Numbers>()

/** What `numbersIn` has read of this table before. */
export function numbersRead(table: TextTable): Numbers | undefined {
  return parsed.get(table)
}

export function numbersIn(table: TextTable): Numbers {
  const known = parsed.get(table)
  if (known !== undefined) return known
  const width = table.columns.length
  const values = new Float64Array(table.rows.length * width).fill(Number.NaN)
  const words = new Uint32Array(width)
  const numbers = new Uint32Array(width)
  table.rows.forEach((row, k) => {
    for (let at = 0; at < row.length; at++) {
      const value = numberOf(row[at] ?? '')
      if (value === undefined) words[at] = (words[at] ?? 0) + 1
      else if (!Number.isNaN(value)) {
        numbers[at] = (numbers[at] ?? 0) + 1
        values[k * width + at] = value
      }
    }
  })
  const found = { values, words, numbers }
  parsed.set(table, found)
  return found
}
