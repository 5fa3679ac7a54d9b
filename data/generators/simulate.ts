/** Digital traveling subjects: the same heads on many digital scanners, as a BIDS dataset with truth. */
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { RefusedError } from '../../src/errors.ts'
import { writeFileAtomic } from '../../src/files.ts'
import { random } from '../../src/kernels/random.ts'
import { packageVersion } from '../../src/package-root.ts'
import * as bids from './bids.ts'
import {
  drawHead,
  hasLesions,
  type SampledHead,
  type SimulatedSubject,
  sampleHead,
  samplePosed,
  save,
  scannersOf,
} from './heads.ts'
import { drawPose } from './motion.ts'
import { type Settings, type SimulationOptions, settingsOf } from './options.ts'
import { drawConditions, scan } from './scan.ts'
import { drawScanner, type Scanner } from './scanner.ts'
import { cohortTable, parametersJson, participantsTable, type ScanRow, sessionsTable } from './tables.ts'
import { variantOf } from './variants.ts'

export interface SimulationSummary {
  readonly folder: string
  /** Path of the cohort manifest. */
  readonly manifest: string
  readonly subjects: readonly SimulatedSubject[]
  readonly scanners: readonly Scanner[]
  readonly scans: number
}

export type Progress = (done: number, total: number, what: string) => void

/**
 * Writes the dataset into `out`: images, sidecars, `cohort.tsv`, and truth under `derivatives/truth`.
 * Equal options give equal bytes.
 * @throws {ConfigError} for options out of range
 * @throws {RefusedError} when `out` holds something else, or an earlier dataset without `overwrite`
 */
export async function simulateCohort(
  out: string,
  options: SimulationOptions,
  onProgress: Progress = () => {},
): Promise<SimulationSummary> {
  const settings = settingsOf(options)
  await clearFolder(out, options.overwrite ?? false)
  const { subjects: count, scanners: scannerCount, contrast = 'T1w', variant = 'whole', motion } = settings
  const scannerRow = random(settings.scannerSeed, 'scanners')
  const scanners = Array.from({ length: scannerCount }, (_, index) =>
    drawScanner(scannerRow, index, { ...settings, contrast }),
  )
  const write = (path: string, content: string): Promise<void> => writeFileAtomic(join(out, path), content)
  const version = packageVersion()
  await write('dataset_description.json', bids.datasetDescription(version))
  const subjects: SimulatedSubject[] = []
  const rows: ScanRow[] = []
  const total = Array.from(
    { length: count },
    (_, i) => scansPerScanner(settings, i) * scannersOf(settings, i).length,
  )
  const allScans = total.reduce((sum, n) => sum + n, 0)
  for (let index = 0; index < count; index++) {
    const label = bids.subjectLabel(index, count)
    const head = await drawHead(settings, index, label)
    subjects.push(head.subject)
    const visited = scannersOf(settings, index)
    const maps = await sampleHead(
      out,
      head,
      visited.map((at) => scanners[at] as Scanner),
      settings,
    )
    for (const at of visited)
      for (let number = 1; number <= scansPerScanner(settings, index); number++) {
        const scanner = scanners[at] as Scanner
        const session = bids.sessionLabel(scanner, number)
        onProgress(rows.length, allScans, `sub-${label} ses-${session}`)
        const rest = maps.get(scanner.voxelMm) as SampledHead
        const stream = random(
          settings.scanSeed,
          `anatomy ${settings.anatomySeed}, subject ${index}, scanner ${settings.scannerSeed}.${at}, scan ${number}`,
        )
        const pose = motion && drawPose(stream.fork('motion'), motion)
        const map = pose ? await samplePosed(out, head, rest, pose, session, settings) : rest
        const conditions = drawConditions(stream.fork('conditions'))
        const seen = settings.noiseless ? { ...scanner, snr: Number.POSITIVE_INFINITY } : scanner
        const image = scan(map.tissues, map.texture, seen, conditions, stream.fork('noise'))
        const path = bids.imagePath(label, session, contrast)
        await save(out, path, variantOf(image, map.tissues, variant))
        await write(
          path.replace('.nii.gz', '.json'),
          bids.sidecar(
            scanner,
            { serial: `simulated-${settings.scannerSeed}-${scanner.letter}`, version },
            variant,
          ),
        )
        const { tissuePath, lesionPath } = map
        rows.push({
          subject: head.subject,
          scanner,
          session,
          path,
          map: { tissuePath, lesionPath },
          conditions,
          pose,
        })
      }
  }
  onProgress(allScans, allScans, 'tables')
  for (const { subject } of subjects)
    await write(`sub-${subject}/sub-${subject}_sessions.tsv`, sessionsTable(rows, subject))
  await write('sessions.json', bids.sessionsJson())
  await write('cohort.tsv', cohortTable(rows, hasLesions(settings)))
  const sites =
    settings.design === 'sites'
      ? subjects.map((_, i) => scanners[scannersOf(settings, i)[0] as number]?.domain as string)
      : undefined
  await write('participants.tsv', participantsTable(subjects, sites))
  await write(
    'participants.json',
    bids.participantsJson(settings.population !== undefined, sites !== undefined),
  )
  await write('README.md', bids.readme(contrast, settings.design ?? 'traveling'))
  await write('.bidsignore', bids.BIDS_IGNORE)
  await write('derivatives/truth/dataset_description.json', bids.truthDescription(version))
  await write('derivatives/truth/README.md', bids.truthReadme(motion !== undefined))
  await write('derivatives/truth/desc-tissue_dseg.tsv', bids.tissueTable())
  const severalGrids = new Set(scanners.map(({ voxelMm }) => voxelMm)).size > 1
  await write('derivatives/truth/desc-tissue_dseg.json', bids.truthSidecar('tissue', severalGrids))
  if (hasLesions(settings))
    await write('derivatives/truth/desc-lesions_dseg.json', bids.truthSidecar('lesions', severalGrids))
  await write(bids.PARAMETERS_PATH, parametersJson(settings, version, subjects, scanners, rows))
  return { folder: out, manifest: join(out, 'cohort.tsv'), subjects, scanners, scans: rows.length }
}

/** Refuses a folder with foreign content; removes what an earlier run wrote, and nothing else. */
async function clearFolder(out: string, overwrite: boolean): Promise<void> {
  const found = await readdir(out).catch(() => [] as string[])
  if (found.length === 0) return
  const description = await readFile(join(out, 'dataset_description.json'), 'utf8').catch(() => '')
  const own = description.includes(`"Name": "${bids.GENERATOR}"`)
  if (!own)
    throw new RefusedError(`${out} is not empty and holds no simulated dataset.`, 'Choose another folder.')
  if (!overwrite)
    throw new RefusedError(
      `${out} already holds a simulated dataset.`,
      'Choose another folder, or overwrite it.',
    )
  const files = [
    'cohort.tsv',
    'participants.tsv',
    'participants.json',
    'sessions.json',
    'README.md',
    '.bidsignore',
  ]
  const ours = found.filter((name) => /^sub-\d+$/.test(name) || files.includes(name))
  for (const name of [...ours, join('derivatives', 'truth')])
    await rm(join(out, name), { recursive: true, force: true })
}

function scansPerScanner({ rescans, rescannedSubjects }: Settings, subject: number): number {
  return subject < rescannedSubjects ? 1 + rescans : 1
}
