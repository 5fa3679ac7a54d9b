/** The images behind the rows of a cohort. */
import type { Origin } from '../domain/acquisition.ts'
import type { Declared } from '../domain/declared.ts'
import { hounsfieldLike } from '../domain/hounsfield.ts'
import { InputError } from '../errors.ts'
import type { NiftiHeader } from '../formats/nifti/header.ts'
import { readNifti } from '../formats/nifti/read.ts'
import { type Interpolation, resample } from '../spatial/resample.ts'
import { bodyMask } from '../volume/body.ts'
import { foregroundMask } from '../volume/mask.ts'
import { sameGrid, toFloat32, type Volume, volumeOf } from '../volume/volume.ts'
import type { Pair, Scan } from './cohort.ts'
import { readDeclarations } from './declarations.ts'
import { GRID_TOLERANCE_MM } from './grids.ts'

/** One scan in memory. */
export interface LoadedScan {
  readonly volume: Volume
  readonly header: NiftiHeader
  /** 1 inside, on the image's grid. */
  readonly mask: Uint8Array
  readonly maskSource: 'given' | 'foreground'
  /** What is said of it, beside the file, in its name and in its header. */
  readonly declared: Declared
  readonly origin: Origin
}

/**
 * In the unit that its sidecar, its name or its values say.
 * @throws {InputError} when image or mask cannot be read, or the mask is empty or on another grid
 */
export async function loadScan(scan: Scan): Promise<LoadedScan> {
  const { volume: stored, header } = await readNifti(scan.image)
  const declared = await readDeclarations(scan.image, header, scan.sidecar)
  const unit = declared.unit?.unit ?? hounsfieldLike(stored)?.unit ?? 'arbitrary'
  const volume = { ...stored, unit }
  const origin = { domain: scan.domain, acquisition: declared.acquisition }
  if (scan.mask !== undefined)
    return { volume, header, declared, origin, mask: await readMask(scan.mask, volume), maskSource: 'given' }
  const mask = unit === 'HU' ? bodyMask(volume) : foregroundMask(volume)
  return { volume, header, declared, origin, mask, maskSource: 'foreground' }
}

/** The voxels of a mask file that are above 0, as 0 and 1. */
export async function readMask(path: string, image: Volume): Promise<Uint8Array> {
  const { volume } = await readNifti(path)
  if (!sameGrid(volume, image, GRID_TOLERANCE_MM))
    throw new InputError(
      `${path}: the mask is ${volume.shape.join(' x ')}, its image ${image.shape.join(' x ')}, or they lie in different places.`,
      'Resample the mask to the image with nearest neighbour.',
    )
  const mask = Uint8Array.from(toFloat32(volume), (value) => (value > 0 ? 1 : 0))
  if (!mask.includes(1))
    throw new InputError(
      `${path}: the mask selects no voxel.`,
      'Give a mask that is above 0 inside the head.',
    )
  return mask
}

/** Two scans of one person in memory. */
export interface LoadedPair {
  readonly source: Volume
  /** On the source's grid; 0 where it was not scanned. */
  readonly target: Volume
  /** Voxels in both masks, both fields of view and the source's `region`. */
  readonly mask: Uint8Array
  /** Source and target as they came, each on its own grid with its own mask. */
  readonly scans: readonly [LoadedScan, LoadedScan]
}

/**
 * Both scans of a pair on the source's grid. Where the target's grid is another one it is resampled in world coordinates;
 * the images are taken to be registered.
 */
export async function loadPair(pair: Pair, interpolation: Interpolation = 'linear'): Promise<LoadedPair> {
  const scans = await Promise.all([loadScan(pair.source), loadScan(pair.target)])
  const [source, target] = scans
  const { region } = pair.source
  const counted = region === undefined ? source.mask : await readMask(region, source.volume)
  const own = source.mask.map((value, v) => value & (counted[v] as number))
  if (sameGrid(source.volume, target.volume, GRID_TOLERANCE_MM)) {
    const mask = own.map((value, v) => value & (target.mask[v] as number))
    return { source: source.volume, target: target.volume, mask, scans }
  }
  const onSource = resample(target.volume, source.volume, interpolation, Number.NaN)
  const targetMask = resample(volumeOf(target.volume, target.mask), source.volume, 'nearest')
  const values = toFloat32(onSource)
  const mask = own.map((value, v) =>
    value !== 0 && targetMask.data[v] !== 0 && Number.isFinite(values[v]) ? 1 : 0,
  )
  const seen = values.map((value) => (Number.isNaN(value) ? 0 : value))
  return { source: source.volume, target: volumeOf(onSource, seen, onSource), mask, scans }
}
