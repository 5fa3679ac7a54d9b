/** A whole cohort, scan by scan: memory for one image, a restart continues, one bad scan does not stop the others. */
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path'
import type { CohortProblem, Scan } from '../cohort/cohort.ts'
import { readManifest, requireCohort } from '../cohort/manifest.ts'
import { firstKnown, parsePrepared } from '../domain/preparation.ts'
import { AttuneError, ConfigError } from '../errors.ts'
import { writeTsv } from '../formats/tables/table.ts'
import { applyFile, type FileRequest, isUpToDate } from './apply-file.ts'
import type { Harmonizer } from './harmonizer.ts'

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

/**
 * Harmonizes every scan of a manifest into `folder`: images keep their paths relative to the manifest, and
 * `harmonized.tsv` lists those that succeeded, with all columns of the manifest.
 * @param onScan called after each scan
 * @throws {InputError} when the manifest itself is wrong; {ConfigError} when `folder` is the manifest's own
 */
export async function applyCohort(
  harmonizer: Harmonizer,
  manifest: string,
  folder: string,
  shared: Omit<FileRequest, 'input' | 'output' | 'volume' | 'domain' | 'mask' | 'changeMap'>,
  onScan: (result: ScanResult, done: number, total: number) => void = () => {},
): Promise<CohortResult> {
  const home = dirname(resolve(manifest))
  if (resolve(folder) === home)
    throw new ConfigError(`${folder} holds the inputs.`, 'Name another output folder.')
  const { cohort, problems } = await readManifest(manifest)
  const ambiguous = problems.some(({ code }) => !OF_ONE_IMAGE.has(code))
  const { scans } = ambiguous || cohort.scans.length === 0 ? await requireCohort(manifest) : cohort
  const results: ScanResult[] = []
  for (const [index, scan] of scans.entries()) {
    const output = join(folder, outputName(scan, home))
    const result = await applyScan(harmonizer, scan, { ...shared, output })
    results.push(result)
    onScan(result, index + 1, scans.length)
  }
  const path = join(folder, HARMONIZED_MANIFEST)
  if (!shared.dryRun) await writeManifest(path, folder, harmonizer, results)
  return { manifest: path, results }
}

async function applyScan(
  harmonizer: Harmonizer,
  scan: Scan,
  shared: Omit<FileRequest, 'input' | 'volume' | 'domain' | 'mask' | 'changeMap'>,
): Promise<ScanResult> {
  const { output } = shared
  try {
    const request: FileRequest = {
      ...shared,
      input: scan.image,
      domain: scan.domain,
      mask: scan.mask,
      prepared: firstKnown(parsePrepared(scan.covariates['prepared'] ?? ''), shared.prepared ?? {}),
    }
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
