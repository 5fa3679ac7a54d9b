/** What guards and records need to know of an image, measured once. */

import type { Vector3 } from '../kernels/matrix.ts'
import { maskedQuantiles } from '../kernels/quantile.ts'
import { frameOf } from '../volume/frame.ts'
import type { Volume } from '../volume/volume.ts'

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
    percentiles: percentilesOf(x, mask),
    extentMm: [shape[0] * voxel[0], shape[1] * voxel[1], shape[2] * voxel[2]],
    voxelMm: voxel,
    maskMl: (maskedVoxels * voxel[0] * voxel[1] * voxel[2]) / 1000,
  }
}

export function percentilesOf(x: Float32Array, mask: Uint8Array): Percentiles {
  const values = maskedQuantiles(
    x,
    mask,
    PERCENTILES.map((p) => p / 100),
  )
  return Object.fromEntries(PERCENTILES.map((p, i) => [`p${p}`, values[i]])) as unknown as Percentiles
}
