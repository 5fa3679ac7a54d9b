/** Which part of each grid cell of an individual belongs to a region, and the region's volume. */
import type { Individual } from './anatomy.ts'
import { trilinear } from './deformation.ts'

/** Whether a point belongs, by its label in the base anatomy and where the displacement takes it (mm from the centre, before the affine map). */
export type Membership = (label: number, qx: number, qy: number, qz: number) => boolean

type Vector = readonly [number, number, number]

/** Grid nodes from `from` up to, not including, `to`. */
export interface Box {
  readonly from: Vector
  readonly to: Vector
}

/** Share of each grid cell in `box`, centred on a node, that satisfies `is`, from `per`^3 points; 0 elsewhere. */
export function cellShares(
  { anatomy, linear, flow }: Individual,
  is: Membership,
  per: number,
  { from, to }: Box = { from: [0, 0, 0], to: flow.shape },
): Float32Array {
  const { shape, spacingMm } = flow
  const [nx, ny, nz] = shape
  const [bx, by, bz] = anatomy.shape
  const { labels } = anatomy
  const [ux, uy, uz] = flow.along
  const [lx, ly, lz] = linear
  const plane = nx * ny
  const out = new Float32Array(plane * nz)
  const clamp = (g: number, n: number): number => Math.min(Math.max(g, 0), n - 1.000001)
  const steps = Array.from({ length: per }, (_, s) => (s + 0.5) / per - 0.5)
  for (let z = from[2]; z < to[2]; z++)
    for (let y = from[1]; y < to[1]; y++)
      for (let x = from[0]; x < to[0]; x++) {
        let inside = 0
        for (const sz of steps)
          for (const sy of steps)
            for (const sx of steps) {
              const gx = clamp(x + sx, nx)
              const gy = clamp(y + sy, ny)
              const gz = clamp(z + sz, nz)
              const x0 = gx | 0
              const y0 = gy | 0
              const z0 = gz | 0
              const tx = gx - x0
              const ty = gy - y0
              const tz = gz - z0
              const a = z0 * plane + y0 * nx + x0
              const qx = (x + sx - (nx - 1) / 2) * spacingMm + trilinear(ux, a, nx, plane, tx, ty, tz)
              const qy = (y + sy - (ny - 1) / 2) * spacingMm + trilinear(uy, a, nx, plane, tx, ty, tz)
              const qz = (z + sz - (nz - 1) / 2) * spacingMm + trilinear(uz, a, nx, plane, tx, ty, tz)
              const ix = Math.floor(lx[0] * qx + lx[1] * qy + lx[2] * qz + bx / 2)
              const iy = Math.floor(ly[0] * qx + ly[1] * qy + ly[2] * qz + by / 2)
              const iz = Math.floor(lz[0] * qx + lz[1] * qy + lz[2] * qz + bz / 2)
              const outside = ix < 0 || iy < 0 || iz < 0 || ix >= bx || iy >= by || iz >= bz
              if (is(outside ? 0 : labels[(iz * by + iy) * bx + ix]!, qx, qy, qz)) inside++
            }
        out[z * plane + y * nx + x] = inside / per ** 3
      }
  return out
}

const MARGIN_CELLS = 3

/** The cells that hold the region, and as many around it as a change may reach. */
export function boxOf(individual: Individual, is: Membership): Box {
  const { shape } = individual.flow
  const cells = cellShares(individual, is, 2)
  const from = [...shape]
  const to = [0, 0, 0]
  for (let z = 0, i = 0; z < shape[2]; z++)
    for (let y = 0; y < shape[1]; y++)
      for (let x = 0; x < shape[0]; x++, i++) {
        if (cells[i] === 0) continue
        for (const [axis, at] of [x, y, z].entries()) {
          from[axis] = Math.max(0, Math.min(from[axis]!, at - MARGIN_CELLS))
          to[axis] = Math.min(shape[axis]!, Math.max(to[axis]!, at + MARGIN_CELLS + 1))
        }
      }
  return { from: from as unknown as Vector, to: to as unknown as Vector }
}

/** Points per cell and axis by the number of cells: 2/3 mm apart in small boxes, up to 4/3 mm where the count is large anyway. */
const DENSITY = [
  [10_000, 6],
  [40_000, 4],
  [Number.POSITIVE_INFINITY, 3],
] as const

/** Volume in ml of what satisfies `is` within `box`. */
export function volumeMl(individual: Individual, is: Membership, box: Box): number {
  const cells = box.to.reduce((product, end, axis) => product * Math.max(0, end - box.from[axis]!), 1)
  const per = DENSITY.find(([most]) => cells <= most)![1]
  const found = cellShares(individual, is, per, box)
  let sum = 0
  for (let i = 0; i < found.length; i++) sum += found[i]!
  return (sum * individual.flow.spacingMm ** 3) / 1000
}
