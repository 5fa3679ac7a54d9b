/** The way back through a bilateral grid: at one place it is a rising curve, so what came out says what went in. */
import { type BilateralGrid, blend, meanSlope, positions } from './bilateral-grid.ts'
import type { Vector3 } from './matrix.ts'

/** Whether every curve rises from knot to knot, and their mean at both ends: only then is there a way back everywhere. */
export function risesEverywhere({ curves, knots }: BilateralGrid): boolean {
  for (let at = 0; at < curves.length; at += knots.length)
    for (let k = 1; k < knots.length; k++) if (!(curves[at + k]! > curves[at + k - 1]!)) return false
  return true
}

/**
 * What `sliceBilateralGrid` makes `values` of: the inverse of the curve at the voxel's place, beyond the knots with the outer slopes of the mean curve.
 * NaN gives NaN, and 0 exactly 0 where the curves begin at 0.
 *
 * @param values in the unit of the curves, x fastest
 * @param shape  voxels along the stored axes
 * @param grid   whose curves rise everywhere
 */
export function unsliceBilateralGrid(
  values: Float32Array,
  shape: Vector3,
  grid: BilateralGrid,
): Float32Array {
  const [nx, ny, nz] = shape
  const { knots, curves, cells, axes } = grid
  const count = knots.length
  const last = count - 1
  const below = meanSlope(curves, knots, 0)
  const above = meanSlope(curves, knots, last - 1)
  const [cx, cy, cz] = axes.map(({ along }) => cells[along]) as [number, number, number]
  const px = positions(axes[0], cx, nx)
  const py = positions(axes[1], cy, ny)
  const pz = positions(axes[2], cz, nz)
  const stored = storedCurves(grid)
  const row = new Float64Array(cx * count)
  const plane = new Float64Array(cy * row.length)
  const out = new Float32Array(values.length)
  for (let z = 0, v = 0; z < nz; z++) {
    blend(plane, stored, pz.cell[z]! * plane.length, pz.share[z]!)
    for (let y = 0; y < ny; y++) {
      blend(row, plane, py.cell[y]! * row.length, py.share[y]!)
      for (let x = 0; x < nx; x++, v++) {
        const value = values[v]!
        const near = px.cell[x]! * count
        const share = px.share[x]!
        const at = (k: number): number => row[near + k]! + share * (row[near + count + k]! - row[near + k]!)
        const first = at(0)
        const top = at(last)
        if (!(value >= first)) out[v] = knots[0]! + (value - first) / below
        else if (value >= top) out[v] = knots[last]! + (value - top) / above
        else {
          let low = 0
          let high = last
          while (high - low > 1) {
            const middle = (low + high) >> 1
            if (value >= at(middle)) low = middle
            else high = middle
          }
          const from = at(low)
          out[v] = knots[low]! + ((value - from) / (at(high) - from)) * (knots[high]! - knots[low]!)
        }
      }
    }
  }
  return out
}

/** The curves with the last stored axis slowest: [cells along z, y, x of the stored axes, K + 1]. */
function storedCurves({ curves, cells, knots, axes }: BilateralGrid): Float64Array {
  const strides = [cells[1] * cells[2], cells[2], 1]
  const [sx, sy, sz] = axes.map(({ along }) => strides[along]! * knots.length) as [number, number, number]
  const [cx, cy, cz] = axes.map(({ along }) => cells[along]) as [number, number, number]
  const out = new Float64Array(curves.length)
  let i = 0
  for (let z = 0; z < cz; z++)
    for (let y = 0; y < cy; y++)
      for (let x = 0; x < cx; x++)
        for (let k = 0; k < knots.length; k++) out[i++] = curves[x * sx + y * sy + z * sz + k]!
  return out
}
