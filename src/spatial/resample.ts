/** Bringing a volume onto another grid. */
import { InputError } from '../errors.ts'
import { invert, multiply } from '../kernels/matrix.ts'
import { type Interpolation, resampleInto } from '../kernels/resample.ts'
import { type Grid, toFloat32, type Volume, volumeOf, voxelCount } from '../volume/volume.ts'

export type { Interpolation } from '../kernels/resample.ts'

/**
 * `volume` read at the voxel centres of `grid`, in world coordinates. Values beyond its outermost voxel centres are `outside`.
 * A coarser grid samples, it does not average: smooth first where that matters. Labels take `nearest`.
 * @param interpolation `cubic` is Keys' kernel with a = -1/2, `sinc` Lanczos' over six voxels; both overshoot at edges
 * @returns float32 values
 */
export function resample(volume: Volume, grid: Grid, interpolation: Interpolation, outside = 0): Volume {
  const toVoxels = invert(volume.affine)
  if (toVoxels === undefined)
    throw new InputError('The affine of the volume to resample is singular.', 'Correct its header.')
  const out = new Float32Array(voxelCount(grid))
  const map = multiply(toVoxels, grid.affine)
  resampleInto(out, grid.shape, toFloat32(volume), volume.shape, map, interpolation, outside)
  const params = { shape: grid.shape, affine: grid.affine, interpolation, outside }
  return volumeOf(grid, out, {
    unit: volume.unit,
    history: [...volume.history, { op: 'resample', params }],
  })
}
