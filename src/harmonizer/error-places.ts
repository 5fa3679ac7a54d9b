/**
 * Where in the head, how deep below its surface, and at which intensities a method erred in people who were left out: shading that no curve undoes,
 * tissues that it takes for one another. Two tables of mean squared errors for each scanner, of places and of layers.
 */
import { decodeFloats } from '../kernels/float-text.ts'
import { BOX } from '../kernels/lattice.ts'
import { distanceToMask } from '../kernels/morphology.ts'
import { LEVELS, PLACE_STRIDES, PLACES, type TableAxis, tableAxis } from '../kernels/place-table.ts'
import { frameOf, placeBox } from '../volume/frame.ts'
import { type Grid, voxelSize } from '../volume/volume.ts'

export type TableAxes = readonly [TableAxis, TableAxis, TableAxis]

/** Where the stored voxels of an image lie in the tables: the box of `local-tone` over its mask, whatever the storage order. */
export function tableAxes(grid: Grid, mask: Uint8Array): TableAxes {
  const frame = frameOf(grid)
  const corner = placeBox(frame, mask)
  const axes: TableAxis[] = []
  for (const axis of [0, 1, 2] as const) {
    const [n, nodes] = [frame.shape[axis], PLACES[axis]]
    const at = Float64Array.from({ length: n }, (_, i) => {
      const index = frame.flips[axis] ? n - 1 - i : i
      return ((index * frame.voxel[axis] - corner[axis]) / BOX[axis]) * nodes - 0.5
    })
    axes[frame.axes[axis]] = tableAxis(at, nodes, PLACE_STRIDES[axis])
  }
  return axes as unknown as TableAxes
}

/** @param brightest the output at the highest level; 0 is the lowest */
export function levelOf(output: number, brightest: number): number {
  return (output / brightest) * (LEVELS - 1)
}

/** Depth of each voxel of the mask below its surface, in mm; 0 outside. The border of the image is no surface. */
export function depths(grid: Grid, mask: Uint8Array): Float32Array {
  const outside = mask.map((inside) => (inside === 0 ? 1 : 0))
  return distanceToMask(outside, grid.shape, voxelSize(grid)).map((squared) => Math.sqrt(squared))
}

/** Whether a text holds a table of that many values, finite and not negative. */
export function isTable(text: string, size: number): boolean {
  return (
    Buffer.byteLength(text, 'base64') === 4 * size &&
    decodeFloats(text).every((value) => Number.isFinite(value) && value >= 0)
  )
}
