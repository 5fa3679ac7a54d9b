/**
 * The lattice on which `local-tone` looks at an image: 96 x 120 x 96 points, 2 mm apart, in a box of
 * 192 x 240 x 192 mm along R, A, S. See docs/decisions/0002-local-tone.md.
 */
import type { Vector3 } from './matrix.ts'

export const BOX: Vector3 = [192, 240, 192]
export const LATTICE: { readonly shape: Vector3; readonly spacing: number; readonly points: number } = {
  shape: [96, 120, 96],
  spacing: 2,
  points: 96 * 120 * 96,
}

/**
 * A lattice point belongs to the mask where the interpolated mask reaches one half. The small allowance settles points
 * that lie exactly half way, which are common and which float32 coordinates would otherwise settle by chance.
 */
export const INSIDE = 0.499

/** How a box lies over a stored grid: along each of R, A, S the stored stride, and where lattice points fall. */
export interface LatticePlacement {
  /** Stored axis that runs along R, A, S. */
  readonly axes: readonly [number, number, number]
  readonly flips: readonly [boolean, boolean, boolean]
  /** Voxels and voxel size (mm) along R, A, S. */
  readonly shape: Vector3
  readonly voxel: Vector3
  /** Lowest corner of the box in frame coordinates, mm. */
  readonly corner: Vector3
}

/** Two neighbours of a lattice coordinate along one axis: offsets into the stored array, and weights (0 outside the image). */
interface Taps {
  readonly low: Int32Array
  readonly high: Int32Array
  readonly lowWeight: Float64Array
  readonly highWeight: Float64Array
}

/**
 * Trilinear samples of a stored image at the lattice points, with zero outside the image.
 *
 * @param data   stored samples, x fastest; value = data * slope + intercept
 * @param stored number of voxels along the stored axes
 * @param margin number of further points on every side of the box
 * @returns float32 [96, 120, 96] (plus twice the margin) along R, A, S; S fastest
 */
export function sampleLattice(
  data: ArrayLike<number>,
  stored: Vector3,
  placement: LatticePlacement,
  slope = 1,
  intercept = 0,
  margin = 0,
): Float32Array {
  const strides: Vector3 = [1, stored[0], stored[0] * stored[1]]
  const taps = ([0, 1, 2] as const).map((axis) =>
    tapsAlong(axis, placement, strides[placement.axes[axis]]!, margin),
  )
  const [tr, ta, ts] = taps as [Taps, Taps, Taps]
  const [nr, na, ns] = LATTICE.shape.map((n) => n + 2 * margin) as unknown as Vector3
  const out = new Float32Array(nr * na * ns)
  const { low: sLow, high: sHigh, lowWeight: sLowWeight, highWeight: sHighWeight } = ts
  for (let r = 0, i = 0; r < nr; r++) {
    for (let a = 0; a < na; a++) {
      const w00 = tr.lowWeight[r]! * ta.lowWeight[a]!
      const w01 = tr.lowWeight[r]! * ta.highWeight[a]!
      const w10 = tr.highWeight[r]! * ta.lowWeight[a]!
      const w11 = tr.highWeight[r]! * ta.highWeight[a]!
      if (w00 + w01 + w10 + w11 === 0) {
        i += ns
        continue
      }
      const o00 = tr.low[r]! + ta.low[a]!
      const o01 = tr.low[r]! + ta.high[a]!
      const o10 = tr.high[r]! + ta.low[a]!
      const o11 = tr.high[r]! + ta.high[a]!
      const inside = w00 + w01 + w10 + w11
      for (let s = 0; s < ns; s++, i++) {
        const l = sLow[s]!
        const h = sHigh[s]!
        const lw = sLowWeight[s]!
        const hw = sHighWeight[s]!
        const below =
          w00 * data[o00 + l]! + w01 * data[o01 + l]! + w10 * data[o10 + l]! + w11 * data[o11 + l]!
        const above =
          w00 * data[o00 + h]! + w01 * data[o01 + h]! + w10 * data[o10 + h]! + w11 * data[o11 + h]!
        const value = lw * below + hw * above
        out[i] = intercept === 0 ? value * slope : value * slope + intercept * inside * (lw + hw)
      }
    }
  }
  return out
}

/** For each lattice point along an axis, margin included, its two voxels. */
function tapsAlong(axis: 0 | 1 | 2, placement: LatticePlacement, stride: number, margin: number): Taps {
  const n = placement.shape[axis]
  const position = (k: number): number =>
    (placement.corner[axis] + (k - margin + 0.5) * LATTICE.spacing) / placement.voxel[axis]
  const offset = (index: number): number => (placement.flips[axis] ? n - 1 - index : index) * stride
  return tapsAt(LATTICE.shape[axis] + 2 * margin, position, n, offset)
}

/**
 * Adds values on the lattice to an image, trilinearly; beyond the outermost lattice points they fall to 0 within one spacing. Voxels that are 0
 * or no number stay as they are, and nothing that was not negative becomes so.
 *
 * @param x       stored samples, x fastest
 * @param stored  number of voxels along the stored axes
 * @param lattice [96, 120, 96] along R, A, S; S fastest
 */
export function addFromLattice(
  x: Float32Array,
  stored: Vector3,
  placement: LatticePlacement,
  lattice: Float32Array,
): void {
  const strides: Vector3 = [LATTICE.shape[1] * LATTICE.shape[2], LATTICE.shape[2], 1]
  const along = ([0, 1, 2] as const).map((axis) => {
    const direction = placement.axes.indexOf(axis) as 0 | 1 | 2
    return voxelTaps(direction, placement, stored[axis], strides[direction])
  })
  const [tx, ty, tz] = along as [Taps, Taps, Taps]
  for (let z = 0, i = 0; z < stored[2]; z++) {
    for (let y = 0; y < stored[1]; y++) {
      const w00 = tz.lowWeight[z]! * ty.lowWeight[y]!
      const w01 = tz.lowWeight[z]! * ty.highWeight[y]!
      const w10 = tz.highWeight[z]! * ty.lowWeight[y]!
      const w11 = tz.highWeight[z]! * ty.highWeight[y]!
      if (w00 + w01 + w10 + w11 === 0) {
        i += stored[0]
        continue
      }
      const o00 = tz.low[z]! + ty.low[y]!
      const o01 = tz.low[z]! + ty.high[y]!
      const o10 = tz.high[z]! + ty.low[y]!
      const o11 = tz.high[z]! + ty.high[y]!
      for (let n = 0; n < stored[0]; n++, i++) {
        const value = x[i]!
        if (value === 0 || !Number.isFinite(value)) continue
        const l = tx.low[n]!
        const h = tx.high[n]!
        const below =
          w00 * lattice[o00 + l]! +
          w01 * lattice[o01 + l]! +
          w10 * lattice[o10 + l]! +
          w11 * lattice[o11 + l]!
        const above =
          w00 * lattice[o00 + h]! +
          w01 * lattice[o01 + h]! +
          w10 * lattice[o10 + h]! +
          w11 * lattice[o11 + h]!
        const sum = value + tx.lowWeight[n]! * below + tx.highWeight[n]! * above
        x[i] = value > 0 ? Math.max(0, sum) : sum
      }
    }
  }
}

/** For each voxel along a stored axis that runs along `direction`, its two lattice neighbours. */
function voxelTaps(direction: 0 | 1 | 2, placement: LatticePlacement, count: number, stride: number): Taps {
  const position = (k: number): number => {
    const index = placement.flips[direction] ? count - 1 - k : k
    return (index * placement.voxel[direction] - placement.corner[direction]) / LATTICE.spacing - 0.5
  }
  return tapsAt(count, position, LATTICE.shape[direction], (index) => index * stride)
}

/**
 * The taps of `count` positions among `n` samples.
 * @param position of each, in samples
 * @param offset   of a sample in its array
 */
function tapsAt(
  count: number,
  position: (k: number) => number,
  n: number,
  offset: (index: number) => number,
): Taps {
  const low = new Int32Array(count)
  const high = new Int32Array(count)
  const lowWeight = new Float64Array(count)
  const highWeight = new Float64Array(count)
  for (let k = 0; k < count; k++) {
    const at = position(k)
    const floor = Math.floor(at)
    const share = at - floor
    if (floor >= 0 && floor < n) {
      low[k] = offset(floor)
      lowWeight[k] = 1 - share
    }
    if (floor + 1 >= 0 && floor + 1 < n) {
      high[k] = offset(floor + 1)
      highWeight[k] = share
    }
  }
  return { low, high, lowWeight, highWeight }
}
