/** Random smooth invertible deformations: the flow of a stationary velocity field, by scaling and squaring. */
import type { Vector3 } from '../../src/kernels/matrix.ts'
import type { Random } from '../../src/kernels/random.ts'
import type { Shape } from '../../src/volume/volume.ts'
import { smoothField } from './random-field.ts'

/** Displacements in mm on a regular grid, x fastest, one array per axis. */
export interface Displacement {
  readonly shape: Shape
  /** Distance between grid points, mm, the same along all axes. */
  readonly spacingMm: number
  readonly along: readonly [Float32Array, Float32Array, Float32Array]
}

/** 2^6 = 64 steps: each moves less than a quarter of a grid spacing at the amplitudes used here. */
const SQUARINGS = 6

/**
 * The flow for unit time of a random velocity field.
 * @param rmsMm         root mean square of the velocity along each axis, mm
 * @param smoothnessMm  knot spacing of its splines
 */
export function randomFlow(
  random: Random,
  shape: Shape,
  spacingMm: number,
  rmsMm: number,
  smoothnessMm: number,
): Displacement {
  const axis = (name: string): Float32Array => {
    const field = smoothField(random.fork(name), shape, spacingMm, smoothnessMm)
    for (let i = 0; i < field.length; i++) field[i]! *= rmsMm
    return field
  }
  return exponential({ shape, spacingMm, along: [axis('x'), axis('y'), axis('z')] })
}

/**
 * Displacement after unit time along the stationary `velocity` (mm): phi = (id + v / 2^n) composed with itself 2^n times.
 * @see Arsigny et al., MICCAI 2006, LNCS 4190:924-931, doi:10.1007/11866565_113
 */
export function exponential(velocity: Displacement): Displacement {
  const scale = 1 / 2 ** SQUARINGS
  let along = velocity.along.map((v) => v.map((x) => x * scale)) as unknown as Displacement['along']
  for (let n = 0; n < SQUARINGS; n++) along = squared({ ...velocity, along })
  return { ...velocity, along }
}

/** u(x) + u(x + u(x)): the displacement done twice; outside the grid its border value holds. */
function squared({ shape, spacingMm, along }: Displacement): Displacement['along'] {
  const [nx, ny, nz] = shape
  const [ux, uy, uz] = along
  const out = along.map((u) => new Float32Array(u.length)) as unknown as Displacement['along']
  const perMm = 1 / spacingMm
  const clamp = (v: number, n: number): number => Math.min(Math.max(v, 0), n - 1.000001)
  let i = 0
  for (let z = 0; z < nz; z++)
    for (let y = 0; y < ny; y++)
      for (let x = 0; x < nx; x++, i++) {
        const px = clamp(x + ux[i]! * perMm, nx)
        const py = clamp(y + uy[i]! * perMm, ny)
        const pz = clamp(z + uz[i]! * perMm, nz)
        const [x0, y0, z0] = [px | 0, py | 0, pz | 0]
        const [fx, fy, fz] = [px - x0, py - y0, pz - z0]
        const c = (z0 * ny + y0) * nx + x0
        for (let axis = 0; axis < 3; axis++) {
          const u = along[axis as 0 | 1 | 2]
          const y0z0 = u[c]! + fx * (u[c + 1]! - u[c]!)
          const d = c + nx
          const y1z0 = u[d]! + fx * (u[d + 1]! - u[d]!)
          const e = c + nx * ny
          const y0z1 = u[e]! + fx * (u[e + 1]! - u[e]!)
          const f = e + nx
          const y1z1 = u[f]! + fx * (u[f + 1]! - u[f]!)
          const z0v = y0z0 + fy * (y1z0 - y0z0)
          out[axis as 0 | 1 | 2][i] = u[i]! + z0v + fz * (y0z1 + fy * (y1z1 - y0z1) - z0v)
        }
      }
  return out
}

/** Smallest Jacobian determinant of id + displacement over the grid cells, by forward differences: positive where nothing folds. */
export function smallestJacobian({ shape, spacingMm, along }: Displacement): number {
  const [nx, ny, nz] = shape
  const strides = [1, nx, nx * ny] as const
  const h = 1 / spacingMm
  let least = Number.POSITIVE_INFINITY
  for (let z = 0; z < nz - 1; z++)
    for (let y = 0; y < ny - 1; y++)
      for (let x = 0; x < nx - 1; x++) {
        const i = (z * ny + y) * nx + x
        const d = (axis: 0 | 1 | 2, by: 0 | 1 | 2): number =>
          (along[axis][i + strides[by]]! - along[axis][i]!) * h + (axis === by ? 1 : 0)
        const [a, b, c] = [d(0, 0), d(0, 1), d(0, 2)]
        const [p, q, r] = [d(1, 0), d(1, 1), d(1, 2)]
        const [s, t, u] = [d(2, 0), d(2, 1), d(2, 2)]
        least = Math.min(least, a * (q * u - r * t) - b * (p * u - r * s) + c * (p * t - q * s))
      }
  return least
}

/** Displacement at a point, mm from the grid's centre: trilinear; outside the grid its border value holds. */
export function displacementAt({ shape, spacingMm, along }: Displacement, point: Vector3): Vector3 {
  const [nx, ny, nz] = shape
  const px = Math.min(Math.max(point[0] / spacingMm + (nx - 1) / 2, 0), nx - 1.000001)
  const py = Math.min(Math.max(point[1] / spacingMm + (ny - 1) / 2, 0), ny - 1.000001)
  const pz = Math.min(Math.max(point[2] / spacingMm + (nz - 1) / 2, 0), nz - 1.000001)
  const [x0, y0, z0] = [px | 0, py | 0, pz | 0]
  const [tx, ty, tz] = [px - x0, py - y0, pz - z0]
  const c = (z0 * ny + y0) * nx + x0
  const [ux, uy, uz] = along
  const plane = nx * ny
  return [
    trilinear(ux, c, nx, plane, tx, ty, tz),
    trilinear(uy, c, nx, plane, tx, ty, tz),
    trilinear(uz, c, nx, plane, tx, ty, tz),
  ]
}

/** Value in the cell whose first node is `a`, at fractions tx, ty, tz between its nodes. */
export function trilinear(
  u: Float32Array,
  a: number,
  row: number,
  plane: number,
  tx: number,
  ty: number,
  tz: number,
): number {
  const b = a + row
  const c = a + plane
  const d = c + row
  const near = (1 - ty) * (u[a]! + tx * (u[a + 1]! - u[a]!)) + ty * (u[b]! + tx * (u[b + 1]! - u[b]!))
  const far = (1 - ty) * (u[c]! + tx * (u[c + 1]! - u[c]!)) + ty * (u[d]! + tx * (u[d + 1]! - u[d]!))
  return near + tz * (far - near)
}

/** The displacement on the grid of `like` that takes each of its points (mm from its centre) to `target` of it. */
export function remapped(
  { shape, spacingMm }: Displacement,
  target: (point: Vector3) => Vector3,
): Displacement {
  const [nx, ny, nz] = shape
  const along = [0, 1, 2].map(() => new Float32Array(nx * ny * nz)) as unknown as Displacement['along']
  const mm = (i: number, n: number): number => (i - (n - 1) / 2) * spacingMm
  for (let z = 0, i = 0; z < nz; z++)
    for (let y = 0; y < ny; y++)
      for (let x = 0; x < nx; x++, i++) {
        const point: Vector3 = [mm(x, nx), mm(y, ny), mm(z, nz)]
        const to = target(point)
        for (const axis of [0, 1, 2] as const) along[axis][i] = to[axis] - point[axis]
      }
  return { shape, spacingMm, along }
}
