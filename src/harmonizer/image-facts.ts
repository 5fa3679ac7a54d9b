/** What guards and records need to know of an image, measured once. */

import type { Vector3 } from '../kernels/matrix.ts'
import { quantilesOfSorted } from '../kernels/quantile.ts'
import { frameOf } from '../volume/frame.ts'
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

/**
 * @param x    values of `volume`, length V
 * @param mask length V
 */
export function imageFacts(volume: Volume, x: Float32Array, mask: Uint8Array): ImageFacts {
  let nonFinite = 0
  let maskedVoxels = 0
  for (let i = 0; i < x.length; i++) {
    if (!Number.isFinite(x[i])) nonFinite++
    if (mask[i] !== 0) maskedVoxels++
  }
  const { shape, voxel } = frameOf(volume)
  return {
    voxels: x.length,
    nonFinite,
    maskedVoxels,
    percentiles: percentilesOf(x, mask, maskedVoxels),
    extentMm: [shape[0] * voxel[0], shape[1] * voxel[1], shape[2] * voxel[2]],
    voxelMm: voxel,
    maskMl: (maskedVoxels * voxel[0] * voxel[1] * voxel[2]) / 1000,
  }
}

/** Voxels that percentiles rest on; of more, every k-th is taken, since sorting them all takes longer than harmonizing. */
const ENOUGH = 200_000

/**
 * Percentiles of the finite masked voxels.
 * @param maskedVoxels how many voxels the mask selects
 */
export function percentilesOf(x: Float32Array, mask: Uint8Array, maskedVoxels: number): Percentiles {
  const every = Math.max(1, Math.floor(maskedVoxels / ENOUGH))
  const sample = new Float32Array(Math.ceil(maskedVoxels / every))
  let n = 0
  for (let i = 0, seen = 0; i < x.length; i++) {
    if (mask[i] === 0 || seen++ % every !== 0) continue
    const value = x[i] as number
    if (Number.isFinite(value)) sample[n++] = value
  }
  const values = quantilesOfSorted(
    sample.subarray(0, n).sort(),
    PERCENTILES.map((p) => p / 100),
  )
  return Object.fromEntries(PERCENTILES.map((p, i) => [`p${p}`, values[i]])) as unknown as Percentiles
}

/** Neighbouring slices through the middle of a mask, as views of the whole. */
export interface Slab {
  readonly shape: Shape
  /** Voxels before the first slice. */
  readonly start: number
  readonly end: number
}

/** Up to `depth` stored slices around the one that halves the mask: enough voxels for noise and contrast, in a fraction of the time. */
export function middleSlab([nx, ny, nz]: Shape, mask: Uint8Array, depth: number): Slab {
  const slice = nx * ny
  const counts = new Float64Array(nz)
  let total = 0
  for (let z = 0, i = 0; z < nz; z++) {
    let count = 0
    for (const end = i + slice; i < end; i++) if (mask[i] !== 0) count++
    counts[z] = count
    total += count
  }
  let middle = 0
  for (let passed = 0; middle < nz - 1; middle++) {
    passed += counts[middle] as number
    if (passed > total / 2) break
  }
  const slices = Math.min(depth, nz)
  const first = Math.max(0, Math.min(nz - slices, middle - (slices >> 1)))
  return { shape: [nx, ny, slices], start: first * slice, end: (first + slices) * slice }
}
