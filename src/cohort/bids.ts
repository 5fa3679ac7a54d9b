/** Cohorts from a BIDS dataset: every image of one suffix, with the domain, masks and covariates that the dataset states. */
import { join, resolve } from 'node:path'
import { AttuneError } from '../errors.ts'
import { type BidsDataset, readBidsDataset } from '../formats/bids/dataset.ts'
import { readScanTables, type ScanTables } from '../formats/bids/scan-tables.ts'
import { sidecarReader } from '../formats/bids/sidecar.ts'
import {
  type Described,
  type DomainSource,
  defaultSource,
  describeSource,
  domainOf,
  missingDomain,
} from './bids-domain.ts'
import { chooseImages, imageProblems, noImage, sessionKey, wantedName } from './bids-images.ts'
import { brainMasks, truthFinder } from './bids-maps.ts'
import type { Cohort, CohortProblem, Scan } from './cohort.ts'
import { gridProblems } from './grids.ts'
import { unknownTarget } from './problems.ts'

export interface BidsOptions {
  /** Which images: a suffix, with entities before it where they must be there: `T1w` (the default), `acq-mprage_T1w`. */
  readonly suffix?: string | undefined
  /** By default `fields` where sidecars have them, otherwise `session`. */
  readonly domainFrom?: DomainSource | undefined
}

export interface BidsCohort {
  readonly cohort: Cohort
  readonly problems: readonly CohortProblem[]
  /** What was chosen, and what was left out. */
  readonly notes: readonly string[]
  readonly dataset: BidsDataset
  /** What each scan was made from, by `Scan.image`. */
  readonly described: ReadonlyMap<string, Described>
}

/** Where a scan has no domain. */
export const NO_DOMAIN = 'n/a'

/**
 * Reads a dataset's names, sidecars and tables, and looks at the header of every image. An image is a scan even when there is a problem with
 * it; where no domain was found it is `n/a`.
 * @throws {ConfigError} for a suffix that is none; {InputError} when a dataset's description cannot be read
 */
export async function readBidsCohort(
  folder: string,
  options: BidsOptions & { readonly target?: string | undefined } = {},
): Promise<BidsCohort> {
  const { suffix = 'T1w', target } = options
  const wanted = wantedName(suffix)
  const root = resolve(folder)
  const dataset = await readBidsDataset(root)
  const { images: files, notes } = chooseImages(dataset, wanted)
  const tables = await readScanTables(dataset)
  const { described, unreadable } = await describe(dataset, files, tables)
  const source = options.domainFrom ?? defaultSource(described)

  const present = described
    .filter(({ file }) => file.present)
    .map(({ file }) => ({ file, path: join(root, file.path) }))
  const masks = await brainMasks(dataset, present)
  const truthOf = truthFinder(dataset)
  const scans: Scan[] = []
  for (const scan of described) {
    const { file, cells } = scan
    const image = join(root, file.path)
    const mask = masks.of.get(image)
    scans.push({
      subject: `sub-${file.name.entities['sub']}`,
      domain: domainOf(scan, source) ?? NO_DOMAIN,
      session: sessionKey(file.name),
      image,
      ...(mask !== undefined && { mask }),
      sidecar: scan.sidecar,
      truth: await truthOf({ file, path: image }),
      covariates: cells,
    })
  }
  const cohort: Cohort = { source: folder, root, scans }
  const problems = [
    ...(files.length === 0 ? [noImage(dataset, suffix)] : unknownTarget(cohort, target)),
    ...tables.errors.map(
      ({ what, remedy }): CohortProblem => ({ code: 'unreadable-table', message: what, remedy }),
    ),
    ...imageProblems(files),
    ...unreadable,
    ...domainProblems(described, source, tables, unreadable),
    ...masks.problems,
    ...(await problemsOfGrids(cohort, described)),
  ]
  return {
    cohort,
    problems: problems.toSorted((a, b) => byText(a.image ?? '', b.image ?? '')),
    notes: [
      ...(files.length === 0 ? [] : [summary(scans, describeSource(source, described))]),
      ...masks.notes,
      ...notes,
      ...unlisted(described, tables),
      ...tables.notes,
    ],
    dataset,
    described: new Map(described.map((scan) => [join(root, scan.file.path), scan])),
  }
}

/** Sidecar and cells of each file; a sidecar that cannot be read counts as empty, and is a problem. */
async function describe(
  dataset: BidsDataset,
  files: BidsDataset['files'],
  tables: ScanTables,
): Promise<{ readonly described: readonly Described[]; readonly unreadable: readonly CohortProblem[] }> {
  const sidecarOf = sidecarReader(dataset)
  const unreadable: CohortProblem[] = []
  const described: Described[] = []
  for (const file of files) {
    const sidecar = await sidecarOf(file).catch((error: unknown) => {
      if (!(error instanceof AttuneError)) throw error
      unreadable.push({
        code: 'unreadable-sidecar',
        image: file.path,
        message: error.what,
        remedy: error.remedy,
      })
      return {}
    })
    described.push({ file, sidecar, cells: tables.cellsOf(file) })
  }
  return { described, unreadable }
}

function domainProblems(
  described: readonly Described[],
  source: DomainSource,
  { columns }: ScanTables,
  unreadable: readonly CohortProblem[],
): readonly CohortProblem[] {
  if (typeof source === 'object' && !columns.includes(source.column))
    return [
      {
        code: 'missing-column',
        message: `No table of the dataset has the column ${source.column} that --domain-from names.`,
        remedy: `The columns are ${columns.join(', ') || 'none'}: name one of them.`,
      },
    ]
  const unknown = new Set(source === 'fields' ? unreadable.map(({ image }) => image) : [])
  return described
    .filter((scan) => domainOf(scan, source) === undefined && !unknown.has(scan.file.path))
    .map(({ file }) => ({ code: 'missing-domain', image: file.path, ...missingDomain(source) }))
}

/** Of the images that are here, by their path instead of a row. */
async function problemsOfGrids(
  { scans }: Cohort,
  described: readonly Described[],
): Promise<readonly CohortProblem[]> {
  const rows = scans
    .map((scan, row) => ({ row, scan }))
    .filter(({ row }) => described[row]?.file.present === true)
  return (await gridProblems(rows)).map(({ row, ...problem }) => ({
    ...problem,
    image: described[row as number]?.file.path as string,
  }))
}

/** `12 images of 3 subjects; domains by the sidecar fields ...: a (6), b (6).` */
function summary(scans: readonly Scan[], source: string): string {
  const counts = new Map<string, number>()
  for (const { domain } of scans) counts.set(domain, (counts.get(domain) ?? 0) + 1)
  const domains = [...counts]
    .toSorted(([a], [b]) => byText(a, b))
    .map(([name, count]) => `${name} (${count})`)
  const subjects = new Set(scans.map(({ subject }) => subject)).size
  const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`
  return `${count(scans.length, 'image')} of ${count(subjects, 'subject')}; domains by ${source}: ${domains.join(', ')}.`
}

function unlisted(described: readonly Described[], tables: ScanTables): readonly string[] {
  const names = described
    .filter(({ file }) => !tables.isListed(file))
    .map(({ file }) => `sub-${file.name.entities['sub']}`)
  if (names.length === 0) return []
  return [`participants.tsv has no row for ${[...new Set(names)].join(', ')}: their covariates are n/a.`]
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
