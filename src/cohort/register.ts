/** Every subject's scans brought to one space and one grid: what pairs need before a method can be fitted on them. */
import { readdir, readFile, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { ConfigError, RefusedError } from '../errors.ts'
import { sha256, sha256File, writeFileAtomic } from '../files.ts'
import { niftiSha256 } from '../formats/nifti/read.ts'
import { writeTsv } from '../formats/tables/table.ts'
import { closeElastix, findElastix } from '../spatial/registration/elastix.ts'
import type { Scan } from './cohort.ts'
import { requireCohort } from './manifest.ts'
import {
  distinct,
  type RegisteredScan,
  type RegistrationSettings,
  ROLES,
  registerSubject,
} from './register-subject.ts'

const SCHEMA = 'attune-registration/1'
const RECORD = 'registration.json'

export interface SubjectRegistration {
  readonly subject: string
  /** Name of the subject's folder. */
  readonly folder: string
  /** SHA-256 over settings and input files: an equal one need not be done again. */
  readonly inputs: string
  /** In the order of the manifest. */
  readonly scans: readonly RegisteredScan[]
}

export interface RegistrationRecord {
  readonly schema: typeof SCHEMA
  readonly settings: RegistrationSettings
  readonly subjects: readonly SubjectRegistration[]
}

export interface RegistrationResult extends RegistrationRecord {
  /** Path of the new manifest. */
  readonly manifest: string
  /** Subjects that an earlier run had done from equal inputs. */
  readonly upToDate: readonly string[]
}

/** Called before each step. */
export type RegistrationProgress = (step: {
  readonly subject: string
  readonly done: number
  readonly total: number
  readonly what: string
}) => void

/**
 * Registers the scans of each subject into `folder`: images and maps on one grid a subject; `cohort.tsv` with all columns and
 * `registration_error_mm`; `registration.tsv` and `registration.json` with what was found. A subject that an earlier run registered from
 * equal files in the same way is left as it is.
 * @param source a cohort, as `requireCohort` takes it
 * @param version of attune: another one registers again
 * @throws {InputError} when the cohort cannot be read
 * @throws {ConfigError} when `folder` is the cohort's own
 * @throws {RefusedError} when `folder` holds something else, or no two scans of one subject could be registered
 * @throws {MissingError} when elastix is not installed or `folder` cannot be written
 */
export async function registerCohort(
  source: string,
  folder: string,
  settings: RegistrationSettings,
  version: string,
  onProgress: RegistrationProgress = () => {},
): Promise<RegistrationResult> {
  const earlier = await earlierRecord(folder, source)
  const { scans } = await requireCohort(source, { apart: true })
  findElastix()
  const people = [...new Set(scans.map(({ subject }) => subject))]
  const folders = distinct(people)
  const subjects: SubjectRegistration[] = []
  const upToDate: string[] = []
  const save = async (): Promise<RegistrationRecord> => {
    const record: RegistrationRecord = { schema: SCHEMA, settings, subjects }
    await writeFileAtomic(join(folder, RECORD), `${JSON.stringify(record, null, 2)}\n`)
    return record
  }
  try {
    for (const [index, subject] of people.entries()) {
      const say = (what: string): void => onProgress({ subject, done: index, total: people.length, what })
      const own = scans.filter((scan) => scan.subject === subject)
      say('looking at files')
      const inputs = await inputsOf(own, settings, version)
      const before = earlier.find((one) => one.subject === subject)
      if (before?.inputs === inputs && before.folder === folders[index] && (await isWhole(before, folder))) {
        upToDate.push(subject)
        subjects.push(before)
        continue
      }
      const place = folders[index] as string
      if (earlier.some((one) => one.folder === place))
        await rm(join(folder, place), { recursive: true, force: true })
      const registered = await registerSubject(own, join(folder, place), settings, say)
      subjects.push({ subject, folder: place, inputs, scans: registered })
      await save()
    }
  } finally {
    await closeElastix()
  }
  const record = await save()
  await writeReport(folder, subjects)
  const manifest = join(folder, 'cohort.tsv')
  if (!subjects.some((subject) => keptOf(subject).length > 1))
    throw new RefusedError(
      `${source}: no two scans of one subject could be registered; ${join(folder, 'registration.tsv')} says why.`,
      'Look at the images, or allow a larger error with --max-error-mm.',
    )
  await writeManifest(manifest, scans, subjects)
  return { ...record, manifest, upToDate }
}

/** Subjects that an earlier run has done. */
async function earlierRecord(folder: string, source: string): Promise<readonly SubjectRegistration[]> {
  if ([resolve(source), dirname(resolve(source))].includes(resolve(folder)))
    throw new ConfigError(`${folder} holds the inputs.`, 'Name another output folder.')
  const found = await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return []
    throw new ConfigError(`${folder} is not a folder that can be read.`, 'Name another one.', { cause })
  })
  if (found.length === 0) return []
  const record = await readFile(join(folder, RECORD), 'utf8')
    .then((text) => JSON.parse(text) as Partial<RegistrationRecord> | null)
    .catch(() => undefined)
  if (record?.schema === SCHEMA && Array.isArray(record.subjects)) return record.subjects
  throw new RefusedError(`${folder} is not empty and holds no registered cohort.`, 'Choose another folder.')
}

async function inputsOf(
  scans: readonly Scan[],
  settings: RegistrationSettings,
  version: string,
): Promise<string> {
  const lines: unknown[] = [version, settings]
  for (const { domain, session, image, mask, region, truth } of scans) {
    const hashes: (string | null)[] = []
    for (const path of [image, mask, region, truth.lesions, truth.tissue])
      hashes.push(path === undefined ? null : await niftiSha256(path))
    lines.push([domain, session, hashes])
  }
  return sha256(JSON.stringify(lines))
}

/** Whether all files that were written are there as they were. */
async function isWhole({ folder: place, scans }: SubjectRegistration, folder: string): Promise<boolean> {
  for (const { files } of scans)
    for (const file of Object.values(files)) {
      const found = await sha256File(join(folder, place, file.name)).catch(() => undefined)
      if (found !== file.sha256) return false
    }
  return true
}

function keptOf({ scans }: SubjectRegistration): readonly RegisteredScan[] {
  return scans.filter(({ files }) => files.image !== undefined)
}

/** One row a scan: what was found, or why it was left out. */
async function writeReport(folder: string, subjects: readonly SubjectRegistration[]): Promise<void> {
  const fixed = (value: number | undefined, digits: number): string => value?.toFixed(digits) ?? 'n/a'
  const rows = subjects.flatMap(({ subject, scans }) =>
    scans.map((scan) => ({
      subject,
      domain: scan.domain,
      session: scan.session,
      anchor: scan.anchor ? 'yes' : 'no',
      rotation_degrees: fixed(scan.rotationDegrees, 3),
      translation_right_mm: fixed(scan.translationMm?.[0], 3),
      translation_anterior_mm: fixed(scan.translationMm?.[1], 3),
      translation_superior_mm: fixed(scan.translationMm?.[2], 3),
      error_mm: fixed(scan.errorMm, 3),
      limit_mm: fixed(scan.limitMm, 3),
      kept: scan.excluded === undefined ? 'yes' : 'no',
      reason: scan.excluded ?? 'n/a',
    })),
  )
  await writeTsv(join(folder, 'registration.tsv'), Object.keys(rows[0] ?? {}), rows)
}

async function writeManifest(
  path: string,
  scans: readonly Scan[],
  subjects: readonly SubjectRegistration[],
): Promise<void> {
  const rows = subjects.flatMap(({ subject, folder, scans: registered }) => {
    const own = scans.filter((scan) => scan.subject === subject)
    return registered.flatMap(({ files, errorMm }, index) => {
      if (files.image === undefined) return []
      const { domain, session, covariates } = own[index] as Scan
      const maps = ROLES.map((role) => [
        role,
        files[role] === undefined ? 'n/a' : `${folder}/${files[role].name}`,
      ])
      const error = (errorMm ?? 0).toFixed(3)
      return [
        {
          ...covariates,
          subject,
          domain,
          session,
          ...Object.fromEntries(maps),
          registration_error_mm: error,
        },
      ]
    })
  })
  const maps = ROLES.filter((role) => rows.some((row) => row[role] !== 'n/a'))
  const covariates = new Set(rows.flatMap((row) => Object.keys(row)))
  for (const name of ['subject', 'domain', 'session', ...ROLES]) covariates.delete(name)
  await writeTsv(path, ['subject', 'domain', 'session', ...maps, ...covariates], rows)
}
