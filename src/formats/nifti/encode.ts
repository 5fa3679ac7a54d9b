/** The bytes of a NIfTI-1 header, in this machine's byte order (readers find it out by the first field). */
import { endianness } from 'node:os'
import { ConfigError } from '../../errors.ts'
import { sameGrid, type Volume } from '../../volume/volume.ts'
import { affineOf, placementOf, UNITS_MM, UNITS_SPATIAL } from './affine.ts'
import { datatypeOf, FLOAT32_MAX, layoutOf } from './datatype.ts'
import { encodeExtensions } from './extensions.ts'
import { HEADER_BYTES, type NiftiHeader, shapeOf } from './header.ts'

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
  extensions: [],
} as const

const SMALLEST_SLOPE = 2 ** -149

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

/**
 * Everything before the samples: the header and its extensions, 352 bytes where there are none. Text that is too long is cut.
 * @throws {ConfigError} when a number of the header, which may come from NIfTI-2, is larger than NIfTI-1 can say
 */
export function encodeHeader(header: NiftiHeader): Uint8Array {
  const extensions = encodeExtensions(header.extensions)
  const start = HEADER_BYTES[1] + extensions.length
  if (Math.fround(start) !== start)
    throw new ConfigError(
      `The header's extensions take ${extensions.length} bytes, more than NIfTI-1 can say exactly.`,
      'Remove some of them from the input.',
    )
  const bytes = new Uint8Array(start)
  bytes.set(extensions, HEADER_BYTES[1])
  const view = new DataView(bytes.buffer)
  const little = endianness() === 'LE'
  const int16 = (at: number, ...values: readonly number[]): void => {
    for (const [k, value] of values.entries()) view.setInt16(at + 2 * k, within(value, -32768, 32767), little)
  }
  const uint8 = (at: number, value: number): void => view.setUint8(at, within(value, 0, 255))
  const float32 = (at: number, ...values: readonly number[]): void => {
    for (const [k, value] of values.entries())
      view.setFloat32(
        at + 4 * k,
        Number.isFinite(value) ? within(value, -FLOAT32_MAX, FLOAT32_MAX) : value,
        little,
      )
  }
  const text = (at: number, length: number, value: string): void => {
    bytes.set(Buffer.from(value, 'latin1').subarray(0, length), at)
  }
  const { code, bytes: width } = layoutOf(header.datatype)
  const { intent, slices, qform, sform, slope } = header
  if (slope !== 0 && Math.fround(slope) === 0) within(slope, SMALLEST_SLOPE, FLOAT32_MAX) // 0 would mean "not scaled"
  view.setInt32(0, HEADER_BYTES[1], little)
  uint8(38, 'r'.charCodeAt(0))
  uint8(39, header.dimInfo)
  int16(40, ...header.dim)
  float32(56, ...intent.parameters)
  int16(68, intent.code, code, width * 8, slices.start)
  float32(76, ...header.pixdim)
  float32(108, start, slope, header.intercept)
  int16(120, slices.end)
  uint8(122, slices.code)
  uint8(123, header.units)
  float32(124, header.calMax, header.calMin, slices.duration, header.toffset)
  text(148, 79, header.description)
  text(228, 23, header.auxFile)
  int16(252, qform.code, sform.code)
  float32(256, ...qform.quaternion, ...qform.offset, ...sform.rows)
  text(328, 15, intent.name)
  text(344, 3, 'n+1')
  return bytes
}

function within(value: number, low: number, high: number): number {
  if (value < low || value > high)
    throw new ConfigError(
      `The header holds the number ${value} where NIfTI-1, which attune writes, has room for ${low} to ${high} only.`,
      'It is damaged, or a NIfTI-2 header that has no equal in NIfTI-1: correct the field.',
    )
  return value
}
