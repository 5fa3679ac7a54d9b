/** A few scale-free numbers that tell one kind of image from another: what a harmonizer remembers of its training images. */
import { quantilesOfSorted } from '../kernels/quantile.ts'
import { sortFloats } from '../kernels/sort.ts'
import { closestAxes } from '../volume/orientation.ts'
import type { Slab } from '../volume/slab.ts'
import { type Grid, voxelSize } from '../volume/volume.ts'
import { smoothnessFwhm } from './fwhm.ts'
import { noiseSd } from './noise.ts'

/** Nothing here depends on the gain of the image, nor on the order in which its voxels are stored (but for the choice of the slab). */
export interface Descriptors {
  /** Shape of the histogram: the 5 %, 10 %, ... 95 % quantiles of the intensities over their mean. */
  readonly histogram: readonly number[]
  /**
   * Contrast between the middle and the rim: mean intensity in 8 shells that hold equally many voxels, from the centre of
   * the head outwards, over the mean of all. Shells are ellipsoids with the proportions of the head.
   */
  readonly radial: readonly number[]
  /** How much of the head is cut off at the faces of the image (`FACES`): its area at the face over its largest cross-section. */
  readonly cut: readonly number[]
  /** SD of the noise (see noise.ts) over the mean intensity. */
  readonly noise: number
  /** Smoothness (see fwhm.ts) in mm. */
  readonly fwhmMm: number
}

/** Faces of the image in the order of `cut`. */
export const FACES = ['left', 'right', 'back', 'front', 'lower', 'upper'] as const

const PROBABILITIES = Array.from({ length: 19 }, (_, k) => (k + 1) / 20)
const SHELLS = 8
/** Thickness of what counts as the face of an image: thicker than one slice, since edge slices are often blanked by scanners. */
const FACE_MM = 8

/** Where to measure: all of the foreground or an even sample of it, and a slab for what needs neighbours. */
export interface Place {
  /** Foreground, 0 or 1, length V. */
  readonly mask: Uint8Array
  /** Indices of foreground voxels, ascending, evenly spread; at least one. */
  readonly sample: Uint32Array
  readonly slab: Slab
}

/** What `descriptorsOf` need not measure again: both on the slab, `null` where they cannot be measured. */
export interface Measured {
  readonly noiseSd: number | null
  readonly fwhmMm: number | null
}

/**
 * @param x values, length V; those of the foreground finite
 * @returns `noise` and `fwhmMm` are NaN where the slab has too few voxels for them
 */
export function descriptorsOf(
  x: Float32Array,
  grid: Grid,
  { mask, sample, slab }: Place,
  measured?: Measured,
): Descriptors {
  const values = Float32Array.from(sample, (i) => x[i]!)
  const scale = values.reduce((sum, value) => sum + Math.abs(value), 0) / values.length
  const orNaN = (value: number | null): number => value ?? Number.NaN
  const slabValues = x.subarray(slab.start, slab.end)
  const slabMask = mask.subarray(slab.start, slab.end)
  return {
    histogram: [...quantilesOfSorted(sortFloats(values.slice()), PROBABILITIES)].map((q) => q / scale),
    radial: radialProfile(values, grid, sample).map((mean) => mean / scale),
    cut: cutFaces(grid, sample),
    noise: (measured ? orNaN(measured.noiseSd) : noiseSd(slabValues, slab.shape, slabMask)) / scale,
    fwhmMm: measured
      ? orNaN(measured.fwhmMm)
      : smoothnessFwhm(slabValues, slab.shape, slabMask, voxelSize(grid)),
  }
}

function radialProfile(values: Float32Array, { shape }: Grid, sample: Uint32Array): number[] {
  const n = sample.length
  const squares = new Float32Array(n)
  const coordinate = new Float32Array(n)
  let stride = 1
  for (const length of shape) {
    let sum = 0
    let sumSquares = 0
    for (let k = 0; k < n; k++) {
      const at = Math.floor(sample[k]! / stride) % length
      coordinate[k] = at
      sum += at
      sumSquares += at * at
    }
    const mean = sum / n
    const variance = sumSquares / n - mean * mean
    if (variance > 0) for (let k = 0; k < n; k++) squares[k]! += (coordinate[k]! - mean) ** 2 / variance
    stride *= length
  }
  const bounds = quantilesOfSorted(
    sortFloats(squares.slice()),
    Array.from({ length: SHELLS - 1 }, (_, s) => (s + 1) / SHELLS),
  )
  const sums = new Float64Array(SHELLS)
  const counts = new Float64Array(SHELLS)
  for (let k = 0; k < n; k++) {
    let shell = 0
    while (shell < SHELLS - 1 && squares[k]! > bounds[shell]!) shell++
    sums[shell]! += values[k]!
    counts[shell]! += 1
  }
  return Array.from(sums, (sum, shell) => sum / Math.max(1, counts[shell]!))
}

/** Per face the foreground within 8 mm of it, over that in the fullest 8 mm along the same axis. */
function cutFaces(grid: Grid, sample: Uint32Array): number[] {
  const size = voxelSize(grid)
  const { axes, flips } = closestAxes(grid.affine)
  return axes.flatMap((axis, direction) => {
    const length = grid.shape[axis]!
    const stride = grid.shape.slice(0, axis).reduce((product, n) => product * n, 1)
    const bins = Math.max(1, Math.round((length * size[axis]!) / FACE_MM))
    const counts = new Float64Array(bins)
    for (const i of sample) counts[Math.floor(((Math.floor(i / stride) % length) * bins) / length)]! += 1
    const most = Math.max(...counts)
    const ends = [counts[0]! / most, counts[bins - 1]! / most]
    return flips[direction] ? ends.reverse() : ends
  })
}
