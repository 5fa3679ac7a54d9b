/**
 * Where in the head, and at which intensities, a method erred in people who were left out: shading that no curve undoes, tissues that it
 * takes for one another. A table of mean squared errors for each scanner.
 */
import { decodeFloats } from '../kernels/float-text.ts'
import { BOX } from '../kernels/lattice.ts'
import {
  LEVELS,
  PLACE_STRIDES,
  PLACES,
  TABLE_SIZE,
  type TableAxis,
  tableAxis,
} from '../kernels/place-table.ts'
import { frameOf, placeBox } from '../volume/frame.ts'
import type { Grid } from '../volume/volume.ts'

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

/** Whether a text holds a table of values that are finite and not negative. */
export function isTable(text: string): boolean {
  return (
    Buffer.byteLength(text, 'base64') === 4 * TABLE_SIZE &&
    decodeFloats(text).every((value) => Number.isFinite(value) && value >= 0)
  )
}
