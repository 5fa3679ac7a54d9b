/**
 * Slicing a bilateral grid: every voxel goes through the tone curve of its place, read linearly in space and intensity.
 * A grid of curves costs a few thousand numbers; this kernel is what every voxel pays.
 * @see Chen, Paris, Durand, ACM Trans. Graph. 26(3):103 (2007), doi:10.1145/1276377.1276506
 */
import type { Vector3 } from './matrix.ts'

/** Curves at the centres of a grid of cells over a box. */
export interface BilateralGrid {
  /** [cells along R, A, S, K + 1]: value of the curve at each knot, in the unit of the result; last axis fastest. */
  readonly curves: ArrayLike<number>
  readonly cells: Vector3
  /** K + 1 increasing intensities; the first is 0. */
  readonly knots: readonly number[]
  /** Along each stored axis: which of R, A, S it follows, and the cell coordinate of voxel i as origin + i * step (0 is the first cell's centre). */
  readonly axes: readonly [GridAxis, GridAxis, GridAxis]
}

export interface GridAxis {
  readonly along: 0 | 1 | 2
  readonly origin: number
  readonly step: number
}

/** How the stored samples are read: value = sample * slope + intercept. */
interface Scaling {
  readonly slope: number
  readonly intercept: number
}

/** Cell to the left and the share of its right neighbour, for every index of an axis; clamped to the outermost centres. */
interface Positions {
  readonly cell: Int32Array
  readonly share: Float64Array
}

/** Buckets of the table from intensity to bin; a few per bin make the search after it short. */
const BUCKETS = 4096

/**
 * out = curve at the voxel's place, at the voxel's value. Above the last knot the last piece continues, below the first
 * the first one; 0 gives exactly 0 where the curves begin at 0; NaN gives NaN.
 *
 * Curves are kept as lines (offset and slope per bin). Per slice the grid is interpolated along z, per row along y;
 * a voxel then finds its bin and blends two lines.
 *
 * @param out   length nx * ny * nz; slices `from` to `to` - 1 are written
 * @param data  stored samples of the whole image, x fastest
 * @param shape voxels along the stored axes
 */
export function sliceBilateralGrid(
  out: Float32Array,
  data: ArrayLike<number>,
  { slope, intercept }: Scaling,
  shape: Vector3,
  grid: BilateralGrid,
  from = 0,
  to: number = shape[2],
): void {
  const [nx, ny] = shape
  const { knots } = grid
  const bins = knots.length - 1
  const lines = storedLines(grid)
  const [cx, cy] = grid.axes.map(({ along }) => grid.cells[along]) as [number, number, number]
  const px = positions(grid.axes[0], cx, nx)
  const py = positions(grid.axes[1], cy, ny)
  const pz = positions(grid.axes[2], grid.cells[grid.axes[2].along], shape[2])
  const { cell, share } = px

  const { first, perUnit, edges } = binTable(knots)
  const lastBucket = BUCKETS - 1
  const rowSize = cx * bins * 2
  const plane = new Float64Array(cy * rowSize)
  const row = new Float64Array(cx * bins * 4)
  const stride = bins * 4
  for (let z = from; z < to; z++) {
    blend(plane, lines, pz.cell[z]! * plane.length, plane.length, pz.share[z]!)
    for (let y = 0; y < ny; y++) {
      blendPairs(row, plane, py.cell[y]! * rowSize, rowSize, py.share[y]!, bins * 2)
      let i = (z * ny + y) * nx
      for (let x = 0; x < nx; x++, i++) {
        const value = data[i]! * slope + intercept
        const scaled = value * perUnit
        let bin = first[scaled > 0 ? (scaled < lastBucket ? scaled | 0 : lastBucket) : 0]!
        while (value >= edges[bin]!) bin++
        const at = cell[x]! * stride + bin * 4
        out[i] = row[at]! + row[at + 1]! * value + share[x]! * (row[at + 2]! + row[at + 3]! * value)
      }
    }
  }
}

/** The curves as (offset, slope) per bin, [cells along z, y, x, K, 2] of the stored axes. */
function storedLines({ curves, cells, knots, axes }: BilateralGrid): Float64Array {
  const bins = knots.length - 1
  const strides = [cells[1] * cells[2], cells[2], 1]
  const [sx, sy, sz] = axes.map(({ along }) => strides[along]! * (bins + 1)) as [number, number, number]
  const [cx, cy, cz] = axes.map(({ along }) => cells[along]) as [number, number, number]
  const lines = new Float64Array(cx * cy * cz * bins * 2)
  for (let z = 0, i = 0; z < cz; z++)
    for (let y = 0; y < cy; y++)
      for (let x = 0; x < cx; x++)
        for (let k = 0, at = x * sx + y * sy + z * sz; k < bins; k++, at++) {
          const slope = (curves[at + 1]! - curves[at]!) / (knots[k + 1]! - knots[k]!)
          lines[i++] = curves[at]! - slope * knots[k]!
          lines[i++] = slope
        }
  return lines
}

function positions({ origin, step }: GridAxis, cells: number, count: number): Positions {
  const cell = new Int32Array(count)
  const share = new Float64Array(count)
  const last = Math.max(cells - 2, 0)
  for (let i = 0; i < count; i++) {
    const at = Math.min(Math.max(origin + i * step, 0), cells - 1)
    cell[i] = Math.min(Math.floor(at), last)
    share[i] = at - cell[i]!
  }
  return { cell, share }
}

/**
 * For a bucket of intensities, the bin in which it begins; and the upper end of each bin, NaN for the last, which has none.
 * The bucket only starts the search, so rounding in its number does not matter as long as it starts low enough.
 */
function binTable(knots: readonly number[]): {
  readonly first: Uint16Array
  readonly perUnit: number
  readonly edges: Float64Array
} {
  const bins = knots.length - 1
  const perUnit = BUCKETS / knots[bins]!
  const edges = Float64Array.from(knots.slice(1))
  edges[bins - 1] = Number.NaN
  const first = new Uint16Array(BUCKETS)
  for (let bucket = 1, bin = 0; bucket < BUCKETS; bucket++) {
    while ((bucket - 1) / perUnit >= edges[bin]!) bin++
    first[bucket] = bin
  }
  return { first, perUnit, edges }
}

/** out = near + share * (far - near), of `out.length` numbers at `at` and one `stride` further; the far ones are not read at share 0. */
function blend(out: Float64Array, source: Float64Array, at: number, stride: number, share: number): void {
  const far = share === 0 ? at : at + stride
  for (let k = 0; k < out.length; k++) {
    const near = source[at + k]!
    out[k] = near + share * (source[far + k]! - near)
  }
}

/** The row of lines at one y, each beside its difference to the next cell along x: (offset, slope, offset difference, slope difference). */
function blendPairs(
  out: Float64Array,
  plane: Float64Array,
  at: number,
  stride: number,
  share: number,
  lineSize: number,
): void {
  const far = share === 0 ? at : at + stride
  const last = stride - lineSize
  for (let k = 0, o = 0; k < stride; k += 2, o += 4) {
    const near = plane[at + k]!
    const nearSlope = plane[at + k + 1]!
    const offset = near + share * (plane[far + k]! - near)
    const slope = nearSlope + share * (plane[far + k + 1]! - nearSlope)
    out[o] = offset
    out[o + 1] = slope
    if (k >= lineSize) {
      out[o - 2 * lineSize + 2] = offset - out[o - 2 * lineSize]!
      out[o - 2 * lineSize + 3] = slope - out[o - 2 * lineSize + 1]!
    }
    if (k >= last) {
      out[o + 2] = 0
      out[o + 3] = 0
    }
  }
}
