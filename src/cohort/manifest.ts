/** Cohorts from a TSV (or CSV) manifest, or a BIDS dataset; everything that is wrong with one is found in a single pass. */
import { stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { ConfigError, InputError } from '../errors.ts'
import { isBidsDataset } from '../formats/bids/dataset.ts'
import { readTable, type Table } from '../formats/tables/table.ts'
import { type BidsCohort, type BidsOptions, readBidsCohort } from './bids.ts'
import type { Cohort, CohortProblem, Scan } from './cohort.ts'
import { gridProblems, type Row } from './grids.ts'
import { problemLines, unknownTarget } from './problems.ts'

const REQUIRED = ['subject', 'domain', 'image'] as const
const OPTIONAL = ['session', 'mask', 'region', 'lesions', 'tissue'] as const
const KNOWN: ReadonlySet<string> = new Set([...REQUIRED, ...OPTIONAL])

export interface ManifestOptions {
  /** The reference domain, which must occur. */
  readonly target?: string
  /** Images of one subject may lie in different places: they are about to be registered. */
  readonly apart?: boolean
}

/**
 * Reads a manifest and looks at the header of every image it names. Rows with a missing required value are left out of the cohort.
 * @throws {InputError} only when the manifest itself is not a readable table
 */
export async function readManifest(
  path: string,
  options: ManifestOptions = {},
): Promise<{ cohort: Cohort; problems: readonly CohortProblem[] }> {
  const table = await readTable(path)
  const absent = REQUIRED.filter((name) => !table.columns.includes(name))
  if (absent.length > 0)
    return { cohort: { source: path, scans: [] }, problems: absent.map((name) => missingColumn(name, table)) }
  const { rows, problems: incomplete } = scansOf(table)
  const cohort: Cohort = { source: path, scans: rows.map(({ scan }) => scan) }
  const problems = [
    ...incomplete,
    ...duplicates(rows),
    ...(await gridProblems(rows, options.apart)),
    ...unknownTarget(cohort, options.target),
  ]
  return { cohort, problems: problems.toSorted((a, b) => (a.row ?? 0) - (b.row ?? 0)) }
}

export interface CohortOptions extends ManifestOptions, BidsOptions {
  /** Told how a dataset was read: which domains were found where, what was left out. */
  readonly onNote?: ((line: string) => void) | undefined
}

/** What was read from either kind; `bids` where it is a dataset. */
export interface ReadCohort {
  readonly cohort: Cohort
  readonly problems: readonly CohortProblem[]
  readonly bids?: BidsCohort
}

/**
 * Reads a manifest, or a BIDS dataset: a folder with `dataset_description.json`.
 * @throws {InputError} when it is neither; {ConfigError} for options of datasets where there is a manifest
 */
export async function readCohort(path: string, options: CohortOptions = {}): Promise<ReadCohort> {
  if (await isBidsDataset(path)) {
    const bids = await readBidsCohort(path, options)
    for (const line of bids.notes) options.onNote?.(line)
    return { cohort: bids.cohort, problems: bids.problems, bids }
  }
  if ((await stat(path).catch(() => undefined))?.isDirectory())
    throw new InputError(
      `${path} is a folder without dataset_description.json.`,
      'Give a manifest (TSV), or the root of a BIDS dataset.',
    )
  if (options.suffix !== undefined || options.domainFrom !== undefined)
    throw new ConfigError(
      `--suffix and --domain-from choose from a BIDS dataset, but ${path} is a manifest.`,
      'Leave them out; its columns image and domain say both.',
    )
  return readManifest(path, options)
}

/** @throws {InputError} naming every problem of the manifest or dataset */
export async function requireCohort(path: string, options: CohortOptions = {}): Promise<Cohort> {
  const read = await readCohort(path, options)
  refuseProblems(path, read)
  return read.cohort
}

/** @throws {InputError} naming every problem; when there is none, but no scan either */
export function refuseProblems(path: string, { cohort, problems, bids }: ReadCohort): void {
  if (problems.length === 0 && cohort.scans.length > 0) return
  if (problems.length === 0) throw new InputError(`${path}: lists no scan.`, 'Add one row per scan.')
  throw new InputError(
    `${path}: ${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}:\n${problemLines(problems).join('\n')}`,
    `Correct the ${bids ? 'dataset' : 'manifest'} and run again.`,
  )
}

function missingColumn(name: string, { columns }: Table): CohortProblem {
  return {
    code: 'missing-column',
    message: `The column ${name} is missing; the header has ${columns.join(', ')}.`,
    remedy: `Name the columns ${REQUIRED.join(', ')} in the first line.`,
  }
}

/** An empty cell, or `n/a` as BIDS writes it. */
function isMissing(value: string | undefined): boolean {
  return value === undefined || value === '' || value === 'n/a'
}

function scansOf({ source, rows }: Table): { rows: readonly Row[]; problems: readonly CohortProblem[] } {
  const folder = dirname(resolve(source))
  const found: Row[] = []
  const problems: CohortProblem[] = []
  for (const [index, record] of rows.entries()) {
    const row = index + 1
    const missing = REQUIRED.filter((name) => isMissing(record[name]))
    for (const name of missing)
      problems.push({
        code: 'missing-value',
        row,
        message: `The ${name} is missing.`,
        remedy: `Fill in the column ${name}, or remove the row.`,
      })
    if (missing.length === 0) found.push({ row, scan: scanOf(record, folder) })
  }
  return { rows: found, problems }
}

function scanOf(record: Readonly<Record<string, string>>, folder: string): Scan {
  const path = (name: string): string | undefined =>
    isMissing(record[name]) ? undefined : resolve(folder, record[name] as string)
  const [mask, region, lesions, tissue] = [path('mask'), path('region'), path('lesions'), path('tissue')]
  return {
    subject: record['subject'] as string,
    domain: record['domain'] as string,
    session: isMissing(record['session']) ? '1' : (record['session'] as string),
    image: path('image') as string,
    ...(mask !== undefined && { mask }),
    ...(region !== undefined && { region }),
    truth: { ...(lesions !== undefined && { lesions }), ...(tissue !== undefined && { tissue }) },
    covariates: Object.fromEntries(Object.entries(record).filter(([name]) => !KNOWN.has(name))),
  }
}

/** Rows that say the same scan twice, or give one image for two scans: either would count a scan as its own rescan. */
function duplicates(rows: readonly Row[]): readonly CohortProblem[] {
  const scans = new Map<string, number>()
  const images = new Map<string, number>()
  const problems: CohortProblem[] = []
  for (const { row, scan } of rows) {
    const key = JSON.stringify([scan.subject, scan.domain, scan.session])
    const [sameScan, sameImage] = [scans.get(key), images.get(scan.image)]
    if (sameScan !== undefined)
      problems.push({
        code: 'duplicate-row',
        row,
        message: `Subject ${scan.subject}, domain ${scan.domain}, session ${scan.session} is in row ${sameScan} already.`,
        remedy: 'Tell rescans apart by the column session, or remove one row.',
      })
    else if (sameImage !== undefined)
      problems.push({
        code: 'duplicate-row',
        row,
        message: `The image ${scan.image} is in row ${sameImage} already.`,
        remedy: 'Give every row its own image, or remove one row.',
      })
    scans.set(key, sameScan ?? row)
    images.set(scan.image, sameImage ?? row)
  }
  return problems
}
