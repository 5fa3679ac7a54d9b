/** The last pass of a universal harmonizer as ONNX nodes: what even blocks show, and the curve that is read from it. See even-blocks.ts. */
import { CELLS } from '../../src/inference/curves.ts'
import { LATTICE } from '../../src/kernels/lattice.ts'
import { DEPTHS, EVEN_PERCENT, LEVELS, SD_PERCENTILES } from './even-blocks.ts'
import { BLOCK } from './features.ts'
import { deepBlocks, meanPool } from './onnx-blocks.ts'
import { DATA_TYPE, type GraphBuilder, type Value } from './onnx-model.ts'
import { type TrainedTone, widthsOf } from './tone-curve.ts'
import type { Likeness } from './unlikeness.ts'

const BLOCKS = LATTICE.points / BLOCK ** 3

/**
 * @param tissue intensities at the lattice points, 0 outside
 * @param inside 1 where they count
 * @returns increments [1, K, 8, 10, 8], the same in every cell; the scale (rank 0), which is that of the reference; and how unlike the scans
 * of training the image is [1]
 */
export function toneOfBlocks(
  g: GraphBuilder,
  { model, weights, likeness }: TrainedTone,
  tissue: Value,
  inside: Value,
): { readonly increments: Value; readonly scale: Value; readonly unlikeness: Value } {
  const scale = g.floats([model.referenceScale], [])
  const features = evenBlockFeatures(g, g.op('Div', [tissue, scale]), inside)
  const { hidden, out } = weights
  const dense = (x: Value, { kernel, bias }: typeof hidden): Value => {
    const matrix = g.floats(kernel, [kernel.length / bias.length, bias.length])
    return g.op('Add', [g.op('MatMul', [x, matrix]), g.floats(bias)])
  }
  const p = dense(g.op('Relu', [dense(features, hidden)]), out)
  const slopes = g.op('Exp', [
    g.op('Mul', [g.op('Tanh', [p]), g.floats([Math.log(model.bounds.slopeRatio)])]),
  ])
  const bins = model.knots.length - 1
  const rises = g.op('Mul', [slopes, g.floats(widthsOf(model.knots), [1, bins])])
  const increments = g.op('Expand', [
    g.op('Reshape', [rises, g.integers([1, bins, 1, 1, 1])]),
    g.integers([1, bins, ...CELLS]),
  ])
  return { increments, scale, unlikeness: unlikeness(g, features, likeness) }
}

/** See unlikeness.ts. */
function unlikeness(g: GraphBuilder, features: Value, { mean, sd, axes, spread, rest }: Likeness): Value {
  const [size, count] = [mean.length, spread.length]
  const z = g.op('Div', [g.op('Sub', [features, g.floats(mean, [1, size])]), g.floats(sd, [1, size])])
  const row = (x: Value): Value => g.op('Reshape', [x, g.integers([1, size])])
  const at = g.op('MatMul', [g.floats(axes, [count, size]), g.op('Reshape', [z, g.integers([size, 1])])])
  const spanned = g.op('MatMul', [
    g.op('Reshape', [at, g.integers([1, count])]),
    g.floats(axes, [count, size]),
  ])
  const beside = g.op('Sub', [row(z), spanned])
  const relative = g.op('Div', [at, g.floats(spread, [count, 1])])
  const mean2 = (x: Value): Value => g.op('ReduceMean', [g.op('Mul', [x, x])], { keepdims: 0 })
  const left = g.op('Div', [mean2(beside), g.floats([rest ** 2], [])])
  return g.op('Reshape', [g.op('Sqrt', [g.op('Add', [mean2(relative), left])]), g.integers([1])])
}

/** @returns [1, EVEN_FEATURES] */
function evenBlockFeatures(g: GraphBuilder, u: Value, inside: Value): Value {
  const flat = (x: Value): Value => g.op('Reshape', [x, g.integers([BLOCKS])])
  const share = meanPool(g, inside, BLOCK)
  const half = g.op('Cast', [g.op('Greater', [share, g.floats([0.5])])], { to: DATA_TYPE.float32 })
  const some = g.op('Max', [share, g.floats([1 / BLOCK ** 3 / 2])])
  const means = flat(g.op('Div', [meanPool(g, u, BLOCK), some]))
  const squares = flat(g.op('Div', [meanPool(g, g.op('Mul', [u, u]), BLOCK), some]))
  const variance = g.op('Max', [g.op('Sub', [squares, g.op('Mul', [means, means])]), g.floats([0])])
  const sd = g.op('Sqrt', [variance])
  const total = g.op('Max', [g.op('ReduceSum', [half], { keepdims: 0 }), g.floats([1], [])])
  const shown = hats(g, means)
  const histograms: Value[] = []
  const shares: Value[] = []
  let within: readonly Value[] = []
  for (const depth of DEPTHS) {
    const deep = flat(deepBlocks(g, half, depth))
    const count = g.op('ReduceSum', [deep], { keepdims: 0 })
    const percentiles = lowerPercentiles(g, sd, deep, count, [EVEN_PERCENT, ...SD_PERCENTILES])
    const [most, ...others] = percentiles as [Value, ...Value[]]
    if (depth === DEPTHS[0]) within = others
    const isEven = g.op('Cast', [g.op('LessOrEqual', [sd, most])], { to: DATA_TYPE.float32 })
    const chosen = g.op('Mul', [deep, isEven])
    const chosenCount = g.op('Max', [g.op('ReduceSum', [chosen], { keepdims: 0 }), g.floats([1], [])])
    const sums = g.op('MatMul', [g.op('Reshape', [chosen, g.integers([1, BLOCKS])]), shown])
    histograms.push(g.op('Sqrt', [g.op('Div', [sums, chosenCount])]))
    shares.push(g.op('Div', [count, total]))
  }
  const number = g.op('Log', [g.op('Div', [total, g.floats([10_000], [])])])
  const single = (x: Value): Value => g.op('Reshape', [x, g.integers([1, 1])])
  return g.op('Concat', [...histograms, ...[...shares, number, ...within].map(single)], { axis: 1 })
}

/** Hat functions of the knots at each value, [N, levels]. */
function hats(g: GraphBuilder, values: Value): Value {
  const last = LEVELS[LEVELS.length - 1]!
  const clamped = g.op('Clip', [values, g.floats([0], []), g.floats([last], [])])
  const column = g.op('Reshape', [clamped, g.integers([BLOCKS, 1])])
  const away = g.op('Abs', [g.op('Sub', [column, g.floats(LEVELS, [1, LEVELS.length])])])
  return g.op('Max', [
    g.op('Sub', [g.floats([1]), g.op('Div', [away, g.floats([LEVELS[1]!])])]),
    g.floats([0]),
  ])
}

/** The lower of two each, of the values where `chosen` is 1; 0 where that is nowhere. Rank 0. */
function lowerPercentiles(
  g: GraphBuilder,
  values: Value,
  chosen: Value,
  count: Value,
  percents: readonly number[],
): Value[] {
  const isChosen = g.op('Greater', [chosen, g.floats([0.5])])
  const ranked = g.op('Where', [isChosen, values, g.floats([Number.POSITIVE_INFINITY])])
  const ascending = g.op('TopK', [ranked, g.integers([BLOCKS])], { largest: 0, sorted: 1 }, 2)
  const last = g.op('Max', [
    g.op('Sub', [g.op('Cast', [count], { to: DATA_TYPE.int64 }), g.integers(1)]),
    g.integers(0),
  ])
  const any = g.op('Greater', [count, g.floats([0.5], [])])
  return percents.map((percent) => {
    const at = g.op('Div', [g.op('Mul', [last, g.integers(percent)]), g.integers(100)])
    return g.op('Where', [any, g.op('Gather', [ascending, at]), g.floats([0], [])])
  })
}
