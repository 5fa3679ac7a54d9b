/** Files in, files out: the image, and beside it the record of what was done. */
import { access, readFile } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { readDeclarations } from '../cohort/declarations.ts'
import { readMask } from '../cohort/images.ts'
import { contrastIn } from '../domain/contrast-name.ts'
import { firstKnown, type Preparation } from '../domain/preparation.ts'
import { deedOf, translatedName, translationText } from '../domain/translation.ts'
import { ConfigError } from '../errors.ts'
import { sha256File, writeFileAtomic } from '../files.ts'
import { type NiftiImage, niftiSha256, readNifti } from '../formats/nifti/read.ts'
import { writeNifti } from '../formats/nifti/write.ts'
import type { Profile } from '../inference/residual-unet.ts'
import { changeMapOf, type Gain } from './change-map.ts'
import type { ApplyOptions, Harmonized, Harmonizer } from './harmonizer.ts'
import type { Visit } from './joint.ts'
import { ALL_METHODS } from './ladder.ts'
import type { HarmonizationRecord, HarmonizerIdentity } from './record.ts'
import { holdsMap, type MapRecord, writeUncertainty } from './uncertainty-file.ts'

export interface FileRequest {
  readonly input: string
  readonly output: string
  /** Which volume of an input with several, counted from 0. */
  readonly volume?: number | undefined
  readonly mask?: string | undefined
  readonly domain?: string | undefined
  /** What was done to the input before, where sidecar and image do not show it. */
  readonly prepared?: Preparation | undefined
  /** What a dataset says of the input; without it, the JSON file beside the input counts. */
  readonly declared?: Readonly<Record<string, unknown>> | undefined
  /** Where to write what was changed beyond gain and offset (see change-map.ts). */
  readonly changeMap?: string | undefined
  /** Where to write half the width of the 90 % interval of every voxel (see uncertainty.ts). */
  readonly uncertainty?: string | undefined
  readonly dtype: 'float32' | 'same'
  readonly gzipLevel: number
  readonly force: boolean
  /** Passes of `residual-unet`; without it, its own default. */
  readonly profile?: Profile | undefined
  /** Work out everything, write nothing. */
  readonly dryRun: boolean
  readonly overwrite: boolean
  /** Of this attune: part of what a record depends on. */
  readonly version: string
  /** The other visits of the person, to share one mapping with; with the SHA-256 of their images. */
  readonly visits?: readonly Visit[] | undefined
  readonly visitsSha256?: readonly string[] | undefined
  /** What else the JSON beside the output says; the record then stands in it under `Harmonization`, or `Translation`. */
  readonly sidecar?: Readonly<Record<string, unknown>> | undefined
}

/** The settings that a result depends on, beside its input: an output whose record has the same ones need not be made again. */
export interface Settings {
  readonly attune: string
  readonly harmonizer: HarmonizerIdentity
  readonly domain: string | null
  readonly volume: number | null
  readonly maskSha256: string | null
  readonly prepared: Preparation
  readonly dtype: 'float32' | 'same'
  readonly gzipLevel: number
  readonly force: boolean
  readonly profile: Profile
  /** Images of the person's other visits, where they share one mapping. */
  readonly visitsSha256?: readonly string[]
}

export interface FileRecord extends HarmonizationRecord {
  readonly settings: Settings
  readonly input: { readonly name: string; readonly sha256: string }
  readonly output: {
    readonly name: string
    readonly datatype: string
    readonly clipped: number
    readonly rounded: boolean
    /** Absent after a dry run. */
    readonly sha256?: string
  }
  readonly changeMap?: ChangeMapRecord
  readonly uncertainty?: MapRecord
}

export interface ChangeMapRecord extends Gain {
  readonly name: string
  /** Absent after a dry run. */
  readonly sha256?: string
}

/** Found in the description of what attune wrote. */
const MARK = new RegExp(`\\battune (${ALL_METHODS.filter((method) => method !== 'identity').join('|')})\\b`)
const DESCRIPTION_LENGTH = 79
const CHANGE_MAP_DESCRIPTION = 'attune change map: output - (gain * input + offset)'

/**
 * Harmonizes one NIfTI file.
 * @throws {ConfigError} when the output exists (unless `overwrite`) or is no NIfTI name; what reading, guards and writing throw.
 *         Nothing is written then
 */
export async function applyFile(harmonizer: Harmonizer, request: FileRequest): Promise<FileRecord> {
  const { input, output, dtype, gzipLevel } = request
  if (!request.dryRun) await checkPlace(request)
  checkName(request, harmonizer.identity)
  const settings = await settingsOf(harmonizer, request)
  const { image, options } = await readRequest(harmonizer, request)
  const { description } = image.header
  const harmonized = await harmonizer.apply(image.volume, {
    ...options,
    visits: request.visits,
    uncertainty: request.uncertainty !== undefined,
  })
  const { volume } = harmonized
  const writing = request.dryRun
    ? { datatype: dtype === 'same' ? image.header.datatype : 'float32', clipped: 0, rounded: false }
    : writeNifti(output, volume, {
        like: image.header,
        dtype,
        gzipLevel,
        ...(volume !== image.volume && { description: marked(description, harmonizer.identity) }),
      })
  const { record } = harmonized // measured while the thread pool deflates the image
  const written = await writing
  const changeMap = await writeChangeMap(request, image, harmonized)
  const uncertainty = await writeUncertainty(request, image.header, harmonized)
  const complete: FileRecord = {
    ...record,
    settings,
    input: { name: basename(input), sha256: image.sha256 },
    output: { name: basename(output), ...written },
    ...(changeMap && { changeMap }),
    ...(uncertainty && { uncertainty }),
  }
  const beside = request.sidecar
    ? { ...request.sidecar, [deedOf(harmonizer.identity).noun]: complete }
    : complete
  if (!request.dryRun) await writeFileAtomic(recordPath(output), `${JSON.stringify(beside, null, 2)}\n`)
  return complete
}

/** What the scan gives to a mapping that it shares with other visits; see `Harmonizer.visit`. */
export async function visitOf(harmonizer: Harmonizer, request: FileRequest): Promise<Visit | undefined> {
  const { image, options } = await readRequest(harmonizer, request)
  return harmonizer.visit(image.volume, options)
}

async function readRequest(
  harmonizer: Harmonizer,
  request: FileRequest,
): Promise<{ readonly image: NiftiImage; readonly options: ApplyOptions }> {
  const reading = readNifti(request.input, { volume: request.volume })
  harmonizer.warmUp()
  const image = await reading
  const mask = request.mask === undefined ? undefined : await readMask(request.mask, image.volume)
  const declared = await readDeclarations(request.input, image.header, request.declared)
  const options = {
    domain: request.domain,
    mask,
    force: request.force,
    alreadyHarmonized: declared.harmonized || MARK.test(image.header.description),
    preparation: firstKnown(request.prepared ?? {}, declared.preparation),
    kind: declared.kind,
    unit: declared.unit,
    acquisition: declared.acquisition,
    profile: request.profile,
  }
  return { image, options }
}

/** The map is written before the record, so that a record is never without its map. */
async function writeChangeMap(
  { changeMap: path, gzipLevel, dryRun }: FileRequest,
  { volume, header }: NiftiImage,
  { volume: output, mask }: Harmonized,
): Promise<ChangeMapRecord | undefined> {
  if (path === undefined) return undefined
  const { map, gain } = changeMapOf(volume, output, mask)
  const written = dryRun
    ? {}
    : await writeNifti(path, map, {
        like: header,
        dtype: 'float32',
        gzipLevel,
        description: CHANGE_MAP_DESCRIPTION,
      })
  return { name: basename(path), ...gain, ...('sha256' in written && { sha256: written.sha256 as string }) }
}

/** What a record says of how its output was made; part of what decides whether a cohort's output is up to date. */
export async function settingsOf(harmonizer: Harmonizer, request: FileRequest): Promise<Settings> {
  return {
    attune: request.version,
    harmonizer: harmonizer.identity,
    domain: request.domain ?? null,
    volume: request.volume ?? null,
    maskSha256: request.mask === undefined ? null : await niftiSha256(request.mask),
    prepared: request.prepared ?? {},
    dtype: request.dtype,
    gzipLevel: request.gzipLevel,
    force: request.force,
    profile: request.profile ?? 'quality',
    ...(request.visitsSha256 && { visitsSha256: request.visitsSha256 }),
  }
}

/** Whether the output is there and was made from this input in this way. */
export async function isUpToDate(harmonizer: Harmonizer, request: FileRequest): Promise<boolean> {
  const beside = await readFile(recordPath(request.output), 'utf8')
    .then((text) => JSON.parse(text) as Record<string, unknown> | null)
    .catch(() => undefined)
  const { [deedOf(harmonizer.identity).noun]: inSidecar, ...sidecar } = beside ?? {}
  const record = (request.sidecar ? inSidecar : beside) as Partial<FileRecord> | null | undefined
  if (record?.settings === undefined) return false // none there, or not one of ours
  return (
    (!request.sidecar || JSON.stringify(sidecar) === JSON.stringify(request.sidecar)) &&
    JSON.stringify(record.settings) === JSON.stringify(await settingsOf(harmonizer, request)) &&
    record.input?.sha256 === (await niftiSha256(request.input)) &&
    (await sha256File(request.output).catch(() => undefined)) === record.output?.sha256 &&
    (request.uncertainty === undefined || (await holdsMap(request.uncertainty, record.uncertainty)))
  )
}

/** `DIR/sub-1_T1w.nii.gz` -> `DIR/sub-1_T1w.json` */
export function recordPath(output: string): string {
  return output.replace(/\.nii(\.gz)?$/, '.json')
}

async function checkPlace({ input, output, changeMap, uncertainty, overwrite }: FileRequest): Promise<void> {
  const maps = [changeMap, uncertainty].filter((path) => path !== undefined)
  const images = [output, ...maps]
  for (const path of images) {
    if (!/\.nii(\.gz)?$/.test(path))
      throw new ConfigError(`${path} is not a NIfTI name.`, 'Let it end in .nii or .nii.gz.')
    if (resolve(input) === resolve(path))
      throw new ConfigError(`${path} is the input itself.`, 'Name another output; inputs are never replaced.')
  }
  const places = images.map((path) => resolve(path))
  for (const [index, place] of places.entries())
    if (places.indexOf(place) < index)
      throw new ConfigError(
        `${images[index]} is ${places.indexOf(place) === 0 ? 'the output itself' : 'the change map, too'}.`,
        'Name another file for the map.',
      )
  if (overwrite) return
  for (const path of [...images, recordPath(output)])
    if (await exists(path))
      throw new ConfigError(`${path} exists.`, 'Name another output, or pass --overwrite.')
}

/** @throws {ConfigError} for a translation into a file whose name says another contrast than it will show */
function checkName({ output, domain }: FileRequest, { translation, target }: HarmonizerIdentity): void {
  const name = basename(output)
  const named = contrastIn(name)?.contrast
  if (translation === undefined || domain === target || named === undefined || named === translation.to)
    return
  throw new ConfigError(
    `${output} is named ${named}; the translation from ${translation.from} gives ${translation.to}.`,
    `Name it for what it shows, such as ${translatedName(name, translation)}.`,
  )
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

/** The input's description, shortened where needed, and what was done. */
function marked(description: string, { method, sha256, translation }: HarmonizerIdentity): string {
  const what = translation === undefined ? '' : ` translated ${translationText(translation)}`
  const mark = `attune ${method}${what}${sha256 === undefined ? '' : ` ${sha256.slice(0, 12)}`}`
  const kept = description.trim().slice(0, DESCRIPTION_LENGTH - mark.length - 2)
  return kept === '' ? mark : `${kept}; ${mark}`
}
