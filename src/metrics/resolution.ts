/** Bringing one image to the resolution of another image of the same anatomy. */
import { gaussianSmooth } from '../kernels/gaussian.ts'
import { middleSlab } from '../volume/slab.ts'
import { type Grid, voxelSize } from '../volume/volume.ts'
import { smoothnessFwhm } from './fwhm.ts'

/** Slices that smoothness is measured on. */
const SLAB = 32
/** Widest blur considered, SD in mm; and how closely it is found. */
const WIDEST_MM = 4
const STEPS = 8
/** Both images are smoothed by this SD (in voxels) before they are compared, so that noise does not pass for sharpness. */
const COMMON_VOXELS = 1

/**
 * The SD in mm of the Gaussian blur after which `sharp` is as smooth as `blurred`; 0 where it already is.
 * The anatomy is the same in both, so it cancels, which an absolute resolution would not do.
 */
export function matchingBlur(
  sharp: Float32Array,
  blurred: Float32Array,
  grid: Grid,
  mask: Uint8Array,
): number {
  const size = voxelSize(grid)
  const { shape, start, end } = middleSlab(grid.shape, mask, SLAB)
  const slabMask = mask.subarray(start, end)
  const smoothness = (x: Float32Array, sdMm: number): number => {
    const sd = size.map((edge) => Math.hypot(COMMON_VOXELS, sdMm / edge)) as [number, number, number]
    return smoothnessFwhm(gaussianSmooth(x.subarray(start, end), shape, sd), shape, slabMask, size)
  }
  const wanted = smoothness(blurred, 0)
  if (!(smoothness(sharp, 0) < wanted)) return 0
  let low = 0
  let high = WIDEST_MM
  for (let step = 0; step < STEPS; step++) {
    const middle = (low + high) / 2
    if (smoothness(sharp, middle) < wanted) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** `x` blurred by a Gaussian of the given SD in mm. */
export function blurred(x: Float32Array, grid: Grid, sdMm: number): Float32Array {
  const [a, b, c] = voxelSize(grid)
  return sdMm === 0 ? x : gaussianSmooth(x, grid.shape, [sdMm / a, sdMm / b, sdMm / c])
}
