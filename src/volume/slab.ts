/** A few stored slices through the middle of a mask, on which what costs much is measured. */
import type { Shape } from './volume.ts'

export interface Slab {
  readonly shape: Shape
  /** First voxel, and the one after the last. */
  readonly start: number
  readonly end: number
}

/** @param depth number of slices of the slab, fewer where the image has fewer */
export function middleSlab(shape: Shape, mask: Uint8Array, depth: number): Slab {
  return slabOf(shape, countSlices(shape, mask), depth)
}

/** @param counts masked voxels per stored slice */
export function slabOf([nx, ny, nz]: Shape, counts: Uint32Array, depth: number): Slab {
  const half = counts.reduce((sum, count) => sum + count, 0) / 2
  let middle = 0
  for (let passed = 0; middle < nz - 1; middle++) {
    passed += counts[middle] as number
    if (passed > half) break
  }
  const slices = Math.min(depth, nz)
  const first = Math.max(0, Math.min(nz - slices, middle - (slices >> 1)))
  const slice = nx * ny
  return { shape: [nx, ny, slices], start: first * slice, end: (first + slices) * slice }
}

/** Masked voxels per stored slice. */
export function countSlices([nx, ny, nz]: Shape, mask: Uint8Array): Uint32Array {
  const counts = new Uint32Array(nz)
  for (let z = 0, i = 0; z < nz; z++) {
    let count = 0
    for (const end = i + nx * ny; i < end; i++) if (mask[i] !== 0) count++
    counts[z] = count
  }
  return counts
}
