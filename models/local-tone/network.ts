/**
 * The network of `local-tone`: from what is seen on the coarse grid to one bounded, increasing curve per cell.
 * Every tensor has rank 4 or less and 3x3x3 convolutions are 27 shifted slices, each a matMul, because the
 * TensorFlow.js engines disagree on conv3d gradients and rank-5 pads. See docs/decisions/0002-local-tone.md.
 */
import type * as TensorFlow from '@tensorflow/tfjs-core'

type Tf = typeof TensorFlow
type T2 = TensorFlow.Tensor2D
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
 * Curves at the cell centres.
 *
 * @param features   [16, 20, 16, F] along R, A, S
 * @param increments g_d,k of the image's domain, [K], positive, in units of the reference scale
 * @returns [640, K]: increments of the curve of each cell between knots; both bounds hold for any weights
 */
export function curveIncrements(
  tf: Tf,
  weights: Weights,
  features: T4,
  increments: TensorFlow.Tensor1D,
  domain: number,
  bounds: Bounds,
): T2 {
  const h1 = meanPool(tf, tf.relu(conv3(tf, features, weights['conv1/kernel'], weights['conv1/bias'])))
  const h2 = tf.relu(conv3(tf, h1, weights['conv2/kernel'], weights['conv2/bias']))
  const context = tf.matMul(tf.reshape(tf.mean(h2, [0, 1, 2]), [1, -1]), weights.context as unknown as T2)
  const h3 = tf.relu(tf.add(conv3(tf, h2, weights['conv3/kernel'], weights['conv3/bias']), context))
  const flat = tf.reshape(h3, [CELLS[0] * CELLS[1] * CELLS[2], -1]) as T2
  const seen = tf.add(tf.matMul(flat, weights['head/kernel'] as unknown as T2), weights['head/bias'])
  const place = tf.slice(weights.place, [domain, 0], [1, seen.size])
  const p = tf.add(seen, tf.reshape(place, seen.shape))
  const bounded = tf.mul(tf.exp(tf.mul(tf.tanh(p), Math.log(bounds.slopeRatio))), increments) as T2
  return limitChange(tf, bounded, bounds.perMm)
}

/** 3x3x3 convolution with zero padding of [D, H, W, C]: 27 shifted slices side by side, then one matMul. */
function conv3(tf: Tf, x: T4, kernel: TensorFlow.Tensor, bias: TensorFlow.Tensor): T4 {
  const [d, h, w, c] = x.shape
  const out = kernel.shape[2] as number
  const padded = tf.pad(x, [
    [1, 1],
    [1, 1],
    [1, 1],
    [0, 0],
  ])
  const taps = Array.from({ length: 27 }, (_, tap): T2 => {
    const shift = [Math.floor(tap / 9), Math.floor(tap / 3) % 3, tap % 3, 0]
    return tf.reshape(tf.slice(padded, shift, [d, h, w, c]), [d * h * w, c])
  })
  const y = tf.matMul(tf.concat(taps, 1), tf.reshape(kernel, [27 * c, out]) as T2)
  return tf.reshape(tf.add(y, bias), [d, h, w, out]) as T4
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
function limitChange(tf: Tf, increments: T2, perMm: number): T2 {
  const [r, a, s] = CELLS
  const bins = increments.shape[1]
  const curves = levelCurves(
    tf,
    tf.reshape(tf.cumsum(increments, 1), [r, a, s, bins]) as T4,
    PER_AXIS * perMm * CELL_MM,
  )
  const flat = tf.reshape(curves, [r * a * s, bins]) as T2
  const levelled = tf.sub(
    flat,
    tf.pad(tf.slice(flat, [0, 0], [-1, bins - 1]), [
      [0, 0],
      [1, 0],
    ]),
  ) as T2
  const mean = tf.mean(levelled, 0, true)
  const along = (axis: 0 | 1 | 2): T4 => {
    const begin = [0, 0, 0, 0]
    begin[axis] = 1
    const size: number[] = [r, a, s, bins]
    size[axis] = (size[axis] as number) - 1
    const difference = tf.abs(
      tf.sub(tf.slice(curves, begin, size), tf.slice(curves, [0, 0, 0, 0], size)),
    ) as T4
    return [0, 1, 2]
      .filter((other) => other !== axis)
      .reduce((x, other) => maxOfNeighbours(tf, x, other), difference)
  }
  const [dr, da, ds] = [along(0), along(1), along(2)]
  const steepest = tf.max(tf.add(tf.add(tf.square(dr), tf.square(da)), tf.square(ds)))
  // the small number keeps the gradient finite where all curves are equal, as they are at the start
  const share = tf.minimum(1, tf.div(perMm * CELL_MM, tf.sqrt(tf.add(steepest, 1e-12))))
  return tf.add(mean, tf.mul(share, tf.sub(levelled, mean))) as T2
}

/**
 * Halfway between the largest grid of curves below and the smallest above that change by at most `step` from cell to
 * cell along each axis: min over cells y of C(y) + step * |x - y|, and the mirror image. The minimum (or maximum) of increasing curves,
 * each raised by a constant, rises between two knots no slower than the slowest and no faster than the fastest of them.
 */
function levelCurves(tf: Tf, curves: T4, step: number): T4 {
  const envelope = (sign: 1 | -1): T4 =>
    [0, 1, 2].reduce<T4>((x, axis) => {
      const n = x.shape[axis] as number
      const before = x.shape.slice(0, axis).reduce((p, m) => p * m, 1)
      const after = x.shape.slice(axis + 1).reduce((p, m) => p * m, 1)
      const distance = tf.tensor(
        Float32Array.from({ length: n * n }, (_, i) => sign * step * Math.abs(Math.floor(i / n) - (i % n))),
        [1, n, n, 1],
      )
      const raised = tf.add(tf.reshape(x, [before, 1, n, after]), distance)
      return tf.reshape(sign === 1 ? tf.min(raised, 2) : tf.max(raised, 2), x.shape) as T4
    }, curves)
  return tf.mul(tf.add(envelope(1), envelope(-1)), 0.5) as T4
}

function maxOfNeighbours(tf: Tf, x: T4, axis: number): T4 {
  const size: number[] = [...x.shape]
  size[axis] = (size[axis] as number) - 1
  const begin = [0, 0, 0, 0]
  begin[axis] = 1
  return tf.maximum(tf.slice(x, [0, 0, 0, 0], size), tf.slice(x, begin, size)) as T4
}

/**
 * Increments read trilinearly at a separable set of points.
 *
 * @param increments [640, K]
 * @param along      hat weights [n_R, 8], [n_A, 10], [n_S, 8]
 * @returns [n_S * n_A * n_R, K], R fastest
 */
export function interpolate(tf: Tf, increments: T2, along: readonly [T2, T2, T2]): T2 {
  const [r, a, s] = CELLS
  const bins = increments.shape[1]
  const [nr, na, ns] = along.map((w) => w.shape[0]) as [number, number, number]
  const byR = tf.reshape(tf.matMul(along[0], tf.reshape(increments, [r, a * s * bins]) as T2), [
    nr,
    a,
    s * bins,
  ])
  const byA = tf.matMul(along[1], tf.reshape(tf.transpose(byR, [1, 0, 2]), [a, nr * s * bins]) as T2)
  const byS = tf.transpose(tf.reshape(byA, [na * nr, s, bins]), [1, 0, 2])
  return tf.reshape(tf.matMul(along[2], tf.reshape(byS, [s, na * nr * bins]) as T2), [
    ns * na * nr,
    bins,
  ]) as T2
}
