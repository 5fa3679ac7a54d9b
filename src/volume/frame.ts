/**
 * The frame of an image: its own voxel grid, turned and flipped so that the axes point to R, A, S as nearly as the
 * affine allows. Coordinates are mm along the stored axes; nothing is resampled for an oblique image, and storage
 * order does not matter. See docs/decisions/0002-local-tone.md.
 */
import { UnfittableError } from '../errors.ts'
import { BOX } from '../kernels/lattice.ts'
import type { Vector3 } from '../kernels/matrix.ts'
import { closestAxes } from './orientation.ts'
import { type Grid, voxelSize } from './volume.ts'

export interface Frame {
  /** Stored axis that runs along R, A, S. */
  readonly axes: readonly [number, number, number]
  /** Whether that stored axis runs against R, A, S. */
  readonly flips: readonly [boolean, boolean, boolean]
  /** Voxels along R, A, S. */
  readonly shape: Vector3
  /** Voxel size in mm along R, A, S. */
  readonly voxel: Vector3
}

export function frameOf(grid: Grid): Frame {
  const { axes, flips } = closestAxes(grid.affine)
  const size = voxelSize(grid)
  const along = (values: Vector3): Vector3 => [
    values[axes[0]] ?? 0,
    values[axes[1]] ?? 0,
    values[axes[2]] ?? 0,
  ]
  return { axes, flips, shape: along(grid.shape), voxel: along(size) }
}

/** Distance in mm from the mask's top to the upper face of the box. */
const HEADROOM = 6

/**
 * Frame coordinates (mm) of the box's lowest corner: centred on the mask in R and A, its upper face 6 mm above the
 * mask's top in S, so that a long neck does not move it.
 *
 * @param mask on the stored grid, 0 or not 0
 * @throws {UnfittableError} when the mask is empty
 */
export function placeBox(frame: Frame, mask: Uint8Array): Vector3 {
  const counts = projections(frame, mask)
  const at = (axis: 0 | 1 | 2, share: number): number =>
    quantileIndex(counts[axis], share) * frame.voxel[axis]
  const middle = (axis: 0 | 1): number => (at(axis, 0.01) + at(axis, 0.99)) / 2 - BOX[axis] / 2
  return [middle(0), middle(1), at(2, 0.995) + HEADROOM - BOX[2]]
}

/** Number of mask voxels at each frame index along R, A and S. */
function projections(frame: Frame, mask: Uint8Array): readonly [Float64Array, Float64Array, Float64Array] {
  const stored: [number, number, number] = [0, 0, 0]
  for (const axis of [0, 1, 2] as const) stored[frame.axes[axis]] = frame.shape[axis]
  const [nx, ny, nz] = stored
  const sums = stored.map((n) => new Float64Array(n)) as [Float64Array, Float64Array, Float64Array]
  const [alongX, alongY, alongZ] = sums
  for (let z = 0, i = 0; z < nz; z++) {
    let slice = 0
    for (let y = 0; y < ny; y++) {
      let row = 0
      for (let x = 0; x < nx; x++, i++) {
        if (mask[i] === 0) continue
        row++
        alongX[x] = (alongX[x] ?? 0) + 1
      }
      alongY[y] = (alongY[y] ?? 0) + row
      slice += row
    }
    alongZ[z] = slice
  }
  const canonical = (axis: 0 | 1 | 2): Float64Array => {
    const counts = sums[frame.axes[axis]] as Float64Array
    return frame.flips[axis] ? counts.toReversed() : counts
  }
  return [canonical(0), canonical(1), canonical(2)]
}

function quantileIndex(counts: Float64Array, share: number): number {
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (total === 0)
    throw new UnfittableError(
      'The mask is empty: no voxel is selected.',
      'Give a mask that covers the head, or check that the image is not blank.',
    )
  let sum = 0
  for (const [index, count] of counts.entries()) {
    sum += count
    if (sum >= share * total) return index
  }
  return counts.length - 1
}
