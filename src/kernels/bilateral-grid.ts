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
  /** At least 2 along each axis. */
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
export interface Positions {
  readonly cell: Int32Array
  readonly share: Float64Array
}

/** Buckets of the table from intensity to bin; a few per bin make the search after it short. */
const BUCKETS = 4096

/**
 * out = curve at the voxel's place, at the voxel's value. Beyond the knots every curve continues with the outer slope of
 * the mean curve of the grid, so that what holds between the knots (slopes, change over space) holds everywhere.
 * 0 gives exactly 0 where the curves begin at 0; NaN gives NaN.
 *
 * Curves are kept as lines (offset and slope), one per bin and one on either side. Per slice the grid is interpolated
 * along z, per row along y; a voxel then finds its bin and blends two lines.
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
  const lines = storedLines(grid)
  const [cx, cy] = grid.axes.map(({ along }) => grid.cells[along]) as [number, number, number]
  const px = positions(grid.axes[0], cx, nx)
  const py = positions(grid.axes[1], cy, ny)
  const pz = positions(grid.axes[2], grid.cells[grid.axes[2].along], shape[2])
  const { cell, share } = px
  const runs = runsOf(cell)

  const search = binSearch(grid.knots)
  const table = linesOfSamples(data, search, slope, intercept)
  const stride = (grid.knots.length + 1) * 2
  const row = new Float64Array(cx * stride)
  const plane = new Float64Array(cy * row.length)
  for (let z = from; z < to; z++) {
    blend(plane, lines, pz.cell[z]! * plane.length, pz.share[z]!)
    for (let y = 0; y < ny; y++) {
      blend(row, plane, py.cell[y]! * row.length, py.share[y]!)
      const start = (z * ny + y) * nx
      for (let r = 0; r + 1 < runs.length; r++) {
        const first = runs[r]!
        const last = runs[r + 1]!
        const base = cell[first]! * stride
        if (table === undefined)
          mapRun(out, data, start, first, last, row, base, stride, share, slope, intercept, search)
        else mapShortRun(out, data, start, first, last, row, base, stride, share, slope, intercept, table)
      }
    }
  }
}

/** Voxels `from` to `to` - 1 of the row that begins at `start`: all lie between the same two cells, whose lines begin at `base` and `toNext` further. */
function mapRun(
  out: Float32Array,
  data: ArrayLike<number>,
  start: number,
  from: number,
  to: number,
  row: Float64Array,
  base: number,
  toNext: number,
  share: Float64Array,
  slope: number,
  intercept: number,
  search: BinSearch,
): void {
  const first = search.first
  const perUnit = search.perUnit
  const edges = search.edges
  for (let x = from; x < to; x++) {
    const value = data[start + x]! * slope + intercept
    const scaled = value * perUnit
    let bin = first[scaled >= 0 ? (scaled < BUCKETS ? (scaled | 0) + 1 : BUCKETS) : 0]!
    if (value >= edges[bin]!) bin = binAbove(edges, bin, value)
    const at = base + bin * 2
    const near = row[at]! + row[at + 1]! * value
    const far = row[at + toNext]! + row[at + toNext + 1]! * value
    out[start + x] = near + share[x]! * (far - near)
  }
}

/** The same for samples of at most 16 bits: `table` knows where the line of each lies. */
function mapShortRun(
  out: Float32Array,
  data: ArrayLike<number>,
  start: number,
  from: number,
  to: number,
  row: Float64Array,
  base: number,
  toNext: number,
  share: Float64Array,
  slope: number,
  intercept: number,
  table: Uint16Array,
): void {
  for (let x = from; x < to; x++) {
    const sample = data[start + x]!
    const value = sample * slope + intercept
    const at = base + table[sample & 0xffff]!
    const near = row[at]! + row[at + 1]! * value
    const far = row[at + toNext]! + row[at + toNext + 1]! * value
    out[start + x] = near + share[x]! * (far - near)
  }
}

/** The bin that holds `value`, from `bin` upwards; rarely needed, so kept out of the loop over voxels. */
function binAbove(edges: Float64Array, bin: number, value: number): number {
  let found = bin
  while (value >= edges[found]!) found++
  return found
}

/** Where a run of equal cells begins, and at last the number of voxels. */
function runsOf(cell: Int32Array): Int32Array {
  const starts: number[] = []
  for (let x = 0; x < cell.length; x++) if (x === 0 || cell[x] !== cell[x - 1]) starts.push(x)
  return Int32Array.from([...starts, cell.length])
}

/** Each curve as lines, one below the knots, one per bin, one above: (offset, slope), [cells along z, y, x of the stored axes, K + 2, 2]. */
function storedLines({ curves, cells, knots, axes }: BilateralGrid): Float64Array {
  const last = knots.length - 1
  const strides = [cells[1] * cells[2], cells[2], 1]
  const [sx, sy, sz] = axes.map(({ along }) => strides[along]! * knots.length) as [number, number, number]
  const [cx, cy, cz] = axes.map(({ along }) => cells[along]) as [number, number, number]
  const below = meanSlope(curves, knots, 0)
  const above = meanSlope(curves, knots, last - 1)
  const lines = new Float64Array(cx * cy * cz * (last + 2) * 2)
  let i = 0
  const add = (value: number, knot: number, slope: number): void => {
    lines[i++] = value - slope * knot
    lines[i++] = slope
  }
  for (let z = 0; z < cz; z++)
    for (let y = 0; y < cy; y++)
      for (let x = 0; x < cx; x++) {
        const at = x * sx + y * sy + z * sz
        add(curves[at]!, 0, below)
        for (let k = 0; k < last; k++)
          add(
            curves[at + k]!,
            knots[k]!,
            (curves[at + k + 1]! - curves[at + k]!) / (knots[k + 1]! - knots[k]!),
          )
        add(curves[at + last]!, knots[last]!, above)
      }
  return lines
}

/** Slope between knots k and k + 1 of the mean of all curves. */
export function meanSlope(curves: ArrayLike<number>, knots: readonly number[], k: number): number {
  let rise = 0
  for (let at = k; at < curves.length; at += knots.length) rise += curves[at + 1]! - curves[at]!
  return rise / (curves.length / knots.length) / (knots[k + 1]! - knots[k]!)
}

/** Where each of `count` voxels along a stored axis lies between cells. */
export function positions({ origin, step }: GridAxis, cells: number, count: number): Positions {
  const cell = new Int32Array(count)
  const share = new Float64Array(count)
  for (let i = 0; i < count; i++) {
    const at = Math.min(Math.max(origin + i * step, 0), cells - 1)
    cell[i] = Math.min(Math.floor(at), cells - 2)
    share[i] = at - cell[i]!
  }
  return { cell, share }
}

/**
 * Finds the bin of an intensity; 0 is below the knots, K + 1 above. `edges` holds the upper end of each bin, NaN for the
 * last, which has none. `first` starts the search: 0 for what is negative or NaN, then for each bucket of intensities a
 * bin at or below its beginning, with one bucket to spare for rounding.
 */
interface BinSearch {
  readonly first: Uint16Array
  readonly perUnit: number
  readonly edges: Float64Array
}

function binSearch(knots: readonly number[]): BinSearch {
  const perUnit = BUCKETS / knots.at(-1)!
  const edges = Float64Array.from([...knots, Number.NaN])
  const first = new Uint16Array(BUCKETS + 1)
  for (let bucket = 1, bin = 1; bucket <= BUCKETS; bucket++) {
    while ((bucket - 2) / perUnit >= edges[bin]!) bin++
    first[bucket] = bin
  }
  return { first, perUnit, edges }
}

/** Where the line of each sample of at most 16 bits lies, by the sample's lowest 16 bits; none for other samples. */
function linesOfSamples(
  data: ArrayLike<number>,
  { edges }: BinSearch,
  slope: number,
  intercept: number,
): Uint16Array | undefined {
  const signed = data instanceof Int16Array || data instanceof Int8Array
  if (!signed && !(data instanceof Uint16Array || data instanceof Uint8Array)) return undefined
  return Uint16Array.from({ length: 0x10000 }, (_, bits) => {
    const sample = signed && bits >= 0x8000 ? bits - 0x10000 : bits
    return 2 * binAbove(edges, 0, sample * slope + intercept)
  })
}

/** out = near + share * (far - near): `out.length` numbers of `source` from `at`, and those that follow them. */
export function blend(out: Float64Array, source: Float64Array, at: number, share: number): void {
  const far = at + out.length
  for (let k = 0; k < out.length; k++) {
    const near = source[at + k]!
    out[k] = near + share * (source[far + k]! - near)
  }
}
