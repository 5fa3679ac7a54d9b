/** Digital traveling subjects: the same heads on many digital scanners, as a BIDS dataset with truth. */
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError, RefusedError } from '../../src/errors.ts'
import { writeFileAtomic } from '../../src/files.ts'
import { writeNifti } from '../../src/formats/nifti/write.ts'
import { type Random, random } from '../../src/kernels/random.ts'
import { packageFile } from '../../src/package-root.ts'
import { type Volume, volumeOf } from '../../src/volume/volume.ts'
import {
  ANATOMIES,
  type AnatomyName,
  drawIndividual,
  type Individual,
  isAnatomyName,
  loadAnatomy,
} from './anatomy.ts'
import * as bids from './bids.ts'
import { MAX_LESIONS } from './labels.ts'
import { type Lesion, withLesions } from './lesions.ts'
import { dominantTissue, sampleTissues, type TissueMap } from './sampling.ts'
import { drawConditions, type ScanConditions, scan } from './scan.ts'
import { drawScanner, type Scanner } from './scanner.ts'
import { drawTexture, type Texture } from './texture.ts'

export interface SimulationOptions {
  readonly subjects: number
  /** At least 1; the first is the reference, `scanner-A`. */
  readonly scanners: number
  readonly seed: number
  /** Edge of the cubic voxels, mm; a range draws one size for each scanner. Default 2. */
  readonly voxelMm?: number | readonly [low: number, high: number]
  /** Further scans of each subject on each scanner. Default 1. */
  readonly rescans?: number
  /** How many subjects (the first ones) are rescanned. Default all. */
  readonly rescannedSubjects?: number
  /** Lesions in the white matter of each subject; a range draws the number. Default 0. */
  readonly lesions?: number | readonly [least: number, most: number]
  /** Base anatomies of the subjects, in turn. Default all. */
  readonly anatomies?: readonly AnatomyName[]
  /** Default `seed`. Equal scanner seeds give equal scanners whatever the subjects are, and the reverse. */
  readonly anatomySeed?: number
  readonly scannerSeed?: number
  readonly scanSeed?: number
  /** Replace a dataset that this function wrote before. */
  readonly overwrite?: boolean
}

export interface SimulationSummary {
  readonly folder: string
  /** Path of the cohort manifest. */
  readonly manifest: string
  readonly subjects: readonly SimulatedSubject[]
  readonly scanners: readonly Scanner[]
  readonly scans: number
}

export interface SimulatedSubject {
  readonly subject: string
  /** Base anatomy. Subjects that share it are one subject in every split. */
  readonly family: AnatomyName
  readonly lesions: readonly Lesion[]
  readonly smallestJacobian: number
}

export type Progress = (done: number, total: number, what: string) => void

type Settings = Required<Omit<SimulationOptions, 'overwrite'>>

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
  const { subjects: count, scanners: scannerCount } = settings
  const scannerRow = random(settings.scannerSeed, 'scanners')
  const scanners = Array.from({ length: scannerCount }, (_, index) =>
    drawScanner(scannerRow, index, settings.voxelMm),
  )
  const { version } = JSON.parse(await readFile(packageFile('package.json'), 'utf8')) as { version: string }
  const write = (path: string, content: string): Promise<void> => writeFileAtomic(join(out, path), content)
  await write('dataset_description.json', bids.datasetDescription(version))
  const subjects: SimulatedSubject[] = []
  const rows: ScanRow[] = []
  const total = Array.from({ length: count }, (_, i) => scansPerScanner(settings, i) * scannerCount)
  const allScans = total.reduce((sum, n) => sum + n, 0)
  for (let index = 0; index < count; index++) {
    const label = bids.subjectLabel(index, count)
    const head = await drawHead(settings, index, label)
    subjects.push(head.subject)
    const maps = await sampleHead(out, head, label, scanners, settings)
    for (const [at, scanner] of scanners.entries())
      for (let number = 1; number <= scansPerScanner(settings, index); number++) {
        const session = bids.sessionLabel(scanner, number)
        onProgress(rows.length, allScans, `sub-${label} ses-${session}`)
        const map = maps.get(scanner.voxelMm) as SampledHead
        const stream = random(
          settings.scanSeed,
          `anatomy ${settings.anatomySeed}, subject ${index}, scanner ${settings.scannerSeed}.${at}, scan ${number}`,
        )
        const conditions = drawConditions(stream.fork('conditions'))
        const image = scan(map.tissues, map.texture, scanner, conditions, stream.fork('noise'))
        const path = bids.imagePath(label, session)
        await save(out, path, image)
        await write(
          path.replace('.nii.gz', '.json'),
          bids.sidecar(scanner, `simulated-${settings.scannerSeed}-${scanner.letter}`),
        )
        rows.push({ label, family: head.subject.family, scanner, session, path, map, conditions })
      }
  }
  onProgress(allScans, allScans, 'tables')
  await write('cohort.tsv', cohortTable(rows, hasLesions(settings)))
  await write('participants.tsv', participantsTable(subjects))
  await write('participants.json', bids.PARTICIPANTS_JSON)
  await write('README.md', bids.README)
  await write('.bidsignore', bids.BIDS_IGNORE)
  await write('derivatives/truth/dataset_description.json', bids.truthDescription(version))
  await write('derivatives/truth/README.md', bids.TRUTH_README)
  await write('derivatives/truth/desc-tissue_dseg.tsv', bids.tissueTable())
  await write(bids.PARAMETERS_PATH, parametersJson(settings, version, subjects, scanners, rows))
  return { folder: out, manifest: join(out, 'cohort.tsv'), subjects, scanners, scans: rows.length }
}

function settingsOf(options: SimulationOptions): Settings {
  const { subjects, scanners, seed } = options
  const settings: Settings = {
    subjects,
    scanners,
    seed,
    voxelMm: options.voxelMm ?? 2,
    rescans: options.rescans ?? 1,
    rescannedSubjects: options.rescannedSubjects ?? subjects,
    lesions: options.lesions ?? 0,
    anatomies: options.anatomies ?? ANATOMIES,
    anatomySeed: options.anatomySeed ?? seed,
    scannerSeed: options.scannerSeed ?? seed,
    scanSeed: options.scanSeed ?? seed,
  }
  const whole = (name: string, value: number, least: number, most: number): void => {
    if (!Number.isInteger(value) || value < least || value > most)
      throw new ConfigError(`${name} is ${value}.`, `Give a whole number from ${least} to ${most}.`)
  }
  whole('subjects', settings.subjects, 1, 999)
  whole('scanners', settings.scanners, 1, 99)
  whole('rescans', settings.rescans, 0, 99)
  whole('rescannedSubjects', settings.rescannedSubjects, 0, settings.subjects)
  for (const value of [settings.lesions].flat()) whole('lesions', value, 0, MAX_LESIONS)
  for (const name of ['seed', 'anatomySeed', 'scannerSeed', 'scanSeed'] as const)
    whole(name, settings[name], 0, Number.MAX_SAFE_INTEGER)
  for (const mm of [settings.voxelMm].flat())
    if (!(mm >= 0.7 && mm <= 4)) throw new ConfigError(`voxelMm is ${mm}.`, 'Give a size from 0.7 to 4 mm.')
  const unknown = settings.anatomies.find((name) => !isAnatomyName(name))
  if (unknown !== undefined || settings.anatomies.length === 0)
    throw new ConfigError(
      unknown === undefined ? 'The list of anatomies is empty.' : `There is no anatomy "${unknown}".`,
      `Choose among: ${ANATOMIES.join(', ')}.`,
    )
  return settings
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
  const files = ['cohort.tsv', 'participants.tsv', 'participants.json', 'README.md', '.bidsignore']
  const ours = found.filter((name) => /^sub-\d+$/.test(name) || files.includes(name))
  for (const name of [...ours, join('derivatives', 'truth')])
    await rm(join(out, name), { recursive: true, force: true })
}

function scansPerScanner({ rescans, rescannedSubjects }: Settings, subject: number): number {
  return subject < rescannedSubjects ? 1 + rescans : 1
}

function hasLesions({ lesions }: Settings): boolean {
  return [lesions].flat().some((n) => n > 0)
}

interface Head {
  readonly subject: SimulatedSubject
  readonly individual: Individual
  readonly texture: Random
}

async function drawHead(settings: Settings, index: number, label: string): Promise<Head> {
  const family = settings.anatomies[index % settings.anatomies.length] as AnatomyName
  const own = random(settings.anatomySeed, `subject ${index}`)
  const lesionStream = own.fork('lesions')
  const [least, most] =
    typeof settings.lesions === 'number' ? [settings.lesions, settings.lesions] : settings.lesions
  const wanted = least + lesionStream.integer(most - least + 1)
  const { anatomy, lesions } = withLesions(lesionStream, await loadAnatomy(family), wanted)
  const individual = drawIndividual(own.fork('shape'), anatomy)
  const { smallestJacobian } = individual
  return {
    subject: { subject: label, family, lesions, smallestJacobian },
    individual,
    texture: own.fork('texture'),
  }
}

interface SampledHead {
  readonly tissues: TissueMap
  readonly texture: Texture
  readonly tissuePath: string
  readonly lesionPath: string
}

/** The head on every voxel size that some scanner has, with its truth written. */
async function sampleHead(
  out: string,
  head: Head,
  label: string,
  scanners: readonly Scanner[],
  settings: Settings,
): Promise<ReadonlyMap<number, SampledHead>> {
  const sampled = new Map<number, SampledHead>()
  const sizes = [...new Set(scanners.map(({ voxelMm }) => voxelMm))]
  for (const voxelMm of sizes) {
    const resolution = sizes.length === 1 ? undefined : bids.resolutionLabel(voxelMm)
    const tissues = sampleTissues(head.individual, voxelMm)
    const texture = drawTexture(head.texture, tissues, head.subject.lesions)
    const tissuePath = bids.truthPath(label, 'tissue', resolution)
    const lesionPath = bids.truthPath(label, 'lesions', resolution)
    await save(out, tissuePath, volumeOf(tissues, dominantTissue(tissues)))
    if (hasLesions(settings)) await save(out, lesionPath, volumeOf(tissues, tissues.lesions))
    sampled.set(voxelMm, { tissues, texture, tissuePath, lesionPath })
  }
  return sampled
}

async function save(out: string, path: string, volume: Volume): Promise<void> {
  await writeNifti(join(out, path), volume, { dtype: 'same' })
}

interface ScanRow {
  readonly label: string
  readonly family: AnatomyName
  readonly scanner: Scanner
  readonly session: string
  readonly path: string
  readonly map: SampledHead
  readonly conditions: ScanConditions
}

function cohortTable(rows: readonly ScanRow[], lesions: boolean): string {
  const lesionColumn = (value: string): readonly string[] => (lesions ? [value] : [])
  return bids.toTsv([
    ['subject', 'domain', 'session', 'image', 'tissue', ...lesionColumn('lesions'), 'family'],
    ...rows.map(({ label, scanner, session, path, map, family }) => [
      `sub-${label}`,
      scanner.domain,
      session,
      path,
      map.tissuePath,
      ...lesionColumn(map.lesionPath),
      family,
    ]),
  ])
}

function participantsTable(subjects: readonly SimulatedSubject[]): string {
  return bids.toTsv([
    ['participant_id', 'family'],
    ...subjects.map(({ subject, family }) => [`sub-${subject}`, family] as const),
  ])
}

function parametersJson(
  settings: Settings,
  version: string,
  subjects: readonly SimulatedSubject[],
  scanners: readonly Scanner[],
  rows: readonly ScanRow[],
): string {
  const scans = rows.map(({ path, scanner, conditions }) => ({
    image: path,
    domain: scanner.domain,
    ...conditions,
  }))
  return bids.toJson({
    generator: { name: bids.GENERATOR, version },
    options: settings,
    scanners,
    subjects,
    scans,
  })
}
