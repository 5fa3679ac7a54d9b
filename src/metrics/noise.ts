import type { Shape } from '../volume/volume.ts'

/** Part of the mask that counts as flat, and the smallest number of voxels that a scale estimate rests on. */
const FLAT_SHARE = 0.25
const MIN_VOXELS = 50
/** Makes the residual of white noise have the noise's own variance: 6/7 · σ²(1 + 6/36) = σ². */
const UNIT_VARIANCE = Math.sqrt(6 / 7)
/** SD of a normal distribution over its median absolute deviation. */
const SD_PER_MAD = 1.4826

/**
 * Standard deviation of the noise in flat tissue.
 *
 *     ε_i = √(6/7) · (x_i − 1/6 Σ_{6 neighbours} x_j),   σ = 1.4826 · median |ε − median ε|
 *
 * over the flattest quarter of the mask (`flatVoxels`). The difference of a voxel from its neighbours
 * cancels every linear trend, so shading and slow contrast do not count; edges are left out by choosing flat
 * places and, where some remain, by the median. White noise of SD σ gives σ (within 1 % on 10^4 voxels).
 * Neither direction is better by itself: below the reference, the image was smoothed; above, noise was amplified.
 *
 * Limits: noise that is correlated between neighbours (interpolation, zero filling, smoothing) reads lower than
 * its SD, which is what makes smoothing visible; texture at voxel scale reads as noise.
 *
 * @param x     image, length V = nx·ny·nz, x fastest
 * @param shape grid
 * @param mask  length V
 * @returns SD in the unit of `x`; NaN when fewer than 50 flat voxels have all neighbours in the mask
 * @see Coupé et al., Med. Image Anal. 14(4):483–493 (2010), doi:10.1016/j.media.2010.03.001 (pseudo-residual, MAD)
 * @see Immerkær, Comput. Vis. Image Underst. 64(2):300–302 (1996), doi:10.1006/cviu.1996.0060
 */
export function noiseSd(x: Float32Array, shape: Shape, mask: Uint8Array): number {
  return residualSd(x, shape, flatVoxels(x, shape, mask))
}

/**
 * The flattest quarter of the mask, 1 or 0 per voxel: where central differences, summed as squares over each
 * voxel and its neighbours, are smallest. Central differences are odd and the pseudo-residual is even, so white
 * noise at the voxel itself does not choose its own place. Only voxels of the brighter half of the mask take part: dark ones are
 * air, bone and fluid, where magnitude noise is not Gaussian. Choosing them once on the reference image lets
 * several images be compared at the same places (`residualSd`).
 *
 * @param x     image, length V
 * @param shape grid
 * @param mask  length V
 */
export function flatVoxels(x: Float32Array, shape: Shape, mask: Uint8Array): Uint8Array {
  const [nx, ny, nz] = shape
  const slice = nx * ny
  const inner = innerVoxels(shape, mask)
  const flat = new Uint8Array(mask.length)
  if (inner.length === 0) return flat
  const slope = new Float32Array(mask.length)
  for (let z = 1; z < nz - 1; z++)
    for (let y = 1; y < ny - 1; y++)
      for (let i = 1 + nx * (y + ny * z), end = i + nx - 2; i < end; i++) {
        const dx = x[i + 1]! - x[i - 1]!
        const dy = x[i + nx]! - x[i - nx]!
        const dz = x[i + slice]! - x[i - slice]!
        slope[i] = dx * dx + dy * dy + dz * dz
      }
  const level = new Float32Array(inner.length)
  const roughness = new Float32Array(inner.length)
  for (let k = 0; k < inner.length; k++) {
    const i = inner[k]!
    level[k] = x[i - 1]! + x[i + 1]! + x[i - nx]! + x[i + nx]! + x[i - slice]! + x[i + slice]!
    roughness[k] =
      slope[i]! +
      slope[i - 1]! +
      slope[i + 1]! +
      slope[i - nx]! +
      slope[i + nx]! +
      slope[i - slice]! +
      slope[i + slice]!
  }
  const brightFrom = quantile(level, 0.5)
  const bright = roughness.filter((r, k) => level[k]! >= brightFrom && Number.isFinite(r))
  const flattest = quantile(bright, Math.min(1, FLAT_SHARE / 0.5))
  for (let k = 0; k < inner.length; k++)
    if (level[k]! >= brightFrom && roughness[k]! <= flattest) flat[inner[k]!] = 1
  return flat
}

/**
 * The robust SD of pseudo-residuals (see `noiseSd`) at given voxels, none of which lies on a face of the image.
 *
 * @param x     image, length V
 * @param shape grid
 * @param flat  length V, as `flatVoxels` gives
 * @returns SD in the unit of `x`; NaN below 50 voxels
 */
export function residualSd(x: Float32Array, [nx, ny]: Shape, flat: Uint8Array): number {
  const slice = nx * ny
  const residuals: number[] = []
  for (let i = 0; i < flat.length; i++) {
    if (flat[i] === 0) continue
    const neighbours = x[i - 1]! + x[i + 1]! + x[i - nx]! + x[i + nx]! + x[i - slice]! + x[i + slice]!
    const residual = UNIT_VARIANCE * (x[i]! - neighbours / 6)
    if (Number.isFinite(residual)) residuals.push(residual)
  }
  if (residuals.length < MIN_VOXELS) return Number.NaN
  const values = Float64Array.from(residuals)
  const center = quantile(values, 0.5)
  return (
    SD_PER_MAD *
    quantile(
      values.map((v) => Math.abs(v - center)),
      0.5,
    )
  )
}

/** Voxels whose six neighbours lie in the mask too. */
function innerVoxels([nx, ny, nz]: Shape, mask: Uint8Array): Uint32Array {
  const slice = nx * ny
  const found: number[] = []
  for (let z = 1; z < nz - 1; z++)
    for (let y = 1; y < ny - 1; y++)
      for (let i = 1 + nx * (y + ny * z), end = i + nx - 2; i < end; i++)
        if (
          mask[i] !== 0 &&
          mask[i - 1] !== 0 &&
          mask[i + 1] !== 0 &&
          mask[i - nx] !== 0 &&
          mask[i + nx] !== 0 &&
          mask[i - slice] !== 0 &&
          mask[i + slice] !== 0
        )
          found.push(i)
  return Uint32Array.from(found)
}

/** The order statistic at rank floor(q (n − 1)). */
function quantile(values: Float32Array | Float64Array, q: number): number {
  const sorted = values.slice().sort()
  return sorted.length === 0 ? Number.NaN : sorted[Math.floor(q * (sorted.length - 1))]!
}
