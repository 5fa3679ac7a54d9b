/** An image as axial planes, however it is stored: what networks that look at slices read. */
import { frameOf } from './frame.ts'
import type { Grid } from './volume.ts'

export interface Planes {
  /** [S, A, R], R fastest. */
  readonly data: Float32Array
  /** Number of planes, rows from posterior to anterior, columns from left to right. */
  readonly shape: readonly [planes: number, rows: number, columns: number]
}

/** @param x values on the grid, stored order */
export function toPlanes(x: ArrayLike<number>, grid: Grid): Planes {
  const { shape, offsets } = layout(grid)
  const data = new Float32Array(x.length)
  forEach(shape, offsets, (stored, at) => {
    data[at] = x[stored] as number
  })
  return { data, shape }
}

/** The inverse: values back in stored order. */
export function fromPlanes({ data }: Planes, grid: Grid): Float32Array {
  const { shape, offsets } = layout(grid)
  const x = new Float32Array(data.length)
  forEach(shape, offsets, (stored, at) => {
    x[stored] = data[at] as number
  })
  return x
}

interface Layout {
  readonly shape: Planes['shape']
  /** Of each index along S, A, R, in the stored array. */
  readonly offsets: readonly [Int32Array, Int32Array, Int32Array]
}

function layout(grid: Grid): Layout {
  const { axes, flips, shape } = frameOf(grid)
  const strides = [1, grid.shape[0], grid.shape[0] * grid.shape[1]] as const
  const along = (axis: 0 | 1 | 2): Int32Array => {
    const stride = strides[axes[axis] as 0 | 1 | 2]
    const n = shape[axis]
    return Int32Array.from({ length: n }, (_, i) => (flips[axis] ? n - 1 - i : i) * stride)
  }
  return { shape: [shape[2], shape[1], shape[0]], offsets: [along(2), along(1), along(0)] }
}

function forEach(
  [planes, rows, columns]: Planes['shape'],
  [s, a, r]: Layout['offsets'],
  visit: (stored: number, at: number) => void,
): void {
  for (let k = 0, at = 0; k < planes; k++)
    for (let j = 0; j < rows; j++) {
      const row = (s[k] as number) + (a[j] as number)
      for (let i = 0; i < columns; i++, at++) visit(row + (r[i] as number), at)
    }
}
