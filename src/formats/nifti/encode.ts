/** The bytes of a NIfTI-1 header, in this machine's byte order (readers find it out by the first field). */
import { endianness } from 'node:os'
import { sameGrid, type Volume } from '../../volume/volume.ts'
import { affineOf, placementOf, UNITS_MM, UNITS_SPATIAL } from './affine.ts'
import { datatypeOf, layoutOf } from './datatype.ts'
import { HEADER_BYTES, type NiftiHeader, SINGLE_FILE_OFFSET, shapeOf } from './header.ts'

/** World code of an affine that nothing else is known about: "aligned to something", as nibabel writes. */
const CODE_ALIGNED = 2

const BLANK = {
  calMin: 0,
  calMax: 0,
  units: UNITS_MM,
  dimInfo: 0,
  intent: { code: 0, name: '', parameters: [0, 0, 0] },
  slices: { start: 0, end: 0, code: 0, duration: 0 },
  toffset: 0,
  description: '',
  auxFile: '',
} as const

/**
 * The header of a file that holds `volume`. Everything of `like` stays, its placement too where the volume still has it;
 * a volume elsewhere gets sform and qform of its own, with the code of the one in force before.
 */
export function headerFor(volume: Volume, like?: NiftiHeader): NiftiHeader {
  const stored = { datatype: datatypeOf(volume.data), ...volume.scale }
  if (like && sameGrid(volume, { shape: shapeOf(like), affine: affineOf(like) }, 1e-4))
    return { ...like, ...stored }
  const code = (like?.sform.code || like?.qform.code) ?? 0
  const { qfac, sizes, qform, sform } = placementOf(volume.affine, code > 0 ? code : CODE_ALIGNED)
  return {
    ...(like ?? BLANK),
    ...stored,
    units: ((like?.units ?? 0) & ~UNITS_SPATIAL) | UNITS_MM,
    dim: [3, ...volume.shape, 1, 1, 1, 1],
    pixdim: [qfac, ...sizes, ...(like?.pixdim.slice(4) ?? [0, 0, 0, 0])],
    qform,
    sform,
  }
}

/** 352 bytes: the header and "no extensions". Text that is too long is cut. */
export function encodeHeader(header: NiftiHeader): Uint8Array {
  const bytes = new Uint8Array(SINGLE_FILE_OFFSET)
  const view = new DataView(bytes.buffer)
  const little = endianness() === 'LE'
  const int16 = (at: number, ...values: readonly number[]): void => {
    for (const [k, value] of values.entries()) view.setInt16(at + 2 * k, value, little)
  }
  const float32 = (at: number, ...values: readonly number[]): void => {
    for (const [k, value] of values.entries()) view.setFloat32(at + 4 * k, value, little)
  }
  const text = (at: number, length: number, value: string): void => {
    bytes.set(Buffer.from(value, 'latin1').subarray(0, length), at)
  }
  const { code, bytes: width } = layoutOf(header.datatype)
  const { intent, slices, qform, sform } = header
  view.setInt32(0, HEADER_BYTES, little)
  view.setUint8(38, 'r'.charCodeAt(0))
  view.setUint8(39, header.dimInfo)
  int16(40, ...header.dim)
  float32(56, ...intent.parameters)
  int16(68, intent.code, code, width * 8, slices.start)
  float32(76, ...header.pixdim)
  float32(108, SINGLE_FILE_OFFSET, header.slope, header.intercept)
  int16(120, slices.end)
  view.setUint8(122, slices.code)
  view.setUint8(123, header.units)
  float32(124, header.calMax, header.calMin, slices.duration, header.toffset)
  text(148, 79, header.description)
  text(228, 23, header.auxFile)
  int16(252, qform.code, sform.code)
  float32(256, ...qform.quaternion, ...qform.offset, ...sform.rows)
  text(328, 15, intent.name)
  text(344, 3, 'n+1')
  return bytes
}
