/** The one importer of nifti-reader-js: the bytes of a header in, plain checked data out. */
import { NIFTI1, NIFTI2 } from 'nifti-reader-js'
import { type AttuneError, ConfigError, InputError, RefusedError } from '../../errors.ts'
import { determinant } from '../../kernels/matrix.ts'
import type { Grid } from '../../volume/volume.ts'
import { affineOf } from './affine.ts'
import { datatypeOfCode, kindWithoutIntensity, layoutOf, refusedName } from './datatype.ts'
import { FLAG_BYTES } from './extensions.ts'
import { HEADER_BYTES, type HeaderFields, scaleOf, shapeOf } from './header.ts'
import { type Identity, identify } from './identity.ts'

/** As much of a file as says all that `decodeHeader` needs. */
export const LONGEST_HEAD: number = HEADER_BYTES[2] + FLAG_BYTES

/** What a header says, and where the chosen volume lies. */
export interface Decoded extends Identity {
  /** Of the chosen volume: sizes beyond the third are 1. */
  readonly header: HeaderFields
  readonly grid: Grid
  readonly littleEndian: boolean
  /** Where the first volume's samples start; what lies before, behind the header, are extensions or nothing. */
  readonly offset: number
  /** Where the chosen volume's samples start, and how many bytes they take. */
  readonly from: number
  readonly bytes: number
  /** Size of the uncompressed file that holds the samples. */
  readonly whole: number
}

/**
 * @param head the first `LONGEST_HEAD` bytes (or all, where the file has fewer) of the uncompressed file
 * @param source the file's name, for messages
 * @param volume which of several volumes, counted from 0 as they are stored
 * @throws {InputError} when this is no NIfTI header of scalar samples at a known place, or `volume` is not given and there are several
 * @throws {RefusedError} for color and complex images
 * @throws {ConfigError} when there is no such volume
 */
export function decodeHeader(head: Uint8Array, source: string, volume?: number): Decoded {
  const identity = identify(head, source)
  const { header, littleEndian, offset } = readFields(head, identity, source)
  const { voxels, volumes } = checkSizes(header, source)
  const index = chosen(volume, volumes, header, source)
  const scale = scaleOf(header)
  if (!Number.isFinite(scale.intercept))
    throw new InputError(
      `${source}: the intercept of the intensity scaling is ${scale.intercept}.`,
      'Correct scl_inter of the header, or convert the image again.',
    )
  const affine = affineOf(header)
  const det = determinant(affine)
  if (!affine.every(Number.isFinite) || !Number.isFinite(det) || Math.abs(det) < 1e-12)
    throw new InputError(
      `${source}: the ${placementName(header)} maps voxels to no place in space (${affine
        .slice(0, 12)
        .map((value) => Number(value.toPrecision(4)))
        .join(' ')}).`,
      'Convert the image again from its source, or correct the header.',
    )
  const shape = shapeOf(header)
  const bytes = voxels * layoutOf(header.datatype).bytes
  return {
    ...identity,
    header: volumes === 1 ? header : { ...header, dim: [3, ...shape, 1, 1, 1, 1] },
    grid: { shape, affine },
    littleEndian,
    offset,
    from: offset + index * bytes,
    bytes,
    whole: offset + volumes * bytes,
  }
}

function placementName({ sform, qform }: HeaderFields): string {
  return sform.code > 0 ? 'sform' : qform.code > 0 ? 'qform' : 'voxel size'
}

/** Byte positions of what is read here and not by the library. @see nifti1.h, nifti2.h */
const POSITIONS = {
  1: { rows: 280, description: [148, 80], auxFile: [228, 24], intentName: [328, 16] },
  2: { rows: 400, description: [240, 80], auxFile: [320, 24], intentName: [508, 16] },
} as const

/**
 * Numbers come from the library, except where it is wrong: it drops the sform where the qform has the larger code, its walk over extensions
 * does not end when one gives its size as negative, and its 64-bit integers are wrong below 0 in either byte order and, in big-endian
 * files, from 2^31 on (low halves are taken as signed).
 */
function readFields(head: Uint8Array, { version, paired }: Identity, source: string) {
  const copy = Uint8Array.from(head.subarray(0, HEADER_BYTES[version]))
  const view = new DataView(copy.buffer)
  const raw = version === 1 ? new NIFTI1() : new NIFTI2()
  raw.readHeader(copy.buffer)
  const { littleEndian } = raw
  const at = POSITIONS[version]
  const text = ([start, length]: readonly [number, number]): string => {
    const bytes = copy.subarray(start, start + length)
    const end = bytes.indexOf(0)
    return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString('latin1')
  }
  const int64 = (position: number): number => Number(view.getBigInt64(position, littleEndian))
  const datatype = datatypeOfCode(raw.datatypeCode)
  if (datatype === undefined) throw notHeld(source, raw.datatypeCode)
  const header: HeaderFields = {
    dim: version === 1 ? raw.dims : raw.dims.map((_, k) => int64(16 + 8 * k)),
    pixdim: raw.pixDims,
    datatype,
    slope: raw.scl_slope,
    intercept: raw.scl_inter,
    calMin: raw.cal_min,
    calMax: raw.cal_max,
    units: raw.xyzt_units,
    dimInfo: raw.dim_info,
    intent: {
      code: raw.intent_code,
      name: text(at.intentName),
      parameters: [raw.intent_p1, raw.intent_p2, raw.intent_p3],
    },
    slices: {
      start: version === 1 ? raw.slice_start : int64(224),
      end: version === 1 ? raw.slice_end : int64(232),
      code: raw.slice_code,
      duration: raw.slice_duration,
    },
    toffset: raw.toffset,
    description: text(at.description),
    auxFile: text(at.auxFile),
    qform: {
      code: raw.qform_code,
      quaternion: [raw.quatern_b, raw.quatern_c, raw.quatern_d],
      offset: [raw.qoffset_x, raw.qoffset_y, raw.qoffset_z],
    },
    sform: {
      code: raw.sform_code,
      rows: Array.from({ length: 12 }, (_, k) =>
        version === 1
          ? view.getFloat32(at.rows + 4 * k, littleEndian)
          : view.getFloat64(at.rows + 8 * k, littleEndian),
      ),
    },
  }
  const stored = version === 1 ? raw.vox_offset : int64(168)
  const earliest = paired ? 0 : HEADER_BYTES[version] + FLAG_BYTES
  // Older writers leave 0 here; in a single file that can only mean "right behind the header".
  const offset = stored === 0 ? earliest : stored
  if (!Number.isSafeInteger(offset) || offset < earliest)
    throw new InputError(
      `${source}: samples start at byte ${stored}; a NIfTI-${version} ${paired ? 'pair' : 'file'} has them at ${earliest} or later.`,
      'The header is damaged: convert the image again.',
    )
  return { header, littleEndian, offset }
}

/** Voxels of one volume, and how many volumes. @throws {InputError} for a size below 1 */
/** Color and complex images are sound files and no images of one intensity; other types are only not read. */
function notHeld(source: string, code: number): AttuneError {
  const name = refusedName(code)
  switch (kindWithoutIntensity(code)) {
    case 'color':
      return new RefusedError(
        `${source}: a color image (${name}), which has no intensity to harmonize.`,
        'Give the image that the colors were made from: one real number per voxel.',
      )
    case 'complex':
      return new RefusedError(
        `${source}: a complex image (${name}), whose magnitude and phase attune does not take apart.`,
        'Give its magnitude as an image of one real number per voxel.',
      )
    case undefined:
      return new InputError(
        `${source}: samples are of type ${name}, which attune does not read.`,
        'Convert them to one real number per voxel: int8 to uint32, float32 or float64.',
      )
  }
}

function checkSizes({ dim }: HeaderFields, source: string): { voxels: number; volumes: number } {
  const count = dim[0] as number
  if (count < 1 || count > 7)
    throw new InputError(
      `${source}: the header gives ${count} dimensions; 1 to 7 are possible.`,
      'The header is damaged: convert the image again.',
    )
  const sizes = dim.slice(1, count + 1)
  if (sizes.some((size) => size < 1))
    throw new InputError(
      `${source}: the header gives the size ${sizes.join(' x ')}; every size must be at least 1.`,
      'The header is damaged: convert the image again.',
    )
  const product = (values: readonly number[]): number => values.reduce((a, b) => a * b, 1)
  return { voxels: product(sizes.slice(0, 3)), volumes: product(sizes.slice(3)) }
}

/** Which volume is meant. */
function chosen(volume: number | undefined, volumes: number, { dim }: HeaderFields, source: string): number {
  const size = dim.slice(1, (dim[0] as number) + 1).join(' x ')
  if (volume === undefined && volumes > 1)
    throw new InputError(
      `${source}: ${size} holds ${volumes} volumes; attune takes one at a time.`,
      `Choose one from 0 to ${volumes - 1} (attune apply --volume 0; readNifti(path, { volume: 0 })), or split the file.`,
    )
  const index = volume ?? 0
  if (!Number.isInteger(index) || index < 0 || index >= volumes)
    throw new ConfigError(
      `${source}: ${size} holds no volume ${index}.`,
      volumes === 1
        ? 'It holds one volume, number 0: leave the choice out.'
        : `Choose one from 0 to ${volumes - 1}.`,
    )
  return index
}
