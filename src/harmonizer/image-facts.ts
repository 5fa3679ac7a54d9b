/** What guards and records need to know of an image, measured once. */

import type { Vector3 } from '../kernels/matrix.ts'
import { quantilesOfSorted } from '../kernels/quantile.ts'
import { sortFloats } from '../kernels/sort.ts'
import { frameOf } from '../volume/frame.ts'
import { countSlices, type Slab, slabOf } from '../volume/slab.ts'
import type { Shape, Volume } from '../volume/volume.ts'

export const PERCENTILES = [1, 5, 25, 50, 75, 95, 99] as const
export type Percentiles = Readonly<Record<`p${(typeof PERCENTILES)[number]}`, number>>

export interface ImageFacts {
  readonly voxels: number
  /** Voxels that are NaN or infinite, inside the mask or out. */
  readonly nonFinite: number
  readonly maskedVoxels: number
  /** Of the finite masked voxels; NaN where there are none. */
  readonly percentiles: Percentiles
  /** Field of view along the axes nearest to R, A, S. */
  readonly extentMm: Vector3
  readonly voxelMm: Vector3
  readonly maskMl: number
}

/** Where to look: found once per mask, since looking through all voxels again would take longer than harmonizing them. */
export interface MaskSurvey {
  readonly voxels: number
  /** Masked voxels that percentiles rest on: all, or of many every k-th. */
  readonly sample: Uint32Array
  /** Neighbouring stored slices around the one that halves the mask, for noise and sharpness. */
  readonly slab: Slab
}

/** Voxels that percentiles rest on: the rank of each is then known to about 0.2 %. */
const ENOUGH = 50_000

/** @param depth number of slices of the slab, fewer where the image has fewer */
export function surveyMask(shape: Shape, mask: Uint8Array, depth: number): MaskSurvey {
  const counts = countSlices(shape, mask)
  const voxels = counts.reduce((sum, count) => sum + count, 0)
  const every = Math.max(1, Math.floor(voxels / ENOUGH))
  const sample = new Uint32Array(Math.ceil(voxels / every))
  for (let i = 0, wait = 0, n = 0; n < sample.length; i++) {
    if (mask[i] === 0) continue
    if (wait > 0) wait--
    else {
      sample[n++] = i
      wait = every - 1
    }
  }
  return { voxels, sample, slab: slabOf(shape, counts, depth) }
}

/** How many values are NaN or infinite. */
export function nonFiniteIn(x: Float32Array): number {
  let count = 0
  // v - v is 0 for every finite number and NaN for the others.
  for (let i = 0; i < x.length; i++) if ((x[i] as number) - (x[i] as number) !== 0) count++
  return count
}

/** @param x values of `volume`, length V */
export function imageFacts(volume: Volume, x: Float32Array, survey: MaskSurvey): ImageFacts {
  const { shape, voxel } = frameOf(volume)
  return {
    voxels: x.length,
    nonFinite: nonFiniteIn(x),
    maskedVoxels: survey.voxels,
    percentiles: percentilesOf(x, survey),
    extentMm: [shape[0] * voxel[0], shape[1] * voxel[1], shape[2] * voxel[2]],
    voxelMm: voxel,
    maskMl: (survey.voxels * voxel[0] * voxel[1] * voxel[2]) / 1000,
  }
}

/** Percentiles of the finite voxels of the sample; NaN where there are none. */
export function percentilesOf(x: Float32Array, { sample }: MaskSurvey): Percentiles {
  const values = new Float32Array(sample.length)
  let n = 0
  for (let k = 0; k < sample.length; k++) {
    const value = x[sample[k] as number] as number
    if (Number.isFinite(value)) values[n++] = value
  }
  const found = quantilesOfSorted(
    sortFloats(values.subarray(0, n)),
    PERCENTILES.map((p) => p / 100),
  )
  return Object.fromEntries(PERCENTILES.map((p, i) => [`p${p}`, found[i]])) as unknown as Percentiles
}
