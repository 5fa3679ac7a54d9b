/** NIfTI-1 images from files, plain or gzipped; the content decides, not the suffix. */
import { type FileHandle, open, stat } from 'node:fs/promises'
import { endianness } from 'node:os'
import { InputError } from '../../errors.ts'
import { sha256 } from '../../files.ts'
import { type Grid, type Samples, type Volume, volumeOf } from '../../volume/volume.ts'
import { layoutOf } from './datatype.ts'
import { type Decoded, decodeHeader } from './decode.ts'
import { inflateExactly, inflateStart, isGzip, LARGEST_RATIO } from './gzip.ts'
import { type NiftiHeader, SINGLE_FILE_OFFSET, scaleOf } from './header.ts'

export interface NiftiImage {
  readonly volume: Volume
  readonly header: NiftiHeader
  /** Of the file as stored, lower-case hexadecimal. */
  readonly sha256: string
}

/** Enough for a gzip header with a long name and the first 352 bytes behind it. */
const START = 1 << 16
/** Samples above this are refused: one typed array cannot hold them safely beside its copies. */
const LARGEST = 2 ** 32 - 2 ** 20

/**
 * Reads one scalar volume. Samples keep the stored type (in this machine's byte order); `volume.scale` holds slope and intercept.
 * Memory is bounded by the file's size and what its header declares.
 * @throws {InputError} when the file is missing, damaged, or not one scalar NIfTI-1 volume
 */
export async function readNifti(path: string): Promise<NiftiImage> {
  return withFile(path, async (file, size) => {
    const { decoded, gzipped } = await readStart(file, size, path)
    const stored = await readBytes(file, size, path)
    const inflating = gzipped ? inflate(stored, decoded, path) : Promise.resolve(stored)
    const hash = sha256(stored)
    const bytes = await inflating
    const { header, grid } = decoded
    return {
      volume: volumeOf(grid, samplesOf(bytes, decoded), { scale: scaleOf(header) }),
      header,
      sha256: hash,
    }
  })
}

/**
 * Reads only the header: where an image is and how large.
 * @throws {InputError} as `readNifti` does, except for damage behind the header
 */
export async function readNiftiHeader(path: string): Promise<{ header: NiftiHeader; grid: Grid }> {
  return withFile(path, async (file, size) => {
    const { header, grid } = (await readStart(file, size, path)).decoded
    return { header, grid }
  })
}

async function withFile<T>(path: string, use: (file: FileHandle, size: number) => Promise<T>): Promise<T> {
  let file: FileHandle | undefined
  try {
    const status = await stat(path)
    if (!status.isFile())
      throw new InputError(
        `${path}: is ${status.isDirectory() ? 'a folder' : 'not a regular file'}.`,
        'Give the image file itself.',
      )
    file = await open(path)
    return await use(file, status.size)
  } catch (cause) {
    if (cause instanceof InputError) throw cause
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw new InputError(`${path}: does not exist.`, 'Check the path.', { cause })
    throw new InputError(`${path}: cannot be read: ${message}.`, 'Check its permissions and the disk.', {
      cause,
    })
  } finally {
    await file?.close()
  }
}

async function readStart(
  file: FileHandle,
  size: number,
  path: string,
): Promise<{ decoded: Decoded; gzipped: boolean }> {
  const start = await readBytes(file, Math.min(size, START), path)
  const gzipped = isGzip(start)
  let head: Uint8Array = start.subarray(0, SINGLE_FILE_OFFSET)
  if (gzipped)
    try {
      head = await inflateStart(start, SINGLE_FILE_OFFSET)
    } catch (cause) {
      throw damaged(path, cause)
    }
  const decoded = decodeHeader(head, path)
  const whole = decoded.offset + decoded.bytes
  if (whole > LARGEST)
    throw new InputError(
      `${path}: the header declares ${mebibytes(whole)} MiB of samples; attune reads up to ${mebibytes(LARGEST)}.`,
      'Crop or downsample the image; if it is smaller than that, its header is damaged.',
    )
  // Judged before anything of that size is allocated: what the file could hold at best and at worst.
  const most = gzipped ? size * LARGEST_RATIO : size
  const least = gzipped ? size / 2 - START : size
  if (whole > most || whole < least) throw mismatch(path, whole, gzipped ? undefined : size)
  return { decoded, gzipped }
}

async function readBytes(file: FileHandle, count: number, path: string): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow(count)
  let filled = 0
  while (filled < count) {
    const { bytesRead } = await file.read(bytes, filled, count - filled, filled)
    if (bytesRead === 0)
      throw new InputError(
        `${path}: became shorter while it was read.`,
        'Run again when nothing writes to it.',
      )
    filled += bytesRead
  }
  return bytes
}

async function inflate(stored: Uint8Array, { offset, bytes }: Decoded, path: string): Promise<Uint8Array> {
  const whole = offset + bytes
  let inflated: Uint8Array
  try {
    inflated = await inflateExactly(stored, whole)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw mismatch(path, whole)
    throw damaged(path, cause)
  }
  if (inflated.length !== whole) throw mismatch(path, whole, inflated.length)
  return inflated
}

/** A view of the samples, copied only where they are not aligned; byte order is mended in place. */
function samplesOf(bytes: Uint8Array, { header, littleEndian, offset, bytes: length }: Decoded): Samples {
  const { bytes: width, view } = layoutOf(header.datatype)
  let part = Buffer.from(bytes.buffer, bytes.byteOffset + offset, length)
  if (part.byteOffset % width !== 0) {
    const aligned = Buffer.allocUnsafeSlow(length)
    part.copy(aligned)
    part = aligned
  }
  if (littleEndian !== (endianness() === 'LE')) {
    if (width === 2) part.swap16()
    if (width === 4) part.swap32()
    if (width === 8) part.swap64()
  }
  return view(part.buffer, part.byteOffset, length / width)
}

function mismatch(path: string, expected: number, found?: number): InputError {
  const held = found === undefined ? 'the file cannot hold that' : `the file holds ${found}`
  return new InputError(
    `${path}: header and samples take ${expected} bytes by the header, but ${held}.`,
    'The file is incomplete or its header damaged: copy or convert it again.',
  )
}

function damaged(path: string, cause: unknown): InputError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new InputError(
    `${path}: the gzip data is incomplete or damaged (${reason}).`,
    'Copy or download the file again.',
    { cause },
  )
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20)
}
