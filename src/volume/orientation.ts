/** Which way the stored axes of a grid run, and turning them without resampling. */
import { type Affine, AXIS_ORDERS } from '../kernels/matrix.ts'
import type { Samples, Volume } from './volume.ts'

/** For the world axes R, A, S in this order: the stored axis that shows each best, and whether it runs against it. */
export interface AxisMatch {
  readonly axes: readonly [number, number, number]
  readonly flips: readonly [boolean, boolean, boolean]
}

/** The assignment of stored axes to world axes with the largest sum of direction cosines; for ties the first in order. */
export function closestAxes(affine: Affine): AxisMatch {
  const cosine = (row: number, column: number): number => {
    const at = (r: number): number => affine[r * 4 + column] as number
    return at(row) / Math.hypot(at(0), at(1), at(2))
  }
  let axes: readonly [number, number, number] = [0, 1, 2]
  let best = Number.NEGATIVE_INFINITY
  for (const candidate of AXIS_ORDERS) {
    const sum = candidate.reduce<number>((total, column, row) => total + Math.abs(cosine(row, column)), 0)
    if (sum > best + 1e-9) [axes, best] = [candidate, sum]
  }
  return { axes, flips: [cosine(0, axes[0]) < 0, cosine(1, axes[1]) < 0, cosine(2, axes[2]) < 0] }
}

/** Where the three stored axes point, such as `RAS` or `LPI`. */
export function orientationCode(affine: Affine): string {
  const { axes, flips } = closestAxes(affine)
  const letters = ['', '', '']
  axes.forEach((column, row) => {
    letters[column] = (flips[row] ? 'LPI' : 'RAS')[row] as string
  })
  return letters.join('')
}

/**
 * The same voxels at the same places in another storage order: new axis w is the stored axis `axes[w]`, reversed where `flips[w]`.
 * `reorient(volume, axes, flips)` with the result of `closestAxes` runs along R, A, S as nearly as the affine allows.
 */
export function reorient(volume: Volume, axes: AxisMatch['axes'], flips: AxisMatch['flips']): Volume {
  const { shape, affine, data } = volume
  const strides = [1, shape[0], shape[0] * shape[1]] as const
  const size = (w: number): number => shape[axes[w] as 0 | 1 | 2]
  const step = (w: number): number => strides[axes[w] as 0 | 1 | 2] * (flips[w] ? -1 : 1)
  const [nx, ny, nz] = [size(0), size(1), size(2)]
  const [sx, sy, sz] = [step(0), step(1), step(2)]
  let start = 0
  for (const w of [0, 1, 2]) if (flips[w]) start += (size(w) - 1) * strides[axes[w] as 0 | 1 | 2]
  const out = data.slice(0) as Samples
  let o = 0
  for (let k = 0; k < nz; k++)
    for (let j = 0; j < ny; j++) {
      let v = start + k * sz + j * sy
      for (let i = 0; i < nx; i++, v += sx) out[o++] = data[v] as number
    }
  const turned = [0, 1, 2].flatMap((row) => {
    const column = (w: number): number =>
      (affine[row * 4 + (axes[w] as number)] as number) * (flips[w] ? -1 : 1)
    const shift = [0, 1, 2].reduce(
      (sum, w) => sum + (flips[w] ? (affine[row * 4 + (axes[w] as number)] as number) * (size(w) - 1) : 0),
      affine[row * 4 + 3] as number,
    )
    return [column(0), column(1), column(2), shift]
  })
  return {
    ...volume,
    shape: [nx, ny, nz],
    affine: [...turned, 0, 0, 0, 1],
    data: out,
    history: [...volume.history, { op: 'reorient', params: { axes, flips } }],
  }
}
