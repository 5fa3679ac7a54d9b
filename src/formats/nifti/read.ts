/** NIfTI images from files: .nii or a .hdr/.img pair, plain or gzipped; the content decides, not the suffix. */
import { createHash, type Hash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { endianness } from 'node:os'
import { InputError } from '../../errors.ts'
import { type Grid, type Samples, type Volume, volumeOf } from '../../volume/volume.ts'
import { layoutOf } from './datatype.ts'
import { type Decoded, decodeHeader, LONGEST_HEAD } from './decode.ts'
import { decodeExtensions } from './extensions.ts'
import { HEADER_BYTES, type HeaderFields, type NiftiHeader, scaleOf } from './header.ts'
import { imageFiles } from './pair.ts'
import { checkSize, contentOf, headerContentOf, partsOf, type Stored, startOf, withStored } from './stored.ts'

export interface NiftiImage {
  readonly volume: Volume
  readonly header: NiftiHeader
  /** Of the file as stored, lower-case hexadecimal; of a pair, as `niftiSha256` says. */
  readonly sha256: string
}

export interface ReadOptions {
  /** Which volume of a file with several, counted from 0 as they are stored (dimension 4 first, then 5 to 7). */
  readonly volume?: number | undefined
}

/** A volume above this is refused: one typed array cannot hold it safely beside its copies. */
const LARGEST = 2 ** 32 - 2 ** 20

/**
 * Reads one scalar volume of a NIfTI-1 or NIfTI-2 image in either byte order; of a pair, `path` names either file. Samples keep the
 * stored type (in this machine's byte order); `volume.scale` holds slope and intercept.
 * Memory is bounded by the file's size and what its header declares of one volume.
 * @throws {InputError} when the file is missing, damaged, not NIfTI with scalar samples, or holds several volumes and none is chosen
 * @throws {RefusedError} for color and complex images
 * @throws {ConfigError} when there is no volume of the chosen number
 */
export async function readNifti(path: string, options: ReadOptions = {}): Promise<NiftiImage> {
  return withImage(path, options, async (opened) => {
    const hash = createHash('sha256')
    const [extensions, samples] = await readParts(opened, hash)
    const { decoded } = opened
    const { header, grid } = decoded
    return {
      volume: volumeOf(grid, samplesOf(samples, decoded), { scale: scaleOf(header) }),
      header: { ...header, extensions: decodeExtensions(extensions, decoded.littleEndian) },
      sha256: hash.digest('hex'),
    }
  })
}

/**
 * Reads only the header: where an image is and how large.
 * @throws as `readNifti` does, except for damage behind the header
 */
export async function readNiftiHeader(
  path: string,
  options: ReadOptions = {},
): Promise<{ header: HeaderFields; grid: Grid }> {
  return withImage(path, options, async ({ decoded: { header, grid } }) => ({ header, grid }))
}

/** Lower-case hexadecimal SHA-256 of an image's file as stored; of a pair, of the header's file followed by the samples' file. */
export async function niftiSha256(path: string): Promise<string> {
  const { header, samples } = await imageFiles(path)
  const hash = createHash('sha256').update(await readFile(header))
  return (samples === undefined ? hash : hash.update(await readFile(samples))).digest('hex')
}

/** An image whose header is read and judged. */
interface Opened {
  readonly decoded: Decoded
  readonly head: Stored
  /** The same file as `head`, except in a pair. */
  readonly body: Stored
}

async function withImage<T>(
  path: string,
  { volume }: ReadOptions,
  use: (opened: Opened) => Promise<T>,
): Promise<T> {
  const files = await imageFiles(path)
  return withStored(files.header, async (head) => {
    const decoded = decodeHeader(await startOf(head, LONGEST_HEAD), head.path, volume)
    if (decoded.bytes > LARGEST)
      throw new InputError(
        `${head.path}: the header declares ${mebibytes(decoded.bytes)} MiB of samples; attune reads up to ${mebibytes(LARGEST)}.`,
        'Crop or downsample the image; if it is smaller than that, its header is damaged.',
      )
    const judged = async (body: Stored): Promise<T> => {
      checkSize(body, decoded.whole)
      return use({ decoded, head, body })
    }
    if (!decoded.paired) return judged(head)
    if (files.samples === undefined)
      throw new InputError(
        `${head.path}: is the header of a .hdr/.img pair, and its samples are not beside it.`,
        'Put NAME.img (or NAME.img.gz) beside NAME.hdr, or convert the image again.',
      )
    return withStored(files.samples, judged)
  })
}

/** The bytes between header and samples, and those of the chosen volume. */
async function readParts({ decoded, head, body }: Opened, hash: Hash): Promise<[Uint8Array, Uint8Array]> {
  const { version, paired, offset, from, bytes, whole } = decoded
  const fields = HEADER_BYTES[version]
  const behind = paired ? (await headerContentOf(head, hash)).subarray(fields) : undefined
  if (from === offset && from + bytes === whole) {
    const content = await contentOf(body, whole, hash)
    return [behind ?? content.subarray(fields, offset), content.subarray(from)]
  }
  const ranges = [[fields, behind ? fields : offset] as const, [from, from + bytes] as const]
  const [between, samples] = (await partsOf(body, ranges, whole, hash)) as [Uint8Array, Uint8Array]
  return [behind ?? between, samples]
}

/** A view of the samples, copied only where they are not aligned; byte order is mended in place. */
function samplesOf(bytes: Uint8Array, { header, littleEndian }: Decoded): Samples {
  const { bytes: width, view } = layoutOf(header.datatype)
  let part = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (part.byteOffset % width !== 0) part = Buffer.from(Uint8Array.from(part).buffer)
  if (littleEndian !== (endianness() === 'LE')) {
    if (width === 2) part.swap16()
    if (width === 4) part.swap32()
    if (width === 8) part.swap64()
  }
  return view(part.buffer, part.byteOffset, part.length / width)
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20)
}
