/** Reading a grid of samples at positions of another grid. */
import type { Affine } from './matrix.ts'
import { rowSinc } from './resample-sinc.ts'

export type Interpolation = 'linear' | 'cubic' | 'sinc' | 'nearest'

/** Positions this far outside the first or last voxel centre still count as on it: rounding of affines. */
const EDGE = 1e-4

/**
 * Fills `out` with `x` read at `map(i, j, k)` for every voxel (i, j, k) of `outShape`.
 * Positions beyond the outermost voxel centres (beyond their outer faces for `nearest`) give `outside`; no blending towards it.
 * `cubic` is the interpolating kernel of Keys with a = -1/2 (Catmull-Rom), exact for quadratics; taps beyond the border repeat it.
 * `sinc` is Lanczos' kernel over six voxels.
 *
 * @param out length of `outShape`; arbitrary units, as `x`
 * @param map voxel index of `outShape` to voxel index of `shape`, 4x4 row-major
 * @see Keys, IEEE Trans. ASSP 29(6):1153-1160 (1981), doi:10.1109/TASSP.1981.1163711
 */
export function resampleInto(
  out: Float32Array,
  outShape: readonly [number, number, number],
  x: Float32Array,
  shape: readonly [number, number, number],
  map: Affine,
  interpolation: Interpolation,
  outside: number,
): void {
  const [nx, ny, nz] = outShape
  const reach = interpolation === 'nearest' ? 0.5 - EDGE : EDGE
  const read = ROWS[interpolation]
  for (let k = 0; k < nz; k++)
    for (let j = 0; j < ny; j++) {
      const px = map[1]! * j + map[2]! * k + map[3]!
      const py = map[5]! * j + map[6]! * k + map[7]!
      const pz = map[9]! * j + map[10]! * k + map[11]!
      const row = (k * ny + j) * nx
      let [first, end] = [0, nx]
      for (let axis = 0; axis < 3; axis++) {
        const start = axis === 0 ? px : axis === 1 ? py : pz
        const step = map[axis * 4]!
        ;[first, end] = inside(start, step, -reach, shape[axis]! - 1 + reach, first, end)
      }
      if (first >= end) {
        out.fill(outside, row, row + nx)
        continue
      }
      out.fill(outside, row, row + first)
      out.fill(outside, row + end, row + nx)
      read(out, row, first, end, x, shape, px, py, pz, map[0]!, map[4]!, map[8]!)
    }
}

/** The part of [first, end) whose positions start + i * step lie in [low, high]. */
function inside(
  start: number,
  step: number,
  low: number,
  high: number,
  first: number,
  end: number,
): [first: number, end: number] {
  if (Math.abs(step) < 1e-12) return start >= low && start <= high ? [first, end] : [end, end]
  const a = (low - start) / step
  const b = (high - start) / step
  return [Math.max(first, Math.ceil(Math.min(a, b))), Math.min(end, Math.floor(Math.max(a, b)) + 1)]
}

/** Fills `out[row + first]` to `out[row + end - 1]` with `x` read at (px, py, pz) + i (sx, sy, sz), i from `first`. */
export type ReadRow = (
  out: Float32Array,
  row: number,
  first: number,
  end: number,
  x: Float32Array,
  shape: readonly [number, number, number],
  px: number,
  py: number,
  pz: number,
  sx: number,
  sy: number,
  sz: number,
) => void

const rowNearest: ReadRow = (out, row, first, end, x, [nx, ny, nz], px, py, pz, sx, sy, sz) => {
  for (let i = first; i < end; i++) {
    const a = Math.min(nx - 1, Math.max(0, Math.round(px + i * sx)))
    const b = Math.min(ny - 1, Math.max(0, Math.round(py + i * sy)))
    const c = Math.min(nz - 1, Math.max(0, Math.round(pz + i * sz)))
    out[row + i] = x[(c * ny + b) * nx + a]!
  }
}

const rowLinear: ReadRow = (out, row, first, end, x, [nx, ny, nz], px, py, pz, sx, sy, sz) => {
  const [lastX, lastY, lastZ] = [nx - 1, ny - 1, nz - 1]
  const slice = nx * ny
  for (let i = first; i < end; i++) {
    const qx = Math.min(lastX, Math.max(0, px + i * sx))
    const qy = Math.min(lastY, Math.max(0, py + i * sy))
    const qz = Math.min(lastZ, Math.max(0, pz + i * sz))
    const a = qx | 0
    const b = qy | 0
    const c = qz | 0
    const fx = qx - a
    const fy = qy - b
    const fz = qz - c
    // A weight of 0 reads the voxel itself, so that a neighbour which is NaN or beyond the border stays out.
    const dx = fx > 0 ? 1 : 0
    const dy = fy > 0 ? nx : 0
    const dz = fz > 0 ? slice : 0
    const v = c * slice + b * nx + a
    const x00 = x[v]! + fx * (x[v + dx]! - x[v]!)
    const x10 = x[v + dy]! + fx * (x[v + dy + dx]! - x[v + dy]!)
    const x01 = x[v + dz]! + fx * (x[v + dz + dx]! - x[v + dz]!)
    const x11 = x[v + dz + dy]! + fx * (x[v + dz + dy + dx]! - x[v + dz + dy]!)
    const y0 = x00 + fy * (x10 - x00)
    const y1 = x01 + fy * (x11 - x01)
    out[row + i] = y0 + fz * (y1 - y0)
  }
}

const rowCubic: ReadRow = (out, row, first, end, x, [nx, ny, nz], px, py, pz, sx, sy, sz) => {
  const slice = nx * ny
  const wx = new Float64Array(4)
  const wy = new Float64Array(4)
  const wz = new Float64Array(4)
  for (let i = first; i < end; i++) {
    const qx = Math.min(nx - 1, Math.max(0, px + i * sx))
    const qy = Math.min(ny - 1, Math.max(0, py + i * sy))
    const qz = Math.min(nz - 1, Math.max(0, pz + i * sz))
    const [a, b, c] = [qx | 0, qy | 0, qz | 0]
    keysInto(wy, qy - b)
    keysInto(wz, qz - c)
    const t = qx - a
    keysInto(wx, t)
    const [w0, w1, w2, w3] = [wx[0]!, wx[1]!, wx[2]!, wx[3]!]
    const a0 = a > 0 ? a - 1 : 0
    const a2 = a < nx - 1 ? a + 1 : a
    const a3 = a < nx - 2 ? a + 2 : a2
    let sum = 0
    for (let dz = 0; dz < 4; dz++) {
      if (wz[dz] === 0) continue
      const plane = Math.min(nz - 1, Math.max(0, c + dz - 1)) * slice
      let inPlane = 0
      for (let dy = 0; dy < 4; dy++) {
        if (wy[dy] === 0) continue
        const line = plane + Math.min(ny - 1, Math.max(0, b + dy - 1)) * nx
        // On a voxel centre the neighbours have no weight, and must not bring in a NaN.
        inPlane +=
          wy[dy]! *
          (t === 0
            ? x[line + a]!
            : w0 * x[line + a0]! + w1 * x[line + a]! + w2 * x[line + a2]! + w3 * x[line + a3]!)
      }
      sum += wz[dz]! * inPlane
    }
    out[row + i] = sum
  }
}

/** Keys weights of the voxels at -1, 0, 1, 2 for a position `t` in [0, 1) past voxel 0. */
function keysInto(weights: Float64Array, t: number): void {
  weights[0] = ((-0.5 * t + 1) * t - 0.5) * t
  weights[1] = (1.5 * t - 2.5) * t * t + 1
  weights[2] = ((-1.5 * t + 2) * t + 0.5) * t
  weights[3] = (0.5 * t - 0.5) * t * t
}

const ROWS: Readonly<Record<Interpolation, ReadRow>> = {
  linear: rowLinear,
  cubic: rowCubic,
  sinc: rowSinc,
  nearest: rowNearest,
}
