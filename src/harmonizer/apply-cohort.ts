/** A whole cohort, scan by scan: memory for one image, a restart continues, one bad scan does not stop the others. */
import { basename, isAbsolute, join, relative, resolve } from 'node:path'
import { type BidsCohort, NO_DOMAIN } from '../cohort/bids.ts'
import type { Described } from '../cohort/bids-domain.ts'
import type { CohortProblem, Scan } from '../cohort/cohort.ts'
import { cohortFolder } from '../cohort/identity.ts'
import { type CohortOptions, type ReadCohort, readCohort, refuseProblems } from '../cohort/manifest.ts'
import { AttuneError, ConfigError, InputError } from '../errors.ts'
import { writeTsv } from '../formats/tables/table.ts'
import { applyFile, type FileRequest, isUpToDate } from './apply-file.ts'
import {
  checkDerivativeFolder,
  type DerivativeParts,
  derivativePath,
  derivativeSidecar,
  writeDerivativeDescription,
  writeDerivativeTexts,
} from './derivative.ts'
import type { Harmonizer } from './harmonizer.ts'
import { needsDomain } from './ladder.ts'

/** What happened to one scan. */
export interface ScanResult {
  readonly scan: Scan
  readonly output: string
  readonly outcome: 'harmonized' | 'passed-through' | 'up-to-date' | 'failed'
  readonly error?: AttuneError
}

export interface CohortResult {
  readonly manifest: string
  readonly results: readonly ScanResult[]
}

/** Problems that show again, scan by scan, when the images are read; any other is one of the manifest itself. */
const OF_ONE_IMAGE: ReadonlySet<CohortProblem['code']> = new Set([
  'missing-file',
  'unreadable-image',
  'different-grids',
])

export const HARMONIZED_MANIFEST = 'harmonized.tsv'

/** What every scan of a run shares. */
type Shared = Omit<FileRequest, 'input' | 'output' | 'volume' | 'domain' | 'mask' | 'sidecar'>

/**
 * Harmonizes every scan of a manifest or a BIDS dataset into `folder`. Images of a manifest keep their paths relative to it; of a dataset they
 * make a BIDS derivative. `harmonized.tsv` lists those that succeeded, with all columns of the manifest or all covariates of the dataset.
 * @param onScan called after each scan
 * @throws {InputError} when the manifest itself is wrong; {ConfigError} when `folder` is the manifest's own, or holds another dataset
 */
export async function applyCohort(
  harmonizer: Harmonizer,
  manifest: string,
  folder: string,
  shared: Shared,
  onScan: (result: ScanResult, done: number, total: number) => void = () => {},
  options: CohortOptions = {},
): Promise<CohortResult> {
  const read = await readCohort(manifest, options)
  const { cohort, problems, bids } = read
  const home = cohortFolder(cohort)
  if (resolve(folder) === home)
    throw new ConfigError(`${folder} holds the inputs.`, 'Name another output folder.')
  const general = problems.some(({ code, image }) => image === undefined && !OF_ONE_IMAGE.has(code))
  if (general || cohort.scans.length === 0) refuseProblems(manifest, read)
  const derivative = bids && { bids, folder, identity: harmonizer.identity, version: shared.version }
  if (derivative) {
    await checkDerivativeFolder(derivative, shared.overwrite)
    if (!shared.dryRun) await writeDerivativeDescription(derivative)
  }
  const placeOf = (scan: Scan): Place =>
    derivative ? placeInDerivative(scan, derivative) : { output: join(folder, outputName(scan, home)) }
  const refusals = bids ? refusalsOf(read, bids, harmonizer) : new Map<string, AttuneError>()
  const results: ScanResult[] = []
  for (const [index, scan] of cohort.scans.entries()) {
    const place = placeOf(scan)
    const error = refusals.get(scan.image)
    const result: ScanResult = error
      ? { scan, output: place.output, outcome: 'failed', error }
      : await applyScan(harmonizer, scan, { ...shared, ...place })
    results.push(result)
    onScan(result, index + 1, cohort.scans.length)
  }
  const path = join(folder, HARMONIZED_MANIFEST)
  if (!shared.dryRun) {
    await writeManifest(path, folder, harmonizer, results)
    if (derivative)
      await writeDerivativeTexts(derivative, doneOf(results, derivative.bids), HARMONIZED_MANIFEST)
  }
  return { manifest: path, results }
}

type Place = Pick<FileRequest, 'output' | 'sidecar'>

function placeInDerivative({ image }: Scan, parts: DerivativeParts): Place {
  const described = describedOf(image, parts.bids)
  return {
    output: join(parts.folder, derivativePath(described)),
    sidecar: derivativeSidecar(described, parts),
  }
}

/** Why images of a dataset are not harmonized, by their path: what their names, sidecars and tables already show. */
function refusalsOf(
  { problems }: ReadCohort,
  { dataset }: BidsCohort,
  { identity }: Harmonizer,
): ReadonlyMap<string, AttuneError> {
  const counts = ({ code }: CohortProblem): boolean =>
    !OF_ONE_IMAGE.has(code) && (code !== 'missing-domain' || needsDomain(identity.method))
  return new Map(
    problems
      .filter(counts)
      .flatMap(({ image, message, remedy }) =>
        image === undefined
          ? []
          : [[join(dataset.root, image), new InputError(`${image}: ${message}`, remedy)] as const],
      ),
  )
}

function doneOf(results: readonly ScanResult[], bids: BidsCohort): readonly Described[] {
  return results
    .filter(({ outcome }) => outcome !== 'failed')
    .map(({ scan }) => describedOf(scan.image, bids))
}

function describedOf(image: string, { described }: BidsCohort): Described {
  return described.get(image) as Described
}

async function applyScan(harmonizer: Harmonizer, scan: Scan, shared: Shared & Place): Promise<ScanResult> {
  const domain = scan.domain === NO_DOMAIN ? undefined : scan.domain
  const request: FileRequest = { ...shared, input: scan.image, domain, mask: scan.mask }
  const { output } = request
  try {
    if (!request.overwrite && (await isUpToDate(harmonizer, request)))
      return { scan, output, outcome: 'up-to-date' }
    const { outcome } = await applyFile(harmonizer, request)
    return { scan, output, outcome }
  } catch (error) {
    if (!(error instanceof AttuneError)) throw error
    return { scan, output, outcome: 'failed', error }
  }
}

/**
 * The path below the manifest's folder where there is one; images from elsewhere are named by what the manifest says of them.
 * A .hdr/.img pair becomes one .nii.
 */
function outputName(scan: Scan, home: string): string {
  const image = scan.image.replace(/\.(hdr|img)(\.gz)?$/i, '.nii$2')
  const path = relative(home, image)
  if (!path.startsWith('..') && !isAbsolute(path)) return path
  const safe = (text: string): string => text.replace(/[^A-Za-z0-9-]+/g, '-')
  return `${[scan.subject, scan.domain, scan.session].map(safe).join('_')}_${basename(image)}`
}

async function writeManifest(
  path: string,
  folder: string,
  { identity }: Harmonizer,
  results: readonly ScanResult[],
): Promise<void> {
  const done = results.filter(({ outcome }) => outcome !== 'failed')
  const covariates = [...new Set(done.flatMap(({ scan }) => Object.keys(scan.covariates)))]
  const from = (file: string | undefined): string => (file === undefined ? 'n/a' : relative(folder, file))
  const columns = [
    'subject',
    'domain',
    'session',
    'image',
    'mask',
    'lesions',
    'tissue',
    'harmonized_to',
    ...covariates,
  ]
  await writeTsv(
    path,
    columns,
    done.map(({ scan, output }) => ({
      ...Object.fromEntries(covariates.map((name) => [name, scan.covariates[name] ?? 'n/a'])),
      subject: scan.subject,
      domain: scan.domain,
      session: scan.session,
      image: from(output),
      mask: from(scan.mask),
      lesions: from(scan.truth.lesions),
      tissue: from(scan.truth.tissue),
      harmonized_to: identity.target ?? identity.method,
    })),
  )
}
