/** Where a NIfTI file says its voxels are, and how a new place is written down. */
import type { Affine } from '../../kernels/matrix.ts'
import { determinant } from '../../kernels/matrix.ts'
import type { HeaderFields } from './header.ts'

/** Spatial unit code of `xyzt_units` (lowest three bits) to mm; files that name no unit are in mm. */
const MM_PER_UNIT: Readonly<Record<number, number>> = { 1: 1000, 3: 0.001 }
export const UNITS_SPATIAL = 0x07
export const UNITS_MM = 2

/** A quaternion longer than 1 by more than this is damage, not rounding. */
const QUATERNION_SLACK = 1e-3

/**
 * Voxel index to world (RAS+, mm). `sform` wins where its code is above 0, then `qform`, then the voxel sizes alone
 * (no orientation is known then: the axes as stored are taken for R, A, S, as nifti1.h says; nibabel instead guesses a flip of x).
 * The result may be singular or not finite where the header is damaged.
 * @see nifti1.h, "3D image (volume) orientation and location in space", methods 1-3
 */
export function affineOf(header: HeaderFields): Affine {
  const mm = MM_PER_UNIT[header.units & UNITS_SPATIAL] ?? 1
  const rows =
    header.sform.code > 0 ? header.sform.rows : header.qform.code > 0 ? qformRows(header) : sizesOnly(header)
  return [...rows.map((value) => value * mm), 0, 0, 0, 1]
}

function sizesOnly({ pixdim }: HeaderFields): readonly number[] {
  const [, x, y, z] = pixdim as readonly [number, number, number, number]
  return [x, 0, 0, 0, 0, y, 0, 0, 0, 0, z, 0]
}

function qformRows({ qform, pixdim }: HeaderFields): readonly number[] {
  const [qfac, x, y, z] = pixdim as readonly [number, number, number, number]
  let [b, c, d] = qform.quaternion
  const length2 = b * b + c * c + d * d
  if (length2 > 1 + QUATERNION_SLACK) return new Array<number>(12).fill(Number.NaN)
  let a = Math.sqrt(Math.max(0, 1 - length2))
  if (1 - length2 < 1e-7) {
    // A half turn: the three parts, rounded to float32, are brought back to length 1.
    const length = Math.sqrt(length2)
    a = 0
    b /= length
    c /= length
    d /= length
  }
  const k = qfac < 0 ? -z : z
  const [ox, oy, oz] = qform.offset
  return [
    (a * a + b * b - c * c - d * d) * x,
    2 * (b * c - a * d) * y,
    2 * (b * d + a * c) * k,
    ox,
    2 * (b * c + a * d) * x,
    (a * a + c * c - b * b - d * d) * y,
    2 * (c * d - a * b) * k,
    oy,
    2 * (b * d - a * c) * x,
    2 * (c * d + a * b) * y,
    (a * a + d * d - c * c - b * b) * k,
    oz,
  ]
}

/** Placement fields of a header. */
export type Placement = Pick<HeaderFields, 'qform' | 'sform'> & {
  readonly qfac: number
  readonly sizes: readonly [number, number, number]
}

/**
 * `affine` as sform and, where its axes are at right angles, as an equal qform; a sheared affine has no qform, whose code is then 0.
 * @param code meaning of the world: 1 scanner, 2 aligned, 3 Talairach, 4 MNI
 */
export function placementOf(affine: Affine, code: number): Placement {
  const column = (c: number): readonly [number, number, number] => [
    affine[c] as number,
    affine[4 + c] as number,
    affine[8 + c] as number,
  ]
  const sizes = [0, 1, 2].map((c) => Math.hypot(...column(c))) as unknown as [number, number, number]
  const qfac = determinant(affine) < 0 ? -1 : 1
  const unit = (c: 0 | 1 | 2): readonly [number, number, number] => {
    const [x, y, z] = column(c)
    const size = c === 2 ? sizes[c] * qfac : sizes[c]
    return [x / size, y / size, z / size]
  }
  const [x, y, z] = [unit(0), unit(1), unit(2)]
  const dot = (p: readonly number[], q: readonly number[]): number =>
    Math.abs(
      (p[0] as number) * (q[0] as number) +
        (p[1] as number) * (q[1] as number) +
        (p[2] as number) * (q[2] as number),
    )
  const orthogonal = Math.max(dot(x, y), dot(x, z), dot(y, z)) < 1e-4
  return {
    qfac,
    sizes,
    qform: {
      code: orthogonal ? code : 0,
      quaternion: orthogonal ? quaternionOf(x, y, z) : [0, 0, 0],
      offset: [affine[3] as number, affine[7] as number, affine[11] as number],
    },
    sform: { code, rows: affine.slice(0, 12) },
  }
}

type Column = readonly [number, number, number]

/**
 * b, c, d of the unit quaternion with a >= 0 of the rotation whose columns are given.
 * @see Shepperd, J. Guidance and Control 1(3):223-224 (1978): divide by the largest of the four parts
 */
function quaternionOf([r00, r10, r20]: Column, [r01, r11, r21]: Column, [r02, r12, r22]: Column): Column {
  const squares = [1 + r00 + r11 + r22, 1 + r00 - r11 - r22, 1 - r00 + r11 - r22, 1 - r00 - r11 + r22]
  const largest = squares.indexOf(Math.max(...squares))
  const twice = Math.sqrt(squares[largest] as number)
  const quaternions: readonly (readonly [number, number, number, number])[] = [
    [twice, (r21 - r12) / twice, (r02 - r20) / twice, (r10 - r01) / twice],
    [(r21 - r12) / twice, twice, (r01 + r10) / twice, (r02 + r20) / twice],
    [(r02 - r20) / twice, (r01 + r10) / twice, twice, (r12 + r21) / twice],
    [(r10 - r01) / twice, (r02 + r20) / twice, (r12 + r21) / twice, twice],
  ]
  const [a, b, c, d] = quaternions[largest] as readonly [number, number, number, number]
  const half = a < 0 ? -0.5 : 0.5
  return [b * half, c * half, d * half]
}
