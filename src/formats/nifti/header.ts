/** A NIfTI header as plain data: every field that must survive a round trip, in the file's own units. */
import type { Shape } from '../../volume/volume.ts'
import type { Datatype } from './datatype.ts'
import type { Extension } from './extensions.ts'

/** The fields of fixed size, the same in NIfTI-1 and NIfTI-2. @see nifti1.h; the names there are in the comments where ours differ */
export interface HeaderFields {
  /** `dim`: the number of dimensions, then seven sizes; only sizes of 1 beyond the third, since it is one volume's header. */
  readonly dim: readonly number[]
  /** `pixdim`: qfac, then seven spacings. */
  readonly pixdim: readonly number[]
  readonly datatype: Datatype
  /** `scl_slope` as stored; 0 means that samples are not scaled. */
  readonly slope: number
  /** `scl_inter` as stored. */
  readonly intercept: number
  readonly calMin: number
  readonly calMax: number
  /** `xyzt_units`. */
  readonly units: number
  readonly dimInfo: number
  readonly intent: {
    readonly code: number
    readonly name: string
    readonly parameters: readonly [number, number, number]
  }
  readonly slices: {
    readonly start: number
    readonly end: number
    readonly code: number
    readonly duration: number
  }
  readonly toffset: number
  /** `descrip`: at most 79 characters of Latin-1. */
  readonly description: string
  /** `aux_file`: at most 23 characters of Latin-1. */
  readonly auxFile: string
  readonly qform: {
    readonly code: number
    readonly quaternion: readonly [b: number, c: number, d: number]
    readonly offset: readonly [number, number, number]
  }
  /** `srow_x`, `srow_y`, `srow_z`, one after the other. */
  readonly sform: { readonly code: number; readonly rows: readonly number[] }
}

/** A whole header. */
export interface NiftiHeader extends HeaderFields {
  readonly extensions: readonly Extension[]
}

export type Version = 1 | 2

/** Length of a header without its extensions; its first field says it. @see nifti1.h, nifti2.h */
export const HEADER_BYTES = { 1: 348, 2: 540 } as const

/** The three spatial sizes; 1 where the file has fewer dimensions. */
export function shapeOf({ dim }: HeaderFields): Shape {
  const size = (axis: number): number => (axis <= (dim[0] as number) ? (dim[axis] as number) : 1)
  return [size(1), size(2), size(3)]
}

/** Slope and intercept in force: 1 and 0 where the file says that samples are not scaled. */
export function scaleOf({ slope, intercept }: Pick<HeaderFields, 'slope' | 'intercept'>): {
  readonly slope: number
  readonly intercept: number
} {
  return slope === 0 || !Number.isFinite(slope) ? { slope: 1, intercept: 0 } : { slope, intercept }
}
