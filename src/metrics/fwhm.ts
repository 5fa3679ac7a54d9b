import type { Shape } from '../volume/volume.ts'

const MIN_DIFFERENCES = 50

/**
 * Smoothness of an image: full width at half maximum, in mm, of the Gaussian blur that would give white noise the
 * same local correlation.
 *
 *     D_k = mean of (x_{i+k} − x_i)² along an axis, k = 1, 2 voxels, all voxels from i to i + k in the mask
 *     D₂ / D₁ = 1 + ρ + ρ² + ρ³,   FWHM_axis = h √(−2 ln 2 / ln ρ)
 *
 * since a Gaussian field has the correlation ρ at one voxel edge h and ρ⁴ at two. The result is the geometric mean
 * over the axes: right within 3 % from 2 voxels on, too low below. Differences over one and two voxels see neither offset, gain nor slow shading. Lower is sharper.
 *
 * Limits: on anatomy it is an effective resolution, not the scanner's: structure counts as well as
 * blur, so sharp tissue borders give about 1.5 voxels rather than 0, and only images of the same anatomy compare.
 * White noise lowers it, to 0 for noise alone: smooth noisy images alike first (by one voxel, say).
 *
 * @param x       image, length V = nx·ny·nz, x fastest
 * @param shape   grid
 * @param mask    length V
 * @param voxelMm edge lengths of a voxel along the stored axes
 * @returns mm, ≥ 0, Infinity for a linear ramp; NaN where an axis has fewer than 50 triples of voxels in the mask, or where
 *          nothing varies
 * @see Forman et al., Magn. Reson. Med. 33(5):636–647 (1995), doi:10.1002/mrm.1910330508 (from differences of one voxel)
 */
export function smoothnessFwhm(
  x: Float32Array,
  shape: Shape,
  mask: Uint8Array,
  voxelMm: readonly [number, number, number],
): number {
  let product = 1
  for (const axis of [0, 1, 2] as const) {
    const correlation = correlationOf(structureRatio(x, shape, mask, axis))
    product *= correlation === 0 ? 0 : voxelMm[axis] * Math.sqrt((-2 * Math.LN2) / Math.log(correlation))
  }
  return Math.cbrt(product)
}

/** D₂ / D₁ along one axis, from voxel triples that lie in the mask. */
function structureRatio(x: Float32Array, [nx, ny, nz]: Shape, mask: Uint8Array, axis: 0 | 1 | 2): number {
  const stride = [1, nx, nx * ny][axis]!
  const [ex, ey, ez] = [nx, ny, nz].map((n, a) => (a === axis ? n - 2 : n)) as [number, number, number]
  let n = 0
  let near = 0
  let far = 0
  for (let z = 0; z < ez; z++)
    for (let y = 0; y < ey; y++)
      for (let i = nx * (y + ny * z), end = i + ex; i < end; i++) {
        if (mask[i] === 0 || mask[i + stride] === 0 || mask[i + 2 * stride] === 0) continue
        const first = x[i + stride]! - x[i]!
        const second = x[i + 2 * stride]! - x[i + stride]!
        const both = first + second
        if (!Number.isFinite(both)) continue
        n++
        near += first * first + second * second
        far += both * both
      }
  return n < MIN_DIFFERENCES ? Number.NaN : (2 * far) / near
}

/** The ρ in 0..1 with 1 + ρ + ρ² + ρ³ = ratio, by bisection. */
function correlationOf(ratio: number): number {
  if (Number.isNaN(ratio)) return Number.NaN
  if (ratio <= 1) return 0
  let low = 0
  let high = 1
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2
    if (1 + middle * (1 + middle * (1 + middle)) < ratio) low = middle
    else high = middle
  }
  return (low + high) / 2
}
