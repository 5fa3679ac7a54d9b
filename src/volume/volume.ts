/** The one image type: scalar samples on a grid, and the record of what was done to them. */
import type { Affine } from '../kernels/matrix.ts'

export type Samples =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array

/**
 * `arbitrary` is what MRI scanners give. In all others a number means the same on every scanner, so that no method may rescale it:
 * CT numbers, standardized uptake by body weight (g/ml), activity concentration, diffusivity, relaxation times and rates.
 */
export type Unit = 'arbitrary' | 'HU' | 'SUVbw' | 'Bq/ml' | 'mm2/s' | 'ms' | 's' | '1/s'

/** Number of voxels along the stored axes; the first varies fastest in memory. */
export type Shape = readonly [nx: number, ny: number, nz: number]

/** A grid in space: what two images must share before their voxels can be compared. */
export interface Grid {
  readonly shape: Shape
  /** Voxel index to world (RAS+, mm), 4x4 row-major. */
  readonly affine: Affine
}

/**
 * A scalar image. Nothing changes it in place: functions return new volumes that may share `data`.
 * Stored samples stay as they are in the file until arithmetic needs them: the value of voxel i is
 * `data[i] * scale.slope + scale.intercept`; `toFloat32` gives those values.
 */
export interface Volume extends Grid {
  readonly data: Samples
  readonly scale: Scale
  readonly unit: Unit
  readonly history: readonly Step[]
}

export interface Scale {
  readonly slope: number
  readonly intercept: number
}

/** Enough to do the step again. No clock, no path: equal work leaves equal records. */
export interface Step {
  readonly op: string
  readonly params: object
}

export const UNSCALED: Scale = { slope: 1, intercept: 0 }

/** A volume of float32 values without scaling; the usual result of arithmetic. */
export function volumeOf(
  grid: Grid,
  data: Samples,
  rest: Partial<Pick<Volume, 'unit' | 'history' | 'scale'>> = {},
): Volume {
  return {
    shape: grid.shape,
    affine: grid.affine,
    data,
    scale: rest.scale ?? UNSCALED,
    unit: rest.unit ?? 'arbitrary',
    history: rest.history ?? [],
  }
}

/** Values in the volume's unit. The stored array itself where it already holds them: treat the result as read-only. */
export function toFloat32({ data, scale }: Volume): Float32Array {
  const { slope, intercept } = scale
  if (data instanceof Float32Array && slope === 1 && intercept === 0) return data
  const out = new Float32Array(data.length)
  if (slope === 1 && intercept === 0) out.set(data)
  else for (let i = 0; i < out.length; i++) out[i] = (data[i] as number) * slope + intercept
  return out
}

export function voxelCount({ shape }: Grid): number {
  return shape[0] * shape[1] * shape[2]
}

/** Edge lengths of one voxel in mm along the stored axes. */
export function voxelSize({ affine: a }: Grid): readonly [number, number, number] {
  const length = (c: number): number => Math.hypot(a[c] as number, a[4 + c] as number, a[8 + c] as number)
  return [length(0), length(1), length(2)]
}

/** Whether voxel i of one lies within `tolerance` mm of voxel i of the other, for every i. */
export function sameGrid(a: Grid, b: Grid, tolerance = 1e-3): boolean {
  if (a.shape.some((n, axis) => n !== b.shape[axis])) return false
  return [0, 1, 2].every((row) => {
    const at = (k: number): number =>
      Math.abs((a.affine[row * 4 + k] as number) - (b.affine[row * 4 + k] as number))
    return at(0) * a.shape[0] + at(1) * a.shape[1] + at(2) * a.shape[2] + at(3) <= tolerance
  })
}
