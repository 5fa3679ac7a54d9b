/** What the tables of a dataset say of each scan: participants, sessions, scans, phenotype. */
import { join } from 'node:path'
import { AttuneError, InputError } from '../../errors.ts'
import { readTable, type Table } from '../tables/table.ts'
import type { BidsDataset, BidsFile } from './dataset.ts'

/** Cells of a row, by column. */
export type Cells = Readonly<Record<string, string>>

export interface ScanTables {
  /** Columns of participants, sessions and scans, then those of `phenotype/NAME.tsv` as `NAME.column`. */
  readonly columns: readonly string[]
  /** One value for every column, `n/a` where no table has one. Of equal columns the most special counts: scans, sessions, participants. */
  cellsOf(file: BidsFile): Cells
  /** Whether participants.tsv, where there is one, has a row for the file's subject. */
  isListed(file: BidsFile): boolean
  /** Tables that cannot be read or joined. */
  readonly errors: readonly AttuneError[]
  /** Why a phenotype table was left out. */
  readonly notes: readonly string[]
}

/** One table. */
interface Source {
  /** It speaks of the files below this folder: `''`, `sub-01/`, `sub-01/ses-A/`. */
  readonly folder: string
  readonly columns: readonly string[]
  rowOf(file: BidsFile): Cells | undefined
}

const KEYS: ReadonlySet<string> = new Set(['participant_id', 'session_id', 'filename'])

/** Reads all tables once. What is wrong with them is collected, not thrown. */
export async function readScanTables({ root, files, phenotype }: BidsDataset): Promise<ScanTables> {
  const errors: AttuneError[] = []
  const notes: string[] = []
  const sourceOf = async (path: string, make: (table: Table) => Source): Promise<readonly Source[]> => {
    try {
      return [make(await readTable(join(root, path)))]
    } catch (error) {
      if (!(error instanceof AttuneError)) throw error
      if (path.startsWith('phenotype/')) notes.push(`left out: ${error.what}`)
      else errors.push(error)
      return []
    }
  }
  const all = async (
    suffix: string,
    make: (file: BidsFile) => (table: Table) => Source,
  ): Promise<readonly Source[]> => {
    const tables = files.filter(({ name }) => name.suffix === suffix && name.extension === '.tsv')
    const sources: Source[] = []
    for (const file of tables) sources.push(...(await sourceOf(file.path, make(file)))) // in turn: a study has thousands
    return sources
  }
  const participants = await all('participants', () => participantsSource)
  const sources = [
    ...participants,
    ...(await all('sessions', sessionsSource)),
    ...(await all('scans', scansSource)),
  ]
  for (const path of phenotype) sources.push(...(await sourceOf(path, phenotypeSource)))
  const columns = [...new Set(sources.flatMap((source) => source.columns))]
  const inFolder = new Map<string, Source[]>()
  for (const source of sources) inFolder.set(source.folder, [...(inFolder.get(source.folder) ?? []), source])
  return {
    columns,
    cellsOf(file) {
      const cells = Object.fromEntries(columns.map((name) => [name, 'n/a']))
      for (const source of foldersTo(file.path).flatMap((folder) => inFolder.get(folder) ?? []))
        for (const [name, value] of Object.entries(source.rowOf(file) ?? {}))
          if (!KEYS.has(name) && value !== '' && value !== 'n/a') cells[name] = value
      return cells
    },
    isListed: (file) => participants.every((source) => source.rowOf(file) !== undefined),
    errors,
    notes,
  }
}

/** `''`, `sub-01/`, `sub-01/ses-A/` ...: the more special later. */
function foldersTo(path: string): readonly string[] {
  const parts = path.split('/')
  return parts.map((_, k) =>
    parts
      .slice(0, k)
      .map((part) => `${part}/`)
      .join(''),
  )
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1)
}

function participantsSource(table: Table): Source {
  const rows = keyed(table, ['participant_id'])
  return { folder: '', columns: dataColumns(table), rowOf: (file) => rows.get(subjectOf(file)) }
}

/** `sub-01/sub-01_sessions.tsv` */
function sessionsSource({ path }: BidsFile): (table: Table) => Source {
  return (table) => {
    const rows = keyed(table, ['session_id'])
    return { folder: folderOf(path), columns: dataColumns(table), rowOf: (file) => rows.get(sessionOf(file)) }
  }
}

/** `sub-01/ses-A/sub-01_ses-A_scans.tsv`; its rows name files from its own folder on. */
function scansSource({ path }: BidsFile): (table: Table) => Source {
  const folder = folderOf(path)
  return (table) => {
    const rows = keyed(table, ['filename'])
    return { folder, columns: dataColumns(table), rowOf: (file) => rows.get(file.path.slice(folder.length)) }
  }
}

/** `phenotype/moca.tsv`: a row per participant, or per participant and session. Its columns become `moca.total`. */
function phenotypeSource(table: Table): Source {
  const sessions = table.columns.includes('session_id')
  const rows = keyed(table, ['participant_id', ...(sessions ? ['session_id'] : [])])
  const tool = /([^/\\]*)\.tsv$/.exec(table.source)?.[1] as string
  const named = (row: Cells | undefined): Cells | undefined =>
    row &&
    Object.fromEntries(dataColumns(table).map((name) => [`${tool}.${name}`, row[name] as string] as const))
  return {
    folder: '',
    columns: dataColumns(table).map((name) => `${tool}.${name}`),
    rowOf: (file) => named(rows.get(sessions ? `${subjectOf(file)} ${sessionOf(file)}` : subjectOf(file))),
  }
}

function dataColumns({ columns }: Table): readonly string[] {
  return columns.filter((name) => !KEYS.has(name))
}

/**
 * Rows by the cells of their key columns, a blank between two.
 * @throws {InputError} where a key column is missing, or two rows are of one key
 */
function keyed({ source, columns, rows }: Table, ids: readonly string[]): ReadonlyMap<string, Cells> {
  const missing = ids.filter((id) => !columns.includes(id))
  if (missing.length > 0)
    throw new InputError(
      `${source}: has no column ${missing.join(', ')}, only ${columns.join(', ')}.`,
      'Say in it what each row is of.',
    )
  const found = new Map<string, Cells>()
  for (const [k, row] of rows.entries()) {
    const key = ids.map((id) => keyCell(id, row[id] as string)).join(' ')
    if (found.has(key))
      throw new InputError(`${source}: row ${k + 1} is a second one of ${key}.`, 'Remove one of the two.')
    found.set(key, row)
  }
  return found
}

const PREFIX: Readonly<Record<string, string>> = { participant_id: 'sub-', session_id: 'ses-' }

/** Identifiers are written with their prefix by the standard and without it by many; file names with `/` and, by Windows tools, `\`. */
function keyCell(id: string, cell: string): string {
  const prefix = PREFIX[id]
  if (prefix === undefined) return cell.replaceAll('\\', '/').replace(/^\.\//, '')
  return cell.startsWith(prefix) ? cell : `${prefix}${cell}`
}

function subjectOf({ name }: BidsFile): string {
  return `sub-${name.entities['sub']}`
}

function sessionOf({ name }: BidsFile): string {
  return `ses-${name.entities['ses']}`
}
