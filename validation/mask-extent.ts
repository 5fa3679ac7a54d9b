/** Where a mask lies along the stored axes. */
import type { Shape } from '../src/volume/volume.ts'

export interface Extent {
  /** First and last voxel index along the stored axes. */
  readonly low: Index3
  readonly high: Index3
}

export type Index3 = readonly [number, number, number]

/**
 * The voxel positions between two quantiles along each stored axis; the whole bounding box at `outside` 0.
 *
 * @param outside share of the mask's voxels left out at either end, below 0.5
 */
export function maskExtent(shape: Shape, mask: Uint8Array, outside = 0): Extent {
  const [nx, ny, nz] = shape
  const counts = [new Float64Array(nx), new Float64Array(ny), new Float64Array(nz)] as const
  let total = 0
  for (let z = 0, i = 0; z < nz; z++)
    for (let y = 0; y < ny; y++)
      for (let x = 0; x < nx; x++, i++) {
        if (mask[i] === 0) continue
        total++
        add(counts[0], x)
        add(counts[1], y)
        add(counts[2], z)
      }
  const first = (n: Float64Array): number => rank(n, Math.max(1, Math.ceil(outside * total)))
  const last = (n: Float64Array): number =>
    n.length - 1 - rank(n.toReversed(), Math.max(1, Math.ceil(outside * total)))
  return {
    low: [first(counts[0]), first(counts[1]), first(counts[2])],
    high: [last(counts[0]), last(counts[1]), last(counts[2])],
  }
}

function add(counts: Float64Array, index: number): void {
  counts[index] = (counts[index] as number) + 1
}

/** The first index up to which at least `wanted` voxels lie; 0 for an empty mask. */
function rank(counts: Float64Array, wanted: number): number {
  let sum = 0
  for (const [index, count] of counts.entries()) {
    sum += count
    if (sum >= wanted) return index
  }
  return 0
}
