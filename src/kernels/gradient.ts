/** How steeply an image rises or falls at each voxel. */
import type { Vector3 } from './matrix.ts'

/**
 * The squared length of the gradient, by central differences; one-sided at faces, and 0 along an axis of one voxel.
 * @param x     length V = nx·ny·nz, x fastest
 * @param voxel edge lengths in mm
 * @returns length V, in (unit of `x` per mm)^2; NaN beside values that are not finite
 */
export function squaredGradient(
  x: Float32Array,
  [nx, ny, nz]: readonly [number, number, number],
  voxel: Vector3,
): Float32Array {
  const out = new Float32Array(x.length)
  const [sy, sz] = [nx, nx * ny]
  for (let k = 0, i = 0; k < nz; k++) {
    const [below, above] = [k > 0 ? sz : 0, k < nz - 1 ? sz : 0]
    const perZ = 1 / (voxel[2] * Math.max(1, (below + above) / sz))
    for (let j = 0; j < ny; j++) {
      const [before, behind] = [j > 0 ? sy : 0, j < ny - 1 ? sy : 0]
      const perY = 1 / (voxel[1] * Math.max(1, (before + behind) / sy))
      for (let at = 0; at < nx; at++, i++) {
        const [left, right] = [at > 0 ? 1 : 0, at < nx - 1 ? 1 : 0]
        const dx = (x[i + right]! - x[i - left]!) / (voxel[0] * Math.max(1, left + right))
        const dy = (x[i + behind]! - x[i - before]!) * perY
        const dz = (x[i + above]! - x[i - below]!) * perZ
        out[i] = dx * dx + dy * dy + dz * dz
      }
    }
  }
  return out
}
