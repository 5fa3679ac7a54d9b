/** Reading samples with a windowed sinc: nearly all detail survives, whatever the fraction of a voxel by which the grid is off. */
import type { ReadRow } from './resample.ts'

/** Voxels on either side of a position that count. */
const RADIUS = 3
const TAPS = 2 * RADIUS

/**
 * Lanczos' kernel, sinc(t) sinc(t / 3) for |t| < 3, its weights normalised to 1 so that constants stay constant; taps beyond the border repeat it.
 * @see Duchon, J. Appl. Meteorol. 18(8):1016-1022 (1979), doi:10.1175/1520-0450(1979)018<1016:LFIOAT>2.0.CO;2
 */
export const rowSinc: ReadRow = (out, row, first, end, x, [nx, ny, nz], px, py, pz, sx, sy, sz) => {
  const slice = nx * ny
  const wx = new Float64Array(TAPS)
  const wy = new Float64Array(TAPS)
  const wz = new Float64Array(TAPS)
  const columns = new Int32Array(TAPS)
  for (let i = first; i < end; i++) {
    const qx = Math.min(nx - 1, Math.max(0, px + i * sx))
    const qy = Math.min(ny - 1, Math.max(0, py + i * sy))
    const qz = Math.min(nz - 1, Math.max(0, pz + i * sz))
    const a = Math.floor(qx)
    const b = Math.floor(qy)
    const c = Math.floor(qz)
    lanczosInto(wx, qx - a)
    lanczosInto(wy, qy - b)
    lanczosInto(wz, qz - c)
    for (let d = 0; d < TAPS; d++) columns[d] = Math.min(nx - 1, Math.max(0, a + d - RADIUS + 1))
    let sum = 0
    for (let dz = 0; dz < TAPS; dz++) {
      if (wz[dz] === 0) continue
      const plane = Math.min(nz - 1, Math.max(0, c + dz - RADIUS + 1)) * slice
      let inPlane = 0
      for (let dy = 0; dy < TAPS; dy++) {
        if (wy[dy] === 0) continue
        const line = plane + Math.min(ny - 1, Math.max(0, b + dy - RADIUS + 1)) * nx
        let along = 0
        // A weight of 0 reads nothing: on a voxel centre a neighbour that is NaN stays out.
        for (let dx = 0; dx < TAPS; dx++) if (wx[dx] !== 0) along += wx[dx]! * x[line + columns[dx]!]!
        inPlane += wy[dy]! * along
      }
      sum += wz[dz]! * inPlane
    }
    out[row + i] = sum
  }
}

/** Positions this near to a voxel centre (in voxels) are on it: rounding of affines must not bring in neighbours that are NaN. */
const ON_CENTRE = 1e-6

/** Weights of the voxels at -2 ... 3 for a position `t` in [0, 1) past voxel 0. */
function lanczosInto(weights: Float64Array, t: number): void {
  weights.fill(0)
  if (t < ON_CENTRE || t > 1 - ON_CENTRE) {
    weights[t < 0.5 ? RADIUS - 1 : RADIUS] = 1
    return
  }
  let sum = 0
  for (let d = 0; d < TAPS; d++) {
    const distance = t - (d - RADIUS + 1)
    // sin(pi (t - k)) is sin(pi t) but for its sign, which alternates with k: the rest cancels in the normalisation.
    const weight = ((d & 1 ? -1 : 1) * Math.sin((Math.PI * distance) / RADIUS)) / (distance * distance)
    weights[d] = weight
    sum += weight
  }
  for (let d = 0; d < TAPS; d++) weights[d]! /= sum
}
