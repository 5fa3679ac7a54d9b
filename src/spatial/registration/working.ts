/** What registration looks at: the head alone, no finer than needed. */
import { InputError } from '../../errors.ts'
import { gaussianSmooth } from '../../kernels/gaussian.ts'
import { transformPoint, type Vector3 } from '../../kernels/matrix.ts'
import { toFloat32, type Volume, volumeOf, voxelSize } from '../../volume/volume.ts'
import { resample } from '../resample.ts'
import { cornersOf, edgesOf, gridAround, turnOf } from './lattice.ts'

/** An image ready to be registered, in its own world. */
export interface WorkingImage {
  /** Cropped to the mask and smoothed to its voxels; orthogonal axes; float32. */
  readonly volume: Volume
  /** Places inside the mask, mm: where the error is measured. */
  readonly points: readonly Vector3[]
  /** Mean of `points`. */
  readonly centre: Vector3
}

/** Finer voxels are averaged (chosen): at 2 mm the error is about 0.1 mm (docs/guides/registration.md), and an image of 256^3 stays small. */
const WORK_MM = 2
/** Air kept around the mask, mm (chosen): the border of the head is most of what can be matched. */
const MARGIN_MM = 10
/** Places at which the error is measured, about (chosen): a rigid displacement field is smooth, and ten times as many change nothing. */
const POINTS = 2000
/** FWHM of a Gaussian in standard deviations. */
const FWHM = 2 * Math.sqrt(2 * Math.LN2)

/**
 * @param mask on the volume's grid, 1 inside
 * @throws {InputError} when the mask is empty
 */
export function workingImage(volume: Volume, mask: Uint8Array): WorkingImage {
  const inside = mask.reduce((sum, value) => sum + (value === 0 ? 0 : 1), 0)
  if (inside === 0)
    throw new InputError(
      'Nothing in the image stands out from air, and no mask is given.',
      'Give a mask in the cohort, or leave the scan out.',
    )
  const { points, low, high } = survey(volume, mask, Math.max(1, Math.floor(inside / POINTS)))
  const size = voxelSize(volume)
  const margin = size.map((mm) => Math.ceil(MARGIN_MM / mm))
  const corners = cornersOf(
    volume,
    [0, 1, 2].map((a) => Math.max(0, (low[a] as number) - (margin[a] as number))) as [number, number, number],
    [0, 1, 2].map((a) =>
      Math.min((volume.shape[a] as number) - 1, (high[a] as number) + (margin[a] as number)),
    ) as [number, number, number],
  )
  const turn = turnOf(volume)
  const [x, y, z] = corners[0] as Vector3
  const pose = turn.map((value, k) => (k === 3 ? x : k === 7 ? y : k === 11 ? z : value))
  const edges = edgesOf(volume).map((mm) => Math.max(WORK_MM, mm)) as [number, number, number]
  const [sx, sy, sz] = size.map((mm) =>
    mm < WORK_MM ? Math.sqrt(WORK_MM ** 2 - mm ** 2) / FWHM / mm : 0,
  ) as [number, number, number]
  const finite = toFloat32(volume).map((value) => (Number.isFinite(value) ? value : 0))
  const smooth = volumeOf(volume, gaussianSmooth(finite, volume.shape, [sx, sy, sz]))
  const mean = (axis: 0 | 1 | 2): number => points.reduce((sum, p) => sum + p[axis], 0) / points.length
  return {
    volume: resample(smooth, gridAround(pose, edges, corners), 'cubic'),
    points,
    centre: [mean(0), mean(1), mean(2)],
  }
}

/** Every `step`-th place of the mask, and the box of voxels around it. */
function survey(
  { shape: [nx, ny, nz], affine }: Volume,
  mask: Uint8Array,
  step: number,
): { points: readonly Vector3[]; low: Vector3; high: Vector3 } {
  const points: Vector3[] = []
  let [x0, y0, z0, x1, y1, z1] = [nx, ny, nz, -1, -1, -1]
  let count = 0
  for (let k = 0, v = 0; k < nz; k++)
    for (let j = 0; j < ny; j++)
      for (let i = 0; i < nx; i++, v++) {
        if (mask[v] === 0) continue
        if (i < x0) x0 = i
        if (i > x1) x1 = i
        if (j < y0) y0 = j
        if (j > y1) y1 = j
        if (k < z0) z0 = k
        z1 = k
        if (count++ % step === 0) points.push(transformPoint(affine, [i, j, k]))
      }
  return { points, low: [x0, y0, z0], high: [x1, y1, z1] }
}
