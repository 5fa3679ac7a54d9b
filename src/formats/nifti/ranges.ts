/** Values of NIfTI images by ranges of voxels: of any number of images, none of which is ever whole in memory. */
import { closeSync, createReadStream, createWriteStream, openSync, readSync } from 'node:fs'
import { endianness } from 'node:os'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { InputError } from '../../errors.ts'
import type { Grid } from '../../volume/volume.ts'
import { layoutOf } from './datatype.ts'
import { decodeHeader, LONGEST_HEAD } from './decode.ts'
import { decodeExtensions } from './extensions.ts'
import { HEADER_BYTES, type NiftiHeader, scaleOf } from './header.ts'
import { checkSize, startOf, withStored } from './stored.ts'

/** An image whose header was read and whose size fits it. */
export interface RangedImage {
  /** Of the file that the user knows, for messages. */
  readonly source: string
  /** Where its samples are read from: the same, or an unpacked copy. */
  readonly path: string
  readonly gzipped: boolean
  /** Without extensions while it is packed. */
  readonly header: NiftiHeader
  readonly grid: Grid
  readonly littleEndian: boolean
  /** Where extensions start, where samples do, and the bytes of the whole file, unpacked. */
  readonly fields: number
  readonly offset: number
  readonly bytes: number
}

/**
 * Reads the header only.
 * @throws {InputError} when the file is missing, no NIfTI file of one scalar volume, of another size than it says, or half of a .hdr/.img pair
 * @throws {RefusedError} for color and complex images
 */
export function rangedImage(path: string): Promise<RangedImage> {
  return withStored(path, async (stored) => {
    const decoded = decodeHeader(await startOf(stored, LONGEST_HEAD), path)
    if (decoded.paired)
      throw new InputError(
        `${path}: is one half of a .hdr/.img pair, which is not read by ranges.`,
        'Convert it to a single file: .nii or .nii.gz.',
      )
    checkSize(stored, decoded.whole)
    const { version, header, grid, littleEndian, offset, whole } = decoded
    const fields = HEADER_BYTES[version]
    const between = stored.gzipped ? new Uint8Array(0) : bytesOf(path, path, fields, offset - fields)
    return {
      source: path,
      path,
      gzipped: stored.gzipped,
      header: { ...header, extensions: decodeExtensions(between, littleEndian) },
      grid,
      littleEndian,
      fields,
      offset,
      bytes: whole,
    }
  })
}

/**
 * Unpacks a gzipped image into the new file `path`; memory is that of a few chunks.
 * @throws {InputError} when the data is damaged, or not of the length that the header says
 */
export async function unpacked(image: RangedImage, path: string): Promise<RangedImage> {
  const { source, bytes, header, littleEndian, fields, offset } = image
  let passed = 0
  const counting = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      passed += chunk.length
      if (passed > bytes) throw lengthError(source, bytes)
      yield chunk
    }
  }
  await pipeline(
    createReadStream(source, { highWaterMark: 1 << 20 }),
    createGunzip({ chunkSize: 1 << 20 }),
    counting,
    createWriteStream(path, { flags: 'wx' }),
  ).catch((cause: NodeJS.ErrnoException) => {
    if (!cause.code?.startsWith('Z_')) throw cause
    throw new InputError(
      `${source}: the gzip data is incomplete or damaged (${cause.message}).`,
      'Copy or download the file again.',
      { cause },
    )
  })
  if (passed !== bytes) throw lengthError(source, bytes)
  const between = bytesOf(path, source, fields, offset - fields)
  return {
    ...image,
    path,
    gzipped: false,
    header: { ...header, extensions: decodeExtensions(between, littleEndian) },
  }
}

/**
 * Values of voxels from `start` on, in the order of the file, as many as `out` holds: samples with their slope and intercept.
 * @throws {InputError} when the file became shorter
 */
export function readValuesInto(out: Float64Array, image: RangedImage, start: number): void {
  const { source, path, header, littleEndian, offset } = image
  const { bytes: width, view } = layoutOf(header.datatype)
  const bytes = bytesOf(path, source, offset + start * width, out.length * width)
  if (littleEndian !== (endianness() === 'LE')) {
    if (width === 2) bytes.swap16()
    if (width === 4) bytes.swap32()
    if (width === 8) bytes.swap64()
  }
  const samples = view(bytes.buffer, bytes.byteOffset, out.length)
  const { slope, intercept } = scaleOf(header)
  if (slope === 1 && intercept === 0) out.set(samples)
  else for (let i = 0; i < out.length; i++) out[i] = (samples[i] as number) * slope + intercept
}

/** In memory of its own. The file is opened for each range, so that any number of images can be read side by side. */
function bytesOf(path: string, source: string, from: number, count: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(count)
  const file = openSync(path, 'r')
  try {
    for (let filled = 0; filled < count; ) {
      const read = readSync(file, bytes, filled, count - filled, from + filled)
      if (read === 0)
        throw new InputError(
          `${source}: became shorter while it was read.`,
          'Run again when nothing writes to it.',
        )
      filled += read
    }
  } finally {
    closeSync(file)
  }
  return bytes
}

function lengthError(source: string, expected: number): InputError {
  return new InputError(
    `${source}: header and samples take ${expected} bytes by the header, but the file holds another number.`,
    'The file is incomplete or its header damaged: copy or convert it again.',
  )
}
