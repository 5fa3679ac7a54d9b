/**
 * `local-tone` as two ONNX graphs, step by step as in docs/decisions/0002-local-tone.md:
 * - `curves`: from the image on its lattice to the curves of the cells; what `attune apply` runs before its own slicing kernel
 * - `complete`: from raw intensities to harmonized ones, for any ONNX runtime; of several passes, through all of them
 */
import { PER_AXIS } from '../../models/local-tone/network.ts'
import { CELL_MM, CELLS } from '../../src/inference/curves.ts'
import type { LocalToneModel, LocalToneWeights } from '../../src/inference/local-tone-model.ts'
import { BOX, INSIDE, LATTICE } from '../../src/kernels/lattice.ts'
import { BLOCK, COARSE, DEPTH, SCALE_PERCENTILE } from './features.ts'
import type { TrainedCurves } from './loaded-network.ts'
import { deepBlocks, meanPool } from './onnx-blocks.ts'
import { toneOfBlocks } from './onnx-even-blocks.ts'
import { DATA_TYPE, encodeModel, GraphBuilder, type Value } from './onnx-model.ts'
import { latticeSamples, mapVoxels, voxelsOfBox } from './onnx-sampling.ts'
import type { TrainedTone } from './tone-curve.ts'

/** Lattice points along the edge of a coarse voxel. */
const POOL = LATTICE.shape[0] / COARSE[0]

export interface LocalToneGraphs {
  readonly complete: Uint8Array
  readonly curves: Uint8Array
}

/** Same model and weights, same bytes. Every size is read from `model` and `weights`. */
export function exportLocalTone(model: LocalToneModel, weights: LocalToneWeights): LocalToneGraphs {
  const pass = { model, weights }
  return { complete: completeGraph([pass]), curves: curvesGraph(pass) }
}

/** Of passes of which each takes what the one before makes of an image; the last may read one curve for all places. */
export function exportPasses(
  local: readonly [TrainedCurves, ...TrainedCurves[]],
  tone?: TrainedTone,
): {
  readonly complete: Uint8Array
  readonly curves: readonly Uint8Array[]
} {
  const passes = [...local, ...(tone ? [tone] : [])] as const
  return { complete: completeGraph(passes), curves: passes.map(curvesGraph) }
}

type Pass = TrainedCurves | TrainedTone

function isTone(pass: Pass): pass is TrainedTone {
  return 'hidden' in pass.weights
}

function curvesGraph(pass: Pass): Uint8Array {
  const { model } = pass
  const g = new GraphBuilder('local-tone-curves')
  const shape = [1, 1, ...LATTICE.shape]
  const image = g.input('image', 'float32', shape, 'Intensities at the lattice points along R, A, S.')
  const mask = g.input('mask', 'float32', shape, 'Mask at the lattice points, 0 or 1.')
  const domain = g.input('domain', 'int64', [], 'Index into the metadata entry domains.')
  const { increments, scale, unlikeness } = boundedIncrements(g, pass, image, mask, domain)
  const bins = model.knots.length - 1
  const byCell = g.op('Transpose', [g.op('Squeeze', [increments, g.integers([0])])], { perm: [1, 2, 3, 0] })
  const rising = g.op('CumSum', [byCell, g.integers(3)])
  const curves = g.op('Pad', [rising, g.integers([0, 0, 0, 1, 0, 0, 0, 0])])
  g.output(
    'curves',
    curves,
    'float32',
    [...CELLS, bins + 1],
    'Harmonized value at each knot, in units of the reference scale.',
  )
  g.output(
    'scale',
    g.op('Reshape', [scale, g.integers([1])]),
    'float32',
    [1],
    "The image's mean in the mask.",
  )
  if (unlikeness)
    g.output('unlikeness', unlikeness, 'float32', [1], 'How unlike the scans of training the image is.')
  return encodeModel(g, 'attune local-tone: from an image on its lattice to bounded tone curves.', {
    ...metadata(model),
    'unit:image': 'as stored in the file, after slope and intercept',
    'unit:curves': 'referenceScale',
    'unit:scale': 'as image',
  })
}

function completeGraph(passes: readonly [Pass, ...Pass[]]): Uint8Array {
  const g = new GraphBuilder('local-tone')
  const shape = [1, 1, 'nz', 'ny', 'nx']
  const image = g.input(
    'image',
    'float32',
    shape,
    'Intensities after slope and intercept, in NIfTI memory order: x fastest.',
  )
  const mask = g.input('mask', 'float32', shape, 'Head mask on the same grid, 0 or 1.')
  const geometry = g.input(
    'geometry',
    'float32',
    [3, 4],
    'Affine map from voxel index (i, j, k, 1) to mm along R, A, S from the lowest corner of the box.',
  )
  const domain = g.input('domain', 'int64', [], 'Index into the metadata entry domains.')
  const toVoxels = voxelsOfBox(g, geometry)
  const inside = g.op(
    'Cast',
    [g.op('GreaterOrEqual', [latticeSamples(g, mask, toVoxels), g.floats([INSIDE])])],
    {
      to: DATA_TYPE.float32,
    },
  )
  const harmonized = passes.reduce((before, pass) => {
    const seen = latticeSamples(g, before, toVoxels)
    const { increments, scale } = boundedIncrements(g, pass, seen, inside, domain)
    return mapVoxels(g, { image: before, geometry, increments, scale, ...pass.model })
  }, image)
  g.output('harmonized', harmonized, 'float32', shape, 'The image in the reference domain.')
  return encodeModel(g, 'attune local-tone: from raw intensities to the reference domain.', {
    ...metadata(passes[0].model),
    ...(passes.length > 1 && { passes: String(passes.length) }),
    'unit:image': 'as stored in the file, after slope and intercept',
    'unit:mask': '0 or 1',
    'unit:geometry': 'mm',
    'unit:harmonized': 'intensity of the reference domain',
  })
}

function metadata(model: LocalToneModel): Record<string, string> {
  return {
    kind: model.kind,
    domains: JSON.stringify(model.domains),
    knots: JSON.stringify(model.knots),
    referenceScale: String(model.referenceScale),
    slopeRatio: String(model.bounds.slopeRatio),
    perMm: String(model.bounds.perMm),
    boxMm: JSON.stringify(BOX),
  }
}

/**
 * NaN counts nowhere: a lattice point that reads one is outside the mask.
 * @returns increments [1, K, 8, 10, 8] after both bounds, and the image's scale (rank 0)
 */
function boundedIncrements(
  g: GraphBuilder,
  pass: Pass,
  image: Value,
  mask: Value,
  domain: Value,
): { readonly increments: Value; readonly scale: Value; readonly unlikeness?: Value } {
  const isNumber = g.op('Not', [g.op('IsNaN', [image])])
  const counts = g.op('And', [g.op('Greater', [mask, g.floats([0])]), isNumber])
  const inside = g.op('Cast', [counts], { to: DATA_TYPE.float32 })
  const tissue = g.op('Where', [counts, image, g.floats([0])])
  if (isTone(pass)) return toneOfBlocks(g, pass, tissue, inside)
  const { model, weights } = pass
  const share = coarse(g, inside)
  const scale = imageScale(g, tissue, inside)
  const features = coarseFeatures(g, model, g.op('Div', [tissue, scale]), inside, share, domain)
  const logits = network(g, weights, features, domain)
  const tones = model.domains.flatMap((name) => {
    const tone = model.tones[name]!
    return model.knots.slice(1).map((_, k) => tone[k + 1]! - tone[k]!)
  })
  const bins = model.knots.length - 1
  const table = g.floats(tones, [model.domains.length, bins])
  const tone = g.op('Reshape', [g.op('Gather', [table, domain]), g.integers([1, bins, 1, 1, 1])])
  const exponent = g.op('Mul', [g.op('Tanh', [logits]), g.floats([Math.log(model.bounds.slopeRatio)])])
  const sloped = g.op('Mul', [g.op('Exp', [exponent]), tone])
  return { increments: limitChange(g, sloped, model.bounds.perMm), scale }
}

/**
 * 93rd percentile (the lower of two) of the means of deep blocks, or of all blocks half inside where none is deep;
 * see `imageScale` of features.ts.
 */
function imageScale(g: GraphBuilder, tissue: Value, inside: Value): Value {
  const blocks = LATTICE.points / BLOCK ** 3
  const share = meanPool(g, inside, BLOCK)
  const half = g.op('Cast', [g.op('Greater', [share, g.floats([0.5])])], { to: DATA_TYPE.float32 })
  const deep = deepBlocks(g, half, DEPTH)
  const anyDeep = g.op('Greater', [g.op('ReduceMax', [deep], { keepdims: 0 }), g.floats([0], [])])
  const chosen = g.op('Greater', [g.op('Where', [anyDeep, deep, half]), g.floats([0.5])])
  const means = g.op('Div', [meanPool(g, tissue, BLOCK), share])
  const ranked = g.op('Where', [chosen, means, g.floats([Number.POSITIVE_INFINITY])])
  const flat = g.op('Reshape', [ranked, g.integers([blocks])])
  const ascending = g.op('TopK', [flat, g.integers([blocks])], { largest: 0, sorted: 1 }, 2)
  const n = g.op('ReduceSum', [g.op('Cast', [chosen], { to: DATA_TYPE.int64 })], { keepdims: 0 })
  const hundredfold = g.op('Mul', [g.op('Sub', [n, g.integers(1)]), g.integers(SCALE_PERCENTILE)])
  return g.op('Gather', [ascending, g.op('Div', [hundredfold, g.integers(100)])])
}

/** Mean over the lattice points of each coarse voxel. */
function coarse(g: GraphBuilder, x: Value): Value {
  return meanPool(g, x, POOL)
}

/**
 * Channels on the coarse grid: K + 1 local histogram, mask, 3 box coordinates, one per domain.
 * The mean hat function of knot k is the mean ramp up to it less the mean ramp up to the next knot, so only
 * ramps are pooled, one at a time.
 */
function coarseFeatures(
  g: GraphBuilder,
  { knots, domains }: LocalToneModel,
  u: Value,
  mask: Value,
  share: Value,
  domain: Value,
): Value {
  const ramps = knots.slice(1).map((top, k) => {
    const [low, width] = [g.floats([knots[k]!]), g.floats([top - knots[k]!])]
    const ramp = g.op('Clip', [
      g.op('Div', [g.op('Sub', [u, low]), width]),
      g.floats([0], []),
      g.floats([1], []),
    ])
    return coarse(g, g.op('Mul', [ramp, mask]))
  })
  const reached = [share, ...ramps]
  const histogram = reached.map((value, k) => (k < ramps.length ? g.op('Sub', [value, ramps[k]!]) : value))
  const coordinates = COARSE.map((n, axis) => {
    const along = Float32Array.from({ length: n }, (_, i) => ((i + 0.5) / n) * 2 - 1)
    const shape = [1, 1, 1, 1, 1]
    shape[2 + axis] = n
    return g.op('Expand', [g.floats(along, shape), g.integers([1, 1, ...COARSE])])
  })
  const identity = domains.flatMap((_, row) => domains.map((_, column) => (row === column ? 1 : 0)))
  const oneHot = g.op('Gather', [g.floats(identity, [domains.length, domains.length]), domain])
  const channels = g.op('Expand', [
    g.op('Reshape', [oneHot, g.integers([1, domains.length, 1, 1, 1])]),
    g.integers([1, domains.length, ...COARSE]),
  ])
  return g.op('Concat', [...histogram, share, ...coordinates, channels], { axis: 1 })
}

/** @returns one number per bin and cell, [1, K, 8, 10, 8] */
function network(g: GraphBuilder, weights: LocalToneWeights, features: Value, domain: Value): Value {
  const { conv1, conv2, context, conv3, head } = weights
  const pooling = { kernel_shape: [2, 2, 2], strides: [2, 2, 2] }
  const first = g.op('AveragePool', [g.op('Relu', [convolve(g, features, conv1)])], pooling)
  const second = g.op('Relu', [convolve(g, first, conv2)])
  const width = conv3.bias.length
  const everywhere = g.op('Reshape', [g.op('GlobalAveragePool', [second]), g.integers([1, -1])])
  const map = g.op('MatMul', [everywhere, g.floats(context, [context.length / width, width])])
  const added = g.op('Reshape', [map, g.integers([1, width, 1, 1, 1])])
  const third = g.op('Relu', [g.op('Add', [convolve(g, second, conv3), added])])
  return g.op('Add', [convolve(g, third, head, 1), placeOf(g, weights, domain)])
}

/** What the domain adds at each cell whatever the image: its row of the table, turned to [1, K, 8, 10, 8]. */
function placeOf(g: GraphBuilder, { place, head }: LocalToneWeights, domain: Value): Value {
  const bins = head.bias.length
  const [r, a, s] = CELLS
  const table = g.floats(place, [place.length / (r * a * s * bins), r, a, s, bins])
  const row = g.op('Gather', [table, domain])
  return g.op('Unsqueeze', [g.op('Transpose', [row], { perm: [3, 0, 1, 2] }), g.integers([0])])
}

/** Convolution with zero padding; the kernel is turned from [taps, in, out] to [out, in, edge, edge, edge]. */
function convolve(
  g: GraphBuilder,
  x: Value,
  { kernel, bias }: { readonly kernel: Float32Array; readonly bias: Float32Array },
  edge: 1 | 3 = 3,
): Value {
  const taps = edge ** 3
  const outputs = bias.length
  const inputs = kernel.length / taps / outputs
  const turned = new Float32Array(kernel.length)
  for (let tap = 0, i = 0; tap < taps; tap++)
    for (let from = 0; from < inputs; from++)
      for (let to = 0; to < outputs; to++, i++) turned[(to * inputs + from) * taps + tap] = kernel[i]!
  const pad = (edge - 1) / 2
  return g.op('Conv', [x, g.floats(turned, [outputs, inputs, edge, edge, edge]), g.floats(bias)], {
    kernel_shape: [edge, edge, edge],
    pads: [pad, pad, pad, pad, pad, pad],
  })
}

/**
 * Levels curves that stand out from their neighbours, then draws all towards their mean over space until their gradient
 * is at most `perMm` everywhere.
 */
function limitChange(g: GraphBuilder, unbounded: Value, perMm: number): Value {
  const curves = levelCurves(g, g.op('CumSum', [unbounded, g.integers(1)]), PER_AXIS * perMm * CELL_MM)
  const lower = g.op('Slice', [curves, g.integers([0]), g.integers([-1]), g.integers([1])])
  const increments = g.op('Sub', [curves, g.op('Pad', [lower, g.integers([0, 1, 0, 0, 0, 0, 0, 0, 0, 0])])])
  const squares = [2, 3, 4].map((axis) => {
    const at = g.integers([axis])
    const low = g.op('Slice', [curves, g.integers([0]), g.integers([-1]), at])
    const high = g.op('Slice', [curves, g.integers([1]), g.integers([Number.MAX_SAFE_INTEGER]), at])
    const edges = g.op('Abs', [g.op('Sub', [high, low])])
    const kernel = [2, 3, 4].map((other) => (other === axis ? 1 : 2))
    const steepest = g.op('MaxPool', [edges], { kernel_shape: kernel })
    return g.op('Mul', [steepest, steepest])
  })
  const norm = g.op('Sqrt', [g.op('ReduceMax', [g.op('Sum', squares)], { keepdims: 0 })])
  const limit = g.floats([perMm * CELL_MM], [])
  const share = g.op('Div', [limit, g.op('Max', [norm, limit])])
  const mean = g.op('ReduceMean', [increments, g.integers([2, 3, 4])])
  return g.op('Add', [mean, g.op('Mul', [share, g.op('Sub', [increments, mean])])])
}

/** Halfway between the largest grid of curves below and the smallest above that change by at most `step` from cell to cell. */
function levelCurves(g: GraphBuilder, curves: Value, step: number): Value {
  const envelope = (extreme: 'ReduceMin' | 'ReduceMax', slope: number): Value =>
    [2, 3, 4].reduce((x, axis) => {
      const n = CELLS[axis - 2]!
      const distance = Float32Array.from(
        { length: n * n },
        (_, i) => slope * Math.abs(Math.floor(i / n) - (i % n)),
      )
      const inner = new Array<number>(4 - axis).fill(1)
      const raised = g.op('Add', [
        g.op('Unsqueeze', [x, g.integers([axis])]),
        g.floats(distance, [n, n, ...inner]),
      ])
      return g.op(extreme, [raised, g.integers([axis + 1])], { keepdims: 0 })
    }, curves)
  const sum = g.op('Add', [envelope('ReduceMin', step), envelope('ReduceMax', -step)])
  return g.op('Mul', [sum, g.floats([0.5])])
}
