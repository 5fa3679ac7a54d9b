/** The scans of one subject, registered to each other and resampled once into their mid-way space. */
import { join } from 'node:path'
import { AttuneError } from '../errors.ts'
import type { NiftiHeader } from '../formats/nifti/header.ts'
import { readNifti } from '../formats/nifti/read.ts'
import { writeNifti } from '../formats/nifti/write.ts'
import { type Affine, multiply, type Vector3 } from '../kernels/matrix.ts'
import { type Member, registerGroup } from '../spatial/registration/group.ts'
import { midwayOf } from '../spatial/registration/midway.ts'
import { registerPair } from '../spatial/registration/pair.ts'
import { rotationDegrees, shiftAt } from '../spatial/registration/rigid.ts'
import { type WorkingImage, workingImage } from '../spatial/registration/working.ts'
import { resample } from '../spatial/resample.ts'
import { type Grid, toFloat32, type Volume, voxelSize } from '../volume/volume.ts'
import type { Scan } from './cohort.ts'
import { loadScan } from './images.ts'

export interface RegistrationSettings {
  /** Of the random starts and samples: equal input and seed, equal bytes. */
  readonly seed: number
  /** Largest error with which a scan is kept, mm. By default half a voxel of the coarser of the two images. */
  readonly maxErrorMm?: number
}

/** What a scan has beside its image. */
export const ROLES = ['image', 'mask', 'region', 'lesions', 'tissue'] as const
export type Role = (typeof ROLES)[number]

/** What was found about one scan, and what was written. */
export interface RegisteredScan {
  readonly domain: string
  readonly session: string
  /** The scan that the others were registered to. */
  readonly anchor: boolean
  /** Rotation from the anchor scan, degrees. */
  readonly rotationDegrees?: number
  /** How far the middle of the head moved from the anchor scan, mm along R, A, S. */
  readonly translationMm?: Vector3
  /** 95th percentile over the mask of the error left in the registration to the anchor scan, mm; 0 for the anchor itself. */
  readonly errorMm?: number
  /** Error up to which the scan is kept, mm. */
  readonly limitMm?: number
  /** World of the scan to the world of the outputs, mm, 4x4 row-major. */
  readonly toMidway?: Affine
  /** Why the scan was left out. */
  readonly excluded?: string
  /** Files written, none where it was left out. */
  readonly files: Partial<Record<Role, WrittenFile>>
}

export interface WrittenFile {
  /** Within the subject's folder. */
  readonly name: string
  readonly sha256: string
}

/** Half a voxel (of the coarser image): beyond it, neighbouring voxels are taken for each other. */
const LARGEST_ERROR_VOXELS = 0.5

/** A scan as it takes part: everything but its voxels, which are read again when they are written. */
interface Candidate extends WorkingImage {
  readonly scan: Scan
  readonly grid: Grid
}

/**
 * Writes the scans into `folder`, which is made. A scan that cannot be read or registered is left out; the others go on.
 * @param scans of one subject
 * @param onProgress called with what is about to be done
 * @throws {MissingError} when elastix is not installed or `folder` cannot be written
 */
export async function registerSubject(
  scans: readonly Scan[],
  folder: string,
  { seed, maxErrorMm }: RegistrationSettings,
  onProgress: (what: string) => void = () => {},
): Promise<readonly RegisteredScan[]> {
  const found = new Map<Scan, RegisteredScan>()
  const leftOut = (scan: Scan, excluded: string): void => {
    found.set(scan, { domain: scan.domain, session: scan.session, anchor: false, excluded, files: {} })
  }
  const candidates: Candidate[] = []
  for (const scan of scans) {
    onProgress(`reading ${scan.domain} ${scan.session}`)
    try {
      candidates.push(await candidateOf(scan))
    } catch (cause) {
      if (!(cause instanceof AttuneError) || cause.exitCode !== 4) throw cause
      leftOut(scan, cause.what)
    }
  }
  if (candidates.length > 0) {
    const limit = (a: Candidate, b: Candidate): number =>
      maxErrorMm ?? LARGEST_ERROR_VOXELS * Math.max(edgeOf(a.grid), edgeOf(b.grid))
    const group = await registerGroup(
      candidates,
      limit,
      (a, b) => registerPair(a, b, seed),
      (_, other) => {
        const { domain, session } = (candidates[other] as Candidate).scan
        onProgress(`registering ${domain} ${session}`)
      },
    )
    const names = fileNames(candidates.map(({ scan }) => scan))
    for (const [scan, result] of await writeGroup(group.anchor, group.members, names, folder, onProgress))
      found.set(scan, result)
  }
  return scans.map((scan) => found.get(scan) as RegisteredScan)
}

async function candidateOf(scan: Scan): Promise<Candidate> {
  const { volume, mask } = await loadScan(scan)
  const { shape, affine } = volume
  return { scan, grid: { shape, affine }, ...workingImage(volume, mask) }
}

/** Edge of a cube as large as one voxel, mm. */
function edgeOf(grid: Grid): number {
  return Math.cbrt(voxelSize(grid).reduce((product, mm) => product * mm, 1))
}

async function writeGroup(
  anchor: Candidate,
  members: readonly Member<Candidate>[],
  names: readonly string[],
  folder: string,
  onProgress: (what: string) => void,
): Promise<ReadonlyMap<Scan, RegisteredScan>> {
  const kept = members.flatMap(({ image, pair, excluded }) =>
    pair === undefined || excluded !== undefined
      ? []
      : [{ image, grid: image.grid, fromAnchor: pair.transform }],
  )
  const { grid, toMidway } = midwayOf(kept, anchor.centre)
  const results = new Map<Scan, RegisteredScan>()
  for (const [index, { image, pair, limitMm, excluded }] of members.entries()) {
    const { scan } = image
    const place = toMidway[kept.findIndex((one) => one.image === image)]
    if (place) onProgress(`writing ${scan.domain} ${scan.session}`)
    results.set(scan, {
      domain: scan.domain,
      session: scan.session,
      anchor: image === anchor,
      ...(pair && {
        rotationDegrees: rotationDegrees(pair.transform),
        translationMm: shiftAt(pair.transform, anchor.centre),
        errorMm: pair.errorMm,
      }),
      limitMm,
      ...(excluded !== undefined && { excluded }),
      ...(place && { toMidway: place }),
      files: place ? await writeScan(scan, place, grid, join(folder, names[index] as string)) : {},
    })
  }
  return results
}

/** Writes image and maps as `STEM_ROLE.nii.gz`. */
async function writeScan(
  scan: Scan,
  toMidway: Affine,
  grid: Grid,
  stem: string,
): Promise<RegisteredScan['files']> {
  const paths: Readonly<Record<Role, string | undefined>> = {
    image: scan.image,
    mask: scan.mask,
    region: scan.region,
    ...{ lesions: scan.truth.lesions, tissue: scan.truth.tissue },
  }
  const files: Partial<Record<Role, WrittenFile>> = {}
  for (const role of ROLES) {
    const path = paths[role]
    if (path === undefined) continue
    const { volume, header } = await readNifti(path)
    const moved = { ...volume, affine: multiply(toMidway, volume.affine) }
    const target = `${stem}_${role}.nii.gz`
    const { sha256 } = await write(target, moved, header, grid, role)
    files[role] = { name: target.slice(target.lastIndexOf('/') + 1), sha256 }
  }
  return files
}

/** Images through the windowed sinc, within the range of the values they had; labels by the nearest voxel, in their own type. */
async function write(
  path: string,
  volume: Volume,
  like: NiftiHeader,
  grid: Grid,
  role: Role,
): Promise<{ sha256: string }> {
  if (role !== 'image') return writeNifti(path, resample(volume, grid, 'nearest'), { like, dtype: 'same' })
  return writeNifti(path, withinRange(resample(volume, grid, 'sinc'), volume), { like })
}

/** The kernel's overshoot at edges, such as air below 0, taken back to the range of the input and of the 0 beyond its field of view. */
function withinRange(resampled: Volume, input: Volume): Volume {
  let [low, high] = [0, 0]
  for (const value of toFloat32(input)) {
    if (value < low) low = value
    if (value > high) high = value
  }
  const data = toFloat32(resampled).map((value) => Math.min(high, Math.max(low, value)))
  return { ...resampled, data }
}

/** Domain and session in letters that every file system takes; a number is added where two would be one. */
function fileNames(scans: readonly Scan[]): readonly string[] {
  return distinct(scans.map(({ domain, session }) => `${domain}_${session}`))
}

/** Names for files or folders: no separators, no dots, no two alike even where case does not count. */
export function distinct(names: readonly string[]): readonly string[] {
  const used = new Set<string>()
  return names.map((name) => {
    const safe = name.replace(/[^A-Za-z0-9_-]+/g, '-')
    let unique = safe
    for (let n = 2; used.has(unique.toLowerCase()); n++) unique = `${safe}-${n}`
    used.add(unique.toLowerCase())
    return unique
  })
}
