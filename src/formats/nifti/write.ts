/** Images to NIfTI-1 files, .nii or .nii.gz, whatever they were read from. */
import { createHash } from 'node:crypto'
import { ConfigError } from '../../errors.ts'
import { writeFileAtomic } from '../../files.ts'
import type { Volume } from '../../volume/volume.ts'
import { type Datatype, datatypeOf } from './datatype.ts'
import { encodeHeader, headerFor } from './encode.ts'
import { gzipParallel } from './gzip.ts'
import { type NiftiHeader, scaleOf } from './header.ts'
import { samplesAs } from './samples.ts'

/** `dim` is a signed 16-bit number. */
const LONGEST = 32767

export interface WriteOptions {
  /**
   * The header whose fields, affine codes, description and extensions the new file keeps; usually that of the input image.
   * Fractions of a NIfTI-2 header are rounded to float32.
   */
  readonly like?: NiftiHeader
  /** `float32`, or `same`: the stored type and intensity scaling of `like` (without it, of the volume). */
  readonly dtype?: 'float32' | 'same'
  /** 1 (fast) to 9 (small); for paths that end in `.gz`. */
  readonly gzipLevel?: number
  readonly description?: string
}

export interface WriteReport {
  /** The stored type, such as `int16`. */
  readonly datatype: string
  /** Voxels whose value the stored type cannot hold; the nearest that it can was written (0 for NaN). */
  readonly clipped: number
  /** Whether some value was rounded to a whole step of the stored type. */
  readonly rounded: boolean
  /** Of the file as written, lower-case hexadecimal. */
  readonly sha256: string
}

/**
 * Writes `volume` whole or not at all. Equal input gives equal bytes: no clock, no name inside.
 * @throws {MissingError} when the folder cannot be written
 * @throws {ConfigError} for a gzip level outside 1 to 9, a volume longer along an axis than NIfTI-1 can say, or a NIfTI-2 header
 *         in `like` with codes or slice numbers beyond it
 */
export async function writeNifti(
  path: string,
  volume: Volume,
  options: WriteOptions = {},
): Promise<WriteReport> {
  const { like, dtype = 'float32', gzipLevel = 1, description } = options
  if (!Number.isInteger(gzipLevel) || gzipLevel < 1 || gzipLevel > 9)
    throw new ConfigError(
      `The gzip level is ${gzipLevel}.`,
      'Give a whole number from 1 (fast) to 9 (small).',
    )
  if (volume.shape.some((size) => size > LONGEST))
    throw new ConfigError(
      `${path}: ${volume.shape.join(' x ')} voxels; NIfTI-1 holds at most ${LONGEST} along an axis.`,
      'Crop or downsample the volume.',
    )
  const stored: { datatype: Datatype; slope: number; intercept: number } =
    dtype === 'float32'
      ? { datatype: 'float32', slope: 1, intercept: 0 }
      : (like ?? { datatype: datatypeOf(volume.data), ...volume.scale })
  const { data, clipped, rounded } = samplesAs(volume, stored.datatype, scaleOf(stored))
  const header = encodeHeader({
    ...headerFor(volume, like),
    datatype: stored.datatype,
    slope: stored.slope,
    intercept: stored.intercept,
    ...(description !== undefined && { description }),
  })
  const parts = [header, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]
  const content = path.endsWith('.gz') ? await gzipParallel(parts, gzipLevel) : parts
  await writeFileAtomic(path, content)
  const hash = createHash('sha256')
  for (const chunk of content) hash.update(chunk)
  return { datatype: stored.datatype, clipped, rounded, sha256: hash.digest('hex') }
}
