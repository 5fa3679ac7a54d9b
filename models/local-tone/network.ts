/**
 * The network of `local-tone`: from what is seen on the coarse grid to one bounded, increasing curve per cell.
 * The whole batch goes through each operation at once. No operation but reshape sees a rank above 4, and 3x3x3 convolutions
 * are sums of three 3x3 ones: the TensorFlow.js engines disagree on conv3d gradients and rank-5 pads, and on a CPU this is
 * faster than conv3d. See docs/decisions/0002-local-tone.md.
 */
import type * as TensorFlow from '@tensorflow/tfjs-core'

type Tf = typeof TensorFlow
type T2 = TensorFlow.Tensor2D
type T3 = TensorFlow.Tensor3D
type T4 = TensorFlow.Tensor4D

/** Cells of the curve grid along R, A, S. */
export const CELLS = [8, 10, 8] as const
/** Edge of one cell in mm. */
export const CELL_MM = 24
/** Output channels of the three convolutions. */
const CHANNELS = [24, 32, 32] as const

/**
 * Trainable tensors by name; `place` holds, per domain, what does not depend on the image: [domains, 640 * K];
 * 3x3x3 kernels are [27, in, out], tap (dx * 3 + dy) * 3 + dz.
 */
export type WeightName =
  | 'conv1/kernel'
  | 'conv1/bias'
  | 'conv2/kernel'
  | 'conv2/bias'
  | 'conv3/kernel'
  | 'conv3/bias'
  | 'context'
  | 'head/kernel'
  | 'head/bias'
  | 'place'
export type Weights = Readonly<Record<WeightName, TensorFlow.Variable>>

export interface Bounds {
  readonly slopeRatio: number
  readonly perMm: number
}

/** Shapes of all weights for F input features and K bins. */
export function weightShapes(
  features: number,
  bins: number,
  domains: number,
): Readonly<Record<WeightName, readonly number[]>> {
  const [c1, c2, c3] = CHANNELS
  return {
    'conv1/kernel': [27, features, c1],
    'conv1/bias': [c1],
    'conv2/kernel': [27, c1, c2],
    'conv2/bias': [c2],
    'conv3/kernel': [27, c2, c3],
    'conv3/bias': [c3],
    context: [c2, c3],
    'head/kernel': [c3, bins],
    'head/bias': [bins],
    place: [domains, CELLS[0] * CELLS[1] * CELLS[2] * bins],
  }
}

/**
 * Curves at the cell centres, for a batch of B images.
 *
 * @param features   [B * 16, 20, 16, F] along R, A, S; the images one after another along R
 * @param increments g_d,k of each image's domain, [B, K], positive, in units of the reference scale
 * @param domains    index of each image's domain, B numbers
 * @returns [B, 640, K]: increments of the curve of each cell between knots; both bounds hold for any weights
 */
export function curveIncrements(
  tf: Tf,
  weights: Weights,
  features: T4,
  increments: T2,
  domains: readonly number[],
  bounds: Bounds,
): T3 {
  const batch = domains.length
  const cells = CELLS[0] * CELLS[1] * CELLS[2]
  const convolve = (x: T4, layer: 'conv1' | 'conv2' | 'conv3'): T4 =>
    conv3(tf, x, weights[`${layer}/kernel`] as unknown as T3, weights[`${layer}/bias`], batch)
  const dense = (x: T2, matrix: TensorFlow.Tensor): T2 => tf.matMul(x, matrix as T2)
  const h1 = meanPool(tf, tf.relu(convolve(features, 'conv1')))
  const h2 = tf.relu(convolve(h1, 'conv2'))
  const context = dense(tf.mean(tf.reshape(h2, [batch, cells, -1]), 1), weights.context)
  const local = tf.reshape(convolve(h2, 'conv3'), [batch, cells, -1])
  const h3 = tf.relu(tf.add(local, tf.reshape(context, [batch, 1, -1])))
  const seen = dense(tf.reshape(h3, [batch * cells, -1]), weights['head/kernel'])
  const place = dense(oneHot(tf, domains, weights.place.shape[0] as number), weights.place)
  const p = tf.add(
    tf.reshape(tf.add(seen, weights['head/bias']), [batch, cells, -1]),
    tf.reshape(place, [batch, cells, -1]),
  )
  const slope = tf.exp(tf.mul(tf.tanh(p), Math.log(bounds.slopeRatio)))
  return limitChange(tf, tf.mul(slope, tf.reshape(increments, [batch, 1, -1])) as T3, bounds.perMm)
}

/**
 * 3x3x3 convolution with zero padding of images [D, H, W, C] that follow one another along D: the sum of three 3x3
 * convolutions of slabs, of the slab before, the slab itself and the next.
 */
function conv3(tf: Tf, x: T4, kernel: T3, bias: TensorFlow.Tensor, batch: number): T4 {
  const [slabs, h, w, c] = x.shape
  const depth = slabs / batch
  const padded = tf.pad(tf.reshape(x, [batch, depth, h * w * c]), [
    [0, 0],
    [1, 1],
    [0, 0],
  ])
  const parts = tf.split(kernel, 3).map((taps, shift) => {
    const shifted = tf.slice(padded, [0, shift, 0], [batch, depth, h * w * c])
    const filter = tf.reshape(taps, [3, 3, c, kernel.shape[2]]) as T4
    return tf.conv2d(tf.reshape(shifted, x.shape) as T4, filter, 1, 'same')
  })
  return tf.add(tf.addN(parts), bias)
}

/**
 * Rows of the unit matrix, [indices, size]: times a table they are its rows, with a gradient (matMul) that every engine has,
 * unlike that of gather.
 */
export function oneHot(tf: Tf, indices: readonly number[], size: number): T2 {
  const rows = new Float32Array(indices.length * size)
  for (const [row, index] of indices.entries()) rows[row * size + index] = 1
  return tf.tensor2d(rows, [indices.length, size])
}

/** Mean over blocks of 2x2x2. */
function meanPool(tf: Tf, x: T4): T4 {
  const [d, h, w, c] = x.shape
  const alongD = tf.mean(tf.reshape(x, [d / 2, 2, h * w * c]), 1)
  const alongH = tf.mean(tf.reshape(alongD, [(d / 2) * (h / 2), 2, w * c]), 1)
  const alongW = tf.mean(tf.reshape(alongH, [(d / 2) * (h / 2) * (w / 2), 2, c]), 1)
  return tf.reshape(alongW, [d / 2, h / 2, w / 2, c]) as T4
}

/** Share of the bound that one axis alone may use before curves are drawn together; see `levelCurves`. */
export const PER_AXIS = 0.75

/**
 * Increments whose curves change over space by at most `perMm` per mm everywhere between cell centres (Euclidean norm of the
 * trilinear interpolant's gradient, bounded cell by cell). First each curve is levelled where it stands out from
 * its neighbours; what is left above the bound draws all curves towards their mean. Both steps keep the bounds on the slope.
 */
function limitChange(tf: Tf, increments: T3, perMm: number): T3 {
  const [batch, , bins] = increments.shape
  const curves = levelCurves(tf, curvesOf(tf, increments), PER_AXIS * perMm * CELL_MM)
  const differences = bands(tf, bins, (from, to) => Number(from === to) - Number(from === to - 1))
  const levelled = tf.reshape(tf.matMul(tf.reshape(curves, [-1, bins]) as T2, differences), increments.shape)
  const mean = tf.mean(levelled, 1, true)
  const change = AXES.map((axis) => {
    const squared = neighbours(tf, curves, axis, tf.squaredDifference)
    const others = AXES.filter((other) => other !== axis)
    return others.reduce((x, other) => neighbours(tf, x, other, tf.maximum), squared)
  })
  const steepest = tf.max(tf.reshape(tf.addN(change), [batch, -1]), 1)
  // the small number keeps the gradient finite where all curves are equal, as they are at the start
  const share = tf.minimum(1, tf.div(perMm * CELL_MM, tf.sqrt(tf.add(steepest, 1e-12))))
  return tf.add(mean, tf.mul(tf.reshape(share, [batch, 1, 1]), tf.sub(levelled, mean)))
}

/** Sums of increments up to each knot, [B, 8, 10, 8, K]; a product, because engines are slow at cumsum. */
function curvesOf(tf: Tf, increments: T3): TensorFlow.Tensor {
  const [batch, , bins] = increments.shape
  const sums = bands(tf, bins, (from, to) => Number(from <= to))
  return tf.reshape(tf.matMul(tf.reshape(increments, [-1, bins]), sums), [batch, ...CELLS, bins])
}

/** The matrix [K, K] of what each input adds to each output. */
function bands(tf: Tf, size: number, entry: (from: number, to: number) => number): T2 {
  const entries = Float32Array.from({ length: size * size }, (_, i) => entry(Math.floor(i / size), i % size))
  return tf.tensor2d(entries, [size, size])
}

/** Of [B, 8, 10, 8, K]: those along which places differ. */
const AXES = [1, 2, 3] as const

/**
 * Halfway between the largest grid of curves below and the smallest above that change by at most `step` from cell to
 * cell along each axis: min over cells y of C(y) + step * |x - y|, and the same of -C, turned back. The minimum (or maximum) of increasing curves,
 * each raised by a constant, rises between two knots no slower than the slowest and no faster than the fastest of them.
 */
function levelCurves(tf: Tf, curves: TensorFlow.Tensor, step: number): TensorFlow.Tensor {
  const mirrored = tf.concat([curves, tf.neg(curves)])
  const raisedTo = (x: TensorFlow.Tensor, axis: number): TensorFlow.Tensor => {
    const [before, n, after] = around(x, axis)
    const distance = tf.reshape(
      bands(tf, n, (from, to) => step * Math.abs(from - to)),
      [1, n, n, 1],
    )
    return tf.reshape(tf.min(tf.add(tf.reshape(x, [before, 1, n, after]), distance), 2), x.shape)
  }
  const [above, below] = tf.split(AXES.reduce(raisedTo, mirrored), 2) as [
    TensorFlow.Tensor,
    TensorFlow.Tensor,
  ]
  return tf.mul(tf.sub(above, below), 0.5)
}

/** Joins each place with the next along one axis, which gets shorter by one. */
function neighbours(
  tf: Tf,
  x: TensorFlow.Tensor,
  axis: number,
  join: (x: TensorFlow.Tensor, next: TensorFlow.Tensor) => TensorFlow.Tensor,
): TensorFlow.Tensor {
  const [before, n, after] = around(x, axis)
  const lines = tf.reshape(x, [before, n, after])
  const from = (start: number): TensorFlow.Tensor => tf.slice(lines, [0, start, 0], [before, n - 1, after])
  return tf.reshape(
    join(from(0), from(1)),
    x.shape.map((size, at) => (at === axis ? size - 1 : size)),
  )
}

/** Numbers before, along and after an axis. */
function around({ shape }: TensorFlow.Tensor, axis: number): readonly [number, number, number] {
  const product = (sizes: readonly number[]): number => sizes.reduce((p, n) => p * n, 1)
  return [product(shape.slice(0, axis)), shape[axis] as number, product(shape.slice(axis + 1))]
}

/** Mean squared difference of the curves of neighbouring cells, summed over the axes; the mean over the images, too. */
export function roughness(tf: Tf, increments: T3): TensorFlow.Tensor {
  const curves = curvesOf(tf, increments)
  return tf.addN(AXES.map((axis) => tf.mean(neighbours(tf, curves, axis, tf.squaredDifference))))
}

/**
 * Increments read trilinearly at a separable set of points of each image.
 *
 * @param increments [B, 640, K]
 * @param along      hat weights [B, n_R, 8], [B, n_A, 10], [B, n_S, 8]
 * @returns [B, n_S * n_A * n_R, K], R fastest
 */
export function interpolate(tf: Tf, increments: T3, along: readonly [T3, T3, T3]): T3 {
  const [r, a, s] = CELLS
  const [batch, , bins] = increments.shape
  const [nr, na, ns] = along.map((weights) => weights.shape[1]) as [number, number, number]
  const exchange = (x: TensorFlow.Tensor, shape: [number, number, number, number]): TensorFlow.Tensor =>
    tf.transpose(tf.reshape(x, shape), [0, 2, 1, 3])
  const byR = tf.matMul(along[0], tf.reshape(increments, [batch, r, a * s * bins]) as T3)
  const turned = exchange(byR, [batch, nr, a, s * bins])
  const byA = tf.matMul(along[1], tf.reshape(turned, [batch, a, nr * s * bins]) as T3)
  const again = exchange(byA, [batch, na * nr, s, bins])
  const byS = tf.matMul(along[2], tf.reshape(again, [batch, s, na * nr * bins]) as T3)
  return tf.reshape(byS, [batch, ns * na * nr, bins])
}
