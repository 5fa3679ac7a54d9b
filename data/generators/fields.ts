/** Receive sensitivity and transmit field over the head: smooth, so computed on a coarse grid and interpolated. */
import type { Vector3 } from '../../src/kernels/matrix.ts'
import type { Grid } from '../../src/volume/volume.ts'
import type { Coil, Transmit } from './scanner.ts'

/** A field on a coarse grid laid over `grid`: its points lie `step` voxels apart from the first voxel on. */
export interface CoarseField {
  readonly shape: Vector3
  readonly step: number
  readonly values: Float32Array
}

const SPACING_MM = 8

function coarse(grid: Grid, value: (x: number, y: number, z: number) => number): CoarseField {
  const voxelMm = grid.affine[0]!
  const step = Math.max(1, Math.round(SPACING_MM / voxelMm))
  const shape = grid.shape.map((n) => Math.floor((n - 1) / step) + 2) as unknown as Vector3
  const values = new Float32Array(shape[0] * shape[1] * shape[2])
  const [ox, oy, oz] = [grid.affine[3]!, grid.affine[7]!, grid.affine[11]!]
  const mm = step * voxelMm
  let i = 0
  for (let z = 0; z < shape[2]; z++)
    for (let y = 0; y < shape[1]; y++)
      for (let x = 0; x < shape[0]; x++) values[i++] = value(ox + x * mm, oy + y * mm, oz + z * mm)
  return { shape, step, values }
}

/**
 * Root sum of squares of the loops: each falls off with distance d as on its axis, r^3 / (r^2 + d^2)^(3/2) (Biot-Savart), raised
 * to the power that gives the coil's ratio of 95th to 5th percentile among the voxels of `inside`, with median 1 there.
 * @param offset of the head from the isocentre, mm
 */
export function receiveField(grid: Grid, inside: Uint8Array, coil: Coil, offset: Vector3): CoarseField {
  const field = coarse(grid, (x, y, z) => {
    let power = 0
    for (const { position, radiusMm, gain } of coil.elements) {
      const [dx, dy, dz] = [
        x + offset[0] - position[0],
        y + offset[1] - position[1],
        z + offset[2] - position[2],
      ]
      const r2 = radiusMm * radiusMm
      const s = gain * (r2 / (r2 + dx * dx + dy * dy + dz * dz)) ** 1.5
      power += s * s
    }
    return Math.log(power) / 2
  })
  const sorted = Float32Array.from(valuesInside(grid, inside, field)).sort()
  const at = (q: number): number => sorted[Math.floor(q * (sorted.length - 1))] ?? 0
  const spread = at(0.95) - at(0.05)
  const exponent = spread > 0 ? Math.log(coil.shading) / spread : 0
  const median = at(0.5)
  return { ...field, values: field.values.map((v) => Math.exp(exponent * (v - median))) }
}

/** Values at the coarse points that lie on a voxel of `inside`. */
function valuesInside({ shape: [nx, ny, nz] }: Grid, inside: Uint8Array, field: CoarseField): number[] {
  const { shape, step, values } = field
  const found: number[] = []
  for (let z = 0, i = 0; z < shape[2]; z++)
    for (let y = 0; y < shape[1]; y++)
      for (let x = 0; x < shape[0]; x++, i++) {
        const [vx, vy, vz] = [x * step, y * step, z * step]
        if (vx < nx && vy < ny && vz < nz && inside[(vz * ny + vy) * nx + vx] !== 0) found.push(values[i]!)
      }
  return found
}

/** Half axes of the head, mm, over which B1+ falls from its centre. */
export const HEAD_RADII: Vector3 = [78, 98, 100]

/**
 * Actual over nominal flip angle: highest in the centre (dielectric), lower towards the border, slightly tilted.
 * @param calibration factor of this scan's reference voltage
 */
export function transmitField(
  grid: Grid,
  { centre, excess, tilt }: Transmit,
  offset: Vector3,
  calibration: number,
): CoarseField {
  return coarse(grid, (px, py, pz) => {
    const [x, y, z] = [px + offset[0], py + offset[1], pz + offset[2]]
    const r2 = (x / HEAD_RADII[0]) ** 2 + (y / HEAD_RADII[1]) ** 2 + (z / HEAD_RADII[2]) ** 2
    // 1 - exp(-r2) over its value at the border: quadratic in the middle, levelling outside
    const fall = (1 - Math.exp(-r2)) / (1 - Math.exp(-1))
    const tilted = 1 + (tilt[0] * x + tilt[1] * y + tilt[2] * z) / 100
    return calibration * (centre - excess * fall) * tilted
  })
}

/** The field along the row (y, z) of voxels, trilinear, into `out`. */
export function fieldRowInto(out: Float32Array, field: CoarseField, y: number, z: number): void {
  const { shape, step, values } = field
  const [nx, ny] = shape
  const gy = y / step
  const gz = z / step
  const y0 = gy | 0
  const z0 = gz | 0
  const ty = gy - y0
  const tz = gz - z0
  const a = (z0 * ny + y0) * nx
  const b = a + nx
  const c = a + nx * ny
  const d = c + nx
  const wa = (1 - ty) * (1 - tz)
  const wb = ty * (1 - tz)
  const wc = (1 - ty) * tz
  const wd = ty * tz
  let left = wa * values[a]! + wb * values[b]! + wc * values[c]! + wd * values[d]!
  const perStep = 1 / step
  for (let k = 0, x = 0; x < out.length; k++) {
    const i = k + 1
    const right = wa * values[a + i]! + wb * values[b + i]! + wc * values[c + i]! + wd * values[d + i]!
    for (let s = 0; s < step && x < out.length; s++, x++) out[x] = left + s * perStep * (right - left)
    left = right
  }
}
