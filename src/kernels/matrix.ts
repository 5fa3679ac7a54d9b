/** Affine maps of three-dimensional space: 4x4 matrices, row-major, last row 0 0 0 1. */

/** Sixteen numbers, row-major; maps (i, j, k, 1) to (x, y, z, 1). */
export type Affine = readonly number[]
export type Vector3 = readonly [number, number, number]

/** The six orders of three axes. */
export const AXIS_ORDERS = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
] as const

export const IDENTITY: Affine = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]

/** The map that does `b` first, then `a`. */
export function multiply(a: Affine, b: Affine): Affine {
  const out = new Array<number>(16).fill(0)
  for (let row = 0; row < 4; row++)
    for (let column = 0; column < 4; column++)
      for (let k = 0; k < 4; k++) out[row * 4 + column]! += a[row * 4 + k]! * b[k * 4 + column]!
  return out
}

/** Determinant of the linear part: signed volume of one voxel in mm3 when `a` maps voxels to mm. */
export function determinant(a: Affine): number {
  return (
    a[0]! * (a[5]! * a[10]! - a[6]! * a[9]!) -
    a[1]! * (a[4]! * a[10]! - a[6]! * a[8]!) +
    a[2]! * (a[4]! * a[9]! - a[5]! * a[8]!)
  )
}

/** The inverse map, or `undefined` when the linear part is singular or not finite. */
export function invert(a: Affine): Affine | undefined {
  const det = determinant(a)
  if (!Number.isFinite(det) || det === 0) return undefined
  const [a0, a1, a2, a4, a5, a6, a8, a9, a10] = [
    a[0]!,
    a[1]!,
    a[2]!,
    a[4]!,
    a[5]!,
    a[6]!,
    a[8]!,
    a[9]!,
    a[10]!,
  ]
  const linear = [
    (a5 * a10 - a6 * a9) / det,
    (a2 * a9 - a1 * a10) / det,
    (a1 * a6 - a2 * a5) / det,
    (a6 * a8 - a4 * a10) / det,
    (a0 * a10 - a2 * a8) / det,
    (a2 * a4 - a0 * a6) / det,
    (a4 * a9 - a5 * a8) / det,
    (a1 * a8 - a0 * a9) / det,
    (a0 * a5 - a1 * a4) / det,
  ]
  const shift = (row: number): number =>
    -(linear[row * 3]! * a[3]! + linear[row * 3 + 1]! * a[7]! + linear[row * 3 + 2]! * a[11]!)
  return [
    linear[0]!,
    linear[1]!,
    linear[2]!,
    shift(0),
    linear[3]!,
    linear[4]!,
    linear[5]!,
    shift(1),
    linear[6]!,
    linear[7]!,
    linear[8]!,
    shift(2),
    0,
    0,
    0,
    1,
  ]
}

/** Where `a` takes the point `p`. */
export function transformPoint(a: Affine, [x, y, z]: Vector3): Vector3 {
  return [
    a[0]! * x + a[1]! * y + a[2]! * z + a[3]!,
    a[4]! * x + a[5]! * y + a[6]! * z + a[7]!,
    a[8]! * x + a[9]! * y + a[10]! * z + a[11]!,
  ]
}
