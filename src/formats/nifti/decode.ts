/** The one importer of nifti-reader-js: the bytes of a header in, plain checked data out. */
import { NIFTI1 } from 'nifti-reader-js'
import { InputError } from '../../errors.ts'
import { determinant } from '../../kernels/matrix.ts'
import type { Grid } from '../../volume/volume.ts'
import { affineOf } from './affine.ts'
import { type Datatype, datatypeOfCode, layoutOf, refusedName } from './datatype.ts'
import { HEADER_BYTES, type NiftiHeader, SINGLE_FILE_OFFSET, scaleOf, shapeOf } from './header.ts'

export interface Decoded {
  readonly header: NiftiHeader
  readonly grid: Grid
  readonly littleEndian: boolean
  /** Where the samples start, and how many bytes they take. */
  readonly offset: number
  readonly bytes: number
}

/**
 * @param head the first 352 bytes (or all, where the file has fewer) of the uncompressed file
 * @param source the file's name, for messages
 * @throws {InputError} when this is no NIfTI-1 file with one scalar volume at a known place
 */
export function decodeHeader(head: Uint8Array, source: string): Decoded {
  const raw = readRaw(head, source)
  const { header, littleEndian, offset } = raw
  const voxels = checkSizes(header, source)
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
  return {
    header,
    grid: { shape: shapeOf(header), affine },
    littleEndian,
    offset,
    bytes: voxels * layoutOf(header.datatype).bytes,
  }
}

function placementName({ sform, qform }: NiftiHeader): string {
  return sform.code > 0 ? 'sform' : qform.code > 0 ? 'qform' : 'voxel size'
}

function readRaw(head: Uint8Array, source: string) {
  checkIdentity(head, source)
  // Extensions are left out: the library's walk over them does not end when one gives its size as negative.
  const copy = new Uint8Array(SINGLE_FILE_OFFSET)
  copy.set(head.subarray(0, HEADER_BYTES))
  const raw = new NIFTI1()
  raw.readHeader(copy.buffer)
  const view = new DataView(copy.buffer)
  const text = (start: number, length: number): string => {
    const bytes = copy.subarray(start, start + length)
    const end = bytes.indexOf(0)
    return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString('latin1')
  }
  const datatype = datatypeOfCode(raw.datatypeCode)
  if (datatype === undefined)
    throw new InputError(
      `${source}: samples are of type ${refusedName(raw.datatypeCode)}, which attune does not read.`,
      'Convert them to one real number per voxel: int8 to uint32, float32 or float64.',
    )
  // Older writers leave 0 here; 352 is the only meaning it can have in a single file.
  const offset = raw.vox_offset === 0 ? SINGLE_FILE_OFFSET : raw.vox_offset
  if (!Number.isInteger(offset) || offset < SINGLE_FILE_OFFSET)
    throw new InputError(
      `${source}: samples start at byte ${raw.vox_offset}; a NIfTI-1 file has them at 352 or later.`,
      'The header is damaged: convert the image again.',
    )
  // The library lets the larger of the two codes win and drops the sform where it loses, so the rows are read here.
  const rows = Array.from({ length: 12 }, (_, k) => view.getFloat32(280 + 4 * k, raw.littleEndian))
  const header: NiftiHeader = {
    dim: raw.dims,
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
      name: text(328, 16),
      parameters: [raw.intent_p1, raw.intent_p2, raw.intent_p3],
    },
    slices: {
      start: raw.slice_start,
      end: raw.slice_end,
      code: raw.slice_code,
      duration: raw.slice_duration,
    },
    toffset: raw.toffset,
    description: text(148, 80),
    auxFile: text(228, 24),
    qform: {
      code: raw.qform_code,
      quaternion: [raw.quatern_b, raw.quatern_c, raw.quatern_d],
      offset: [raw.qoffset_x, raw.qoffset_y, raw.qoffset_z],
    },
    sform: { code: raw.sform_code, rows },
  }
  return { header, offset, littleEndian: raw.littleEndian }
}

/** Number of voxels. @throws {InputError} for a size below 1 or more than one volume */
function checkSizes(
  { dim }: { readonly dim: readonly number[]; readonly datatype: Datatype },
  source: string,
): number {
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
  const volumes = sizes.slice(3).reduce((product, size) => product * size, 1)
  if (volumes > 1)
    throw new InputError(
      `${source}: ${sizes.join(' x ')} holds ${volumes} volumes; attune takes one.`,
      'Split it into single volumes (for example with fslroi or nibabel.four_to_three) and give one of them.',
    )
  return sizes.slice(0, 3).reduce((product, size) => product * size, 1)
}

/** @throws {InputError} naming what the file is instead, where that can be told */
function checkIdentity(head: Uint8Array, source: string): void {
  const convert = 'Convert it to NIfTI-1 (.nii or .nii.gz) first, for example with dcm2niix or nibabel.'
  if (head.length >= HEADER_BYTES) {
    const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
    const size = [view.getInt32(0, true), view.getInt32(0, false)]
    const magic = Buffer.from(head.subarray(344, 348)).toString('latin1')
    if (size.includes(HEADER_BYTES)) {
      if (magic === 'n+1\0') return
      if (magic === 'ni1\0')
        throw new InputError(
          `${source}: is the header of a .hdr/.img pair, which attune does not read.`,
          convert,
        )
      throw new InputError(
        `${source}: has the size of a NIfTI-1 header but not its mark ("n+1" at byte 344): an ANALYZE image or a damaged file.`,
        convert,
      )
    }
    if (size.includes(540))
      throw new InputError(`${source}: is NIfTI-2, which attune does not read yet.`, convert)
    if (Buffer.from(head.subarray(128, 132)).toString('latin1') === 'DICM')
      throw new InputError(`${source}: is a DICOM file.`, convert)
  }
  const start = Buffer.from(head.subarray(0, 32)).toString('latin1')
  if (/^\s*<(!doctype|html|\?xml)/i.test(start))
    throw new InputError(
      `${source}: is a web page, not an image.`,
      'The download went wrong: fetch the file again, and look at the page for the reason.',
    )
  if (start.startsWith('version https://git-lfs'))
    throw new InputError(
      `${source}: is a Git LFS pointer, not the image.`,
      'Fetch the file itself: git lfs pull.',
    )
  throw new InputError(
    head.length === 0
      ? `${source}: is empty.`
      : head.length < HEADER_BYTES
        ? `${source}: holds ${head.length} bytes; a NIfTI-1 header alone takes ${HEADER_BYTES}.`
        : `${source}: is not a NIfTI-1 file (it begins with ${Buffer.from(head.subarray(0, 8)).toString('hex')}).`,
    'Give a NIfTI-1 image (.nii or .nii.gz).',
  )
}
