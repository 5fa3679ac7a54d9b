/** The two steps of `local-tone` that touch every voxel, as ONNX nodes: reading the lattice, and slicing the curves. */
import { BOX, LATTICE } from '../../src/kernels/lattice.ts'
import { DATA_TYPE, type GraphBuilder, type Value } from './onnx-model.ts'

/** An affine map of space as four values of shape [3]: where the three unit steps and the origin go. */
type Columns = readonly [Value, Value, Value, Value]

/**
 * The inverse of `geometry` [3, 4] by the adjugate: from mm in the box to voxel indices (i, j, k).
 * Any invertible affine map will do.
 */
export function voxelsOfBox(g: GraphBuilder, geometry: Value): Columns {
  const linear = g.op('Slice', [geometry, g.integers([0]), g.integers([3]), g.integers([1])])
  const turn = (x: Value, order: number[], axis: 0 | 1): Value =>
    g.op('Gather', [x, g.integers(order)], { axis })
  const next = turn(linear, [1, 2, 0], 1)
  const afterNext = turn(linear, [2, 0, 1], 1)
  const crossed = (a: Value, b: Value): Value => g.op('Mul', [turn(a, [1, 2, 0], 0), turn(b, [2, 0, 1], 0)])
  const cofactors = g.op('Sub', [crossed(next, afterNext), crossed(afterNext, next)])
  const products = g.op('Mul', [linear, cofactors])
  const determinant = g.op('Div', [g.op('ReduceSum', [products], { keepdims: 0 }), g.floats([3], [])])
  const inverse = g.op('Div', [g.op('Transpose', [cofactors], { perm: [1, 0] }), determinant])
  const [x, y, z] = columns(g, inverse, [0, 1, 2]) as [Value, Value, Value]
  const origin = g.op('Neg', [g.op('MatMul', [inverse, column(g, geometry, 3)])])
  return [x, y, z, origin]
}

function column(g: GraphBuilder, matrix: Value, index: number): Value {
  return g.op('Gather', [matrix, g.integers(index)], { axis: 1 })
}

function columns(g: GraphBuilder, matrix: Value, indices: readonly number[]): Value[] {
  return indices.map((index) => column(g, matrix, index))
}

/** `map` followed by value * factor + shift: the normalized coordinates of GridSample, fastest axis first. */
function normalized(g: GraphBuilder, map: Columns, factor: Value, shift: Value): Columns {
  const scaled = (value: Value): Value => g.op('Mul', [value, factor])
  return [scaled(map[0]), scaled(map[1]), scaled(map[2]), g.op('Add', [scaled(map[3]), shift])]
}

/**
 * A stored image read trilinearly at the lattice points, zero outside.
 *
 * Voxel index i of n has the normalized coordinate (2 i + 1) / n - 1 under align_corners = 0, which also holds for n = 1.
 * @param image [1, 1, nz, ny, nx]
 * @returns [1, 1, 96, 120, 96] along R, A, S
 */
export function latticeSamples(g: GraphBuilder, image: Value, toVoxels: Columns): Value {
  const size = g.op('Cast', [g.op('Gather', [g.op('Shape', [image]), g.integers([4, 3, 2])])], {
    to: DATA_TYPE.float32,
  })
  const factor = g.op('Div', [g.floats([2]), size])
  const shift = g.op('Sub', [g.op('Div', [g.floats([1]), size]), g.floats([1])])
  const map = normalized(g, toVoxels, factor, shift)
  const along = LATTICE.shape.map((n, axis) => {
    const points = Float32Array.from({ length: n }, (_, i) => (i + 0.5) * LATTICE.spacing)
    const shape = [1, 1, 1, 1]
    shape[axis] = n
    return g.op('Mul', [g.floats(points, shape), map[axis]!])
  })
  const [r, a, s] = along as [Value, Value, Value]
  const coordinates = g.op('Add', [g.op('Add', [r, a]), g.op('Add', [s, map[3]])])
  return g.op('GridSample', [image, g.op('Unsqueeze', [coordinates, g.integers([0])])], {
    mode: 'linear',
    padding_mode: 'zeros',
    align_corners: 0,
  })
}

export interface VoxelMap {
  /** [1, 1, nz, ny, nx] */
  readonly image: Value
  /** Voxel index to mm in the box, [3, 4]. */
  readonly geometry: Value
  /** [1, K, 8, 10, 8] in units of the reference scale. */
  readonly increments: Value
  /** The image's mean in the mask, rank 0. */
  readonly scale: Value
  readonly knots: readonly number[]
  readonly referenceScale: number
}

/**
 * Every voxel through the curve of its place: the sum over bins of slope times the part of the bin below the voxel's
 * value; beyond the knots the mean curve's outer slopes, which are the same everywhere. One slice at a time, so memory
 * stays at the image and the result.
 *
 * @returns [1, 1, nz, ny, nx]
 */
export function mapVoxels(g: GraphBuilder, map: VoxelMap): Value {
  const { image, geometry, increments, scale, knots, referenceScale } = map
  const bins = knots.length - 1
  const perBin = (values: readonly number[]): Value => g.floats(values, [bins, 1, 1])
  const widths = knots.slice(1).map((top, k) => top - knots[k]!)
  const low = g.op('Mul', [perBin(knots.slice(0, -1)), scale])
  const most = g.op('Mul', [perBin(widths), scale])
  const top = g.op('Mul', [g.floats([knots[bins]!], []), scale])
  const toSlopes = g.floats(
    widths.map((w) => referenceScale / w),
    [1, bins, 1, 1, 1],
  )
  const slopes = g.op('Div', [g.op('Mul', [increments, toSlopes]), scale])
  const mean = g.op('ReduceMean', [slopes, g.integers([0, 2, 3, 4])], { keepdims: 0 })
  const [below, above] = [0, bins - 1].map((k) => g.op('Gather', [mean, g.integers(k)])) as [Value, Value]
  const zero = g.floats([0], [])

  const fastestFirst = g.op('Gather', [geometry, g.integers([2, 1, 0])])
  const box = columns(g, fastestFirst, [0, 1, 2, 3]) as unknown as Columns
  const factor = g.floats(BOX.map((mm) => 2 / mm).toReversed())
  const [stepX, stepY, stepZ, origin] = normalized(g, box, factor, g.floats([-1]))
  const size = g.op('Shape', [image])
  const indices = (axis: number, shape: readonly number[]): Value => {
    const count = g.op('Gather', [size, g.integers(axis)])
    const range = g.op('Range', [g.integers(0), count, g.integers(1)])
    return g.op('Reshape', [g.op('Cast', [range], { to: DATA_TYPE.float32 }), g.integers(shape)])
  }
  const alongX = g.op('Mul', [indices(4, [1, -1, 1]), stepX])
  const alongY = g.op('Mul', [indices(3, [-1, 1, 1]), stepY])
  const plane = g.op('Add', [g.op('Add', [alongX, alongY]), origin])

  const body = g.subgraph('slice')
  const slice = body.input('slice', 'float32', ['ny', 'nx'], 'One slice of the image.')
  const position = body.input('position', 'float32', [], 'Its index.')
  const coordinates = body.op('Add', [plane, body.op('Mul', [stepZ, position])])
  const sampled = body.op(
    'GridSample',
    [slopes, body.op('Unsqueeze', [coordinates, body.integers([0, 1])])],
    { mode: 'linear', padding_mode: 'border', align_corners: 0 },
  )
  const slope = body.op('Squeeze', [sampled, body.integers([0, 2])])
  const covered = body.op('Min', [body.op('Max', [body.op('Sub', [slice, low]), zero]), most])
  const within = body.op('ReduceSum', [body.op('Mul', [slope, covered]), body.integers([0])], { keepdims: 0 })
  const under = body.op('Mul', [below, body.op('Min', [slice, zero])])
  const over = body.op('Mul', [above, body.op('Max', [body.op('Sub', [slice, top]), zero])])
  body.output(
    'mapped',
    body.op('Sum', [within, under, over]),
    'float32',
    ['ny', 'nx'],
    'The slice in the reference domain.',
  )

  const slices = g.op('Squeeze', [image, g.integers([0, 1])])
  const mapped = g.op('Scan', [slices, indices(2, [-1])], { num_scan_inputs: 2, body })
  return g.op('Unsqueeze', [mapped, g.integers([0, 1])])
}
