/** A whole cohort, scan by scan: memory for one image, a restart continues, one bad scan does not stop the others. */
import { join, relative, resolve } from 'node:path'
import { NO_DOMAIN } from '../cohort/bids.ts'
import type { CohortProblem, Scan } from '../cohort/cohort.ts'
import { cohortFolder } from '../cohort/identity.ts'
import { type CohortOptions, type ReadCohort, readCohort, refuseProblems } from '../cohort/manifest.ts'
import { firstKnown, parsePrepared } from '../domain/preparation.ts'
import { deedOf } from '../domain/translation.ts'
import { AttuneError, ConfigError, InputError } from '../errors.ts'
import { writeTsv } from '../formats/tables/table.ts'
import { applyFile, exists, type FileRequest, isUpToDate, recordPath, visitOf } from './apply-file.ts'
import { derivativeDestination } from './derivative.ts'
import { manifestDestination, type Place, tableOf } from './destination.ts'
import type { Harmonizer } from './harmonizer.ts'
import { needsDomain } from './ladder.ts'
import type { HarmonizationRecord } from './record.ts'
import { requireCalibration, uncertaintyPath } from './uncertainty-file.ts'
import { type Visits, visitsOf } from './visits.ts'

/** What happened to one scan. */
export interface ScanResult {
  readonly scan: Scan
  readonly output: string
  readonly outcome: HarmonizationRecord['outcome'] | 'up-to-date' | 'failed'
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

/** What every scan of a run shares. */
type Shared = Omit<
  FileRequest,
  | 'input'
  | 'output'
  | 'volume'
  | 'domain'
  | 'mask'
  | 'declared'
  | 'sidecar'
  | 'changeMap'
  | 'uncertainty'
  | 'visits'
  | 'visitsSha256'
> & {
  /** Whether all visits of a person on a scanner share one mapping (see joint.ts). Default true. */
  readonly joint?: boolean | undefined
  /** Also write an uncertainty map beside every harmonized image. */
  readonly uncertainty?: boolean | undefined
}

/**
 * Harmonizes every scan of a manifest or a BIDS dataset into `folder`. Images of a manifest keep their paths relative to it; of a dataset they
 * make a BIDS derivative. `harmonized.tsv`, or `translated.tsv`, lists those that succeeded, with all columns of the manifest or all covariates of the dataset.
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
  if (resolve(folder) === cohortFolder(cohort))
    throw new ConfigError(`${folder} holds the inputs.`, 'Name another output folder.')
  const general = problems.some(({ code, image }) => image === undefined && !OF_ONE_IMAGE.has(code))
  if (general || cohort.scans.length === 0) refuseProblems(manifest, read)
  if (shared.uncertainty) requireCalibration(harmonizer)
  const destination = bids
    ? derivativeDestination({
        bids,
        folder,
        identity: harmonizer.identity,
        version: shared.version,
        uncertainty: shared.uncertainty,
      })
    : manifestDestination(cohortFolder(cohort), folder, harmonizer.identity)
  await destination.check?.(shared.overwrite)
  if (!shared.dryRun) await destination.begin?.()
  const visits =
    shared.joint === false
      ? undefined
      : visitsOf(cohort, harmonizer.identity.target, (scan) => visitOf(harmonizer, requestOf(scan, shared)))
  const results: ScanResult[] = []
  for (const [index, scan] of cohort.scans.entries()) {
    const place = destination.placeOf(scan)
    const error = refusalOf(scan, read, harmonizer)
    const result: ScanResult = error
      ? { scan, output: place.output, outcome: 'failed', error }
      : await applyScan(harmonizer, scan, { ...shared, ...place }, visits)
    results.push(result)
    onScan(result, index + 1, cohort.scans.length)
  }
  const path = join(folder, tableOf(harmonizer.identity))
  if (!shared.dryRun) {
    const done = results.filter(({ outcome }) => outcome !== 'failed')
    await writeManifest(path, folder, harmonizer, done)
    await destination.end?.(done.map(({ scan }) => scan))
  }
  return { manifest: path, results }
}

/** What the names, sidecars and tables of a dataset already show to be wrong with one of its images. */
function refusalOf(
  { image }: Scan,
  { cohort, problems }: ReadCohort,
  { identity }: Harmonizer,
): AttuneError | undefined {
  const own = problems.find(
    (problem) =>
      problem.image !== undefined &&
      join(cohortFolder(cohort), problem.image) === resolve(image) &&
      !OF_ONE_IMAGE.has(problem.code) &&
      (problem.code !== 'missing-domain' || needsDomain(identity.method)),
  )
  return own && new InputError(`${own.image}: ${own.message}`, own.remedy)
}

async function applyScan(
  harmonizer: Harmonizer,
  scan: Scan,
  shared: Shared & Place,
  visits: Visits | undefined,
): Promise<ScanResult> {
  const { output, uncertainty } = shared
  // Scans of the target pass through: nothing is estimated there.
  const measured = uncertainty && scan.domain !== harmonizer.identity.target
  try {
    const request = {
      ...requestOf(scan, shared),
      output,
      uncertainty: measured ? uncertaintyPath(output) : undefined,
      visitsSha256: await visits?.hashesOf(scan),
    }
    if (!request.overwrite && (await isUpToDate(harmonizer, request)))
      return { scan, output, outcome: 'up-to-date' }
    const overwrite = request.overwrite || (await wasInterrupted(request))
    const { outcome } = await applyFile(harmonizer, {
      ...request,
      ...(await visits?.sharedBy(scan)),
      overwrite,
    })
    return { scan, output, outcome }
  } catch (error) {
    if (!(error instanceof AttuneError)) throw error
    return { scan, output, outcome: 'failed', error }
  }
}

/** All that says how a scan is read; `output` is left to its place. */
function requestOf(scan: Scan, { joint: _joint, uncertainty: _without, ...shared }: Shared): FileRequest {
  return {
    ...shared,
    output: '',
    input: scan.image,
    domain: scan.domain === NO_DOMAIN ? undefined : scan.domain,
    mask: scan.mask,
    declared: scan.sidecar,
    prepared: firstKnown(parsePrepared(scan.covariates['prepared'] ?? ''), shared.prepared ?? {}),
  }
}

/** In a derivative, whose folder is known to be ours, an image without its sidecar is what a run left that ended between the two. */
async function wasInterrupted({ sidecar, output }: FileRequest): Promise<boolean> {
  return sidecar !== undefined && !(await exists(recordPath(output)))
}

async function writeManifest(
  path: string,
  folder: string,
  { identity }: Harmonizer,
  done: readonly ScanResult[],
): Promise<void> {
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
    `${deedOf(identity).done}_to`,
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
      [`${deedOf(identity).done}_to`]: identity.target ?? identity.method,
    })),
  )
}
