/** The curves that `local-tone` predicts for one image, and how they lie over its voxels. */
import { type BilateralGrid, type GridAxis, sliceBilateralGrid } from '../kernels/bilateral-grid.ts'
import { risesEverywhere, unsliceBilateralGrid } from '../kernels/bilateral-grid-inverse.ts'
import { BOX, type LatticePlacement } from '../kernels/lattice.ts'
import type { Vector3 } from '../kernels/matrix.ts'
import { type Grid, type Volume, voxelCount } from '../volume/volume.ts'
import type { LocalToneModel } from './local-tone-model.ts'

/** Cells of the curve grid along R, A, S. */
export const CELLS: Vector3 = [8, 10, 8]
/** Edge of a cell in mm; the first centre lies half of it inside the box. */
export const CELL_MM: number = BOX[0] / CELLS[0]

export interface LocalCurves {
  /** [8, 10, 8, K + 1] along R, A, S: the curve of each cell at the knots, in units of the model's `referenceScale`. */
  readonly values: Float32Array
  /** The image's own scale s: knot k lies at intensity s * u_k. */
  readonly scale: number
  readonly placement: LatticePlacement
  /** How unlike the scans of training the image is, where the network says so. */
  readonly unlikeness?: number
}

/** Every voxel through the curve of its place: the image in the reference's unit. 0 stays exactly 0, NaN stays NaN. */
export function throughCurves(model: LocalToneModel, volume: Volume, curves: LocalCurves): Float32Array {
  const out = new Float32Array(voxelCount(volume))
  sliceBilateralGrid(out, volume.data, volume.scale, volume.shape, bilateralGrid(model, curves))
  return out
}

/**
 * What takes values in the reference's unit, on the grid of the image that `curves` belong to, back to the unit of that image.
 * @returns `undefined` where a curve is flat
 */
export function backThroughCurves(
  model: LocalToneModel,
  { shape }: Grid,
  curves: LocalCurves,
): ((values: Float32Array) => Float32Array) | undefined {
  const grid = bilateralGrid(model, curves)
  return risesEverywhere(grid) ? (values) => unsliceBilateralGrid(values, shape, grid) : undefined
}

/** The curves in intensities of image and reference, placed over the image's stored axes. */
export function bilateralGrid(
  { knots, referenceScale }: LocalToneModel,
  { values, scale, placement }: LocalCurves,
): BilateralGrid {
  return {
    curves: Float64Array.from(values, (value) => value * referenceScale),
    cells: CELLS,
    knots: knots.map((knot) => knot * scale),
    axes: [gridAxis(placement, 0), gridAxis(placement, 1), gridAxis(placement, 2)],
  }
}

function gridAxis({ axes, flips, shape, voxel, corner }: LatticePlacement, stored: 0 | 1 | 2): GridAxis {
  const along = axes.indexOf(stored) as 0 | 1 | 2
  const size = voxel[along]
  const start = flips[along] ? (shape[along] - 1) * size : 0
  return {
    along,
    origin: (start - corner[along]) / CELL_MM - 0.5,
    step: (flips[along] ? -size : size) / CELL_MM,
  }
}

/**
 * The `geometry` input of the complete graph: from voxel index (i, j, k, 1) to mm in the box along R, A, S.
 * @returns [3, 4], row-major
 */
export function voxelToBox({ axes, flips, shape, voxel, corner }: LatticePlacement): Float32Array {
  const out = new Float32Array(12)
  for (const row of [0, 1, 2] as const) {
    out[row * 4 + axes[row]] = flips[row] ? -voxel[row] : voxel[row]
    out[row * 4 + 3] = (flips[row] ? (shape[row] - 1) * voxel[row] : 0) - corner[row]
  }
  return out
}
