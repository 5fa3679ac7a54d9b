import { maskedQuantiles } from '../kernels/quantile.ts'
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
 * The flattest quarter of the mask, 1 or 0 per voxel: where central differences at the voxel, and those at its six
 * neighbours across the direction to it, have the smallest sum of squares. These 15 differences are uncorrelated with the
 * voxel's pseudo-residual when the image is white noise, so noise does not choose places where it looks small.
 * Only the brighter half of the mask takes part: dark voxels are air, bone and fluid, where the noise of magnitude
 * images is not Gaussian. Choosing the places once on the reference image lets several images be compared there
 * (`residualSd`).
 *
 * @param x     image, length V
 * @param shape grid
 * @param mask  length V
 */
export function flatVoxels(x: Float32Array, shape: Shape, mask: Uint8Array): Uint8Array {
  const inner = innerVoxels(shape, mask)
  const level = new Float32Array(inner.length)
  const roughness = new Float32Array(inner.length)
  const [nx, ny] = shape
  const directions = [
    [1, nx, nx * ny],
    [nx, nx * ny, 1],
    [nx * ny, 1, nx],
  ] as const
  for (let k = 0; k < inner.length; k++) {
    const i = inner[k]!
    let sum = 0
    let squares = 0
    for (const [a, b, c] of directions) {
      const straight = x[i + a]! - x[i - a]!
      const acrossB1 = x[i + a + b]! - x[i + a - b]!
      const acrossB2 = x[i - a + b]! - x[i - a - b]!
      const acrossC1 = x[i + a + c]! - x[i + a - c]!
      const acrossC2 = x[i - a + c]! - x[i - a - c]!
      sum += x[i + a + b]! + x[i + a - b]! + x[i - a + b]! + x[i - a - b]!
      squares +=
        straight * straight +
        acrossB1 * acrossB1 +
        acrossB2 * acrossB2 +
        acrossC1 * acrossC1 +
        acrossC2 * acrossC2
    }
    level[k] = sum
    roughness[k] = squares
  }
  const [brightFrom] = maskedQuantiles(level, null, [0.5]) as unknown as [number]
  const bright = roughness.filter((_, k) => level[k]! >= brightFrom)
  const [flattest] = maskedQuantiles(bright, null, [2 * FLAT_SHARE]) as unknown as [number]
  const flat = new Uint8Array(mask.length)
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
  const residuals = new Float32Array(flat.reduce((sum, one) => sum + one, 0))
  let n = 0
  for (let i = 0; i < flat.length; i++) {
    if (flat[i] === 0) continue
    const neighbours = x[i - 1]! + x[i + 1]! + x[i - nx]! + x[i + nx]! + x[i - slice]! + x[i + slice]!
    const residual = UNIT_VARIANCE * (x[i]! - neighbours / 6)
    if (Number.isFinite(residual)) residuals[n++] = residual
  }
  if (n < MIN_VOXELS) return Number.NaN
  const values = residuals.subarray(0, n)
  const center = median(values)
  return SD_PER_MAD * median(values.map((v) => Math.abs(v - center)))
}

/** Voxels whose six neighbours lie in the mask too. */
function innerVoxels([nx, ny, nz]: Shape, mask: Uint8Array): Uint32Array {
  const slice = nx * ny
  const found = new Uint32Array(mask.length)
  let n = 0
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
          found[n++] = i
  return found.subarray(0, n)
}

function median(values: Float32Array): number {
  return maskedQuantiles(values, null, [0.5])[0]!
}
