/** How far curves read from the grid are from the target, and how rough they are. */
import type * as TensorFlow from '@tensorflow/tfjs-core'
import {
  type Bounds,
  CELLS,
  curveIncrements,
  interpolate,
  type Weights,
} from '../../models/local-tone/network.ts'
import type { LocalToneModel } from '../../src/inference/local-tone-model.ts'
import { LATTICE } from '../../src/kernels/lattice.ts'
import type { Engine } from '../engine/engine.ts'
import { COARSE } from './features.ts'
import { type Look, POINTS, SAMPLED, type Sample, STRIDE } from './samples.ts'

type Tf = Engine['tf']
type T1 = TensorFlow.Tensor1D
type T2 = TensorFlow.Tensor2D

export interface LossWeights extends Bounds {
  /** Of the absolute error of differences between neighbouring points. */
  readonly gradient: number
  /** Of the squared difference between the curves of neighbouring cells. */
  readonly smoothness: number
  /** Of the squared logarithm of each target scan's gain. */
  readonly gainPrior: number
}

/** Tensors that no step changes. */
export interface Constants {
  /** Increments of the global tone of each domain, [K]. */
  readonly tones: readonly T1[]
  /** Hat weights of the cell centres at the points of a look: by axis, then by start. */
  readonly hats: readonly (readonly T2[])[]
}

export function constants(tf: Tf, model: LocalToneModel): Constants {
  const tones = model.domains.map((domain) => {
    const tone = model.tones[domain] ?? []
    return tf.tensor1d(tone.slice(1).map((value, k) => value - tone[k]!))
  })
  const hats = CELLS.map((cells, axis) =>
    Array.from({ length: STRIDE + 1 }, (_, start) => hatWeights(tf, cells, axis, start)),
  )
  return { tones, hats }
}

function hatWeights(tf: Tf, cells: number, axis: number, start: number): T2 {
  const count = SAMPLED[axis]!
  const points = LATTICE.shape[axis]!
  const weights = new Float32Array(count * cells)
  for (let i = 0; i < count; i++) {
    const point = Math.min(points - 1, STRIDE * i + start)
    const position = Math.min(cells - 1, Math.max(0, ((point + 0.5) * cells) / points - 0.5))
    const low = Math.min(cells - 2, Math.floor(position))
    weights[i * cells + low] = 1 - (position - low)
    weights[i * cells + low + 1] = position - low
  }
  return tf.tensor2d(weights, [count, cells])
}

/**
 * Mean over the samples of the mean absolute error of intensities and of their differences between neighbours, plus the
 * roughness of the curves and the prior of the gains.
 *
 * @param gains   log gain of each target scan, which no harmonizer can foresee, [scans]
 * @param scanOf  index of a sample's target scan in `gains`
 */
export function curveLoss(
  tf: Tf,
  weights: Weights,
  gains: TensorFlow.Variable,
  samples: readonly Sample[],
  scanOf: (sample: Sample) => number,
  { tones, hats }: Constants,
  settings: LossWeights,
): TensorFlow.Scalar {
  const losses = samples.map((sample) => {
    const channels = sample.features.length / (COARSE[0] * COARSE[1] * COARSE[2])
    const features = tf.tensor4d(sample.features, [COARSE[0], COARSE[1], COARSE[2], channels])
    const increments = curveIncrements(tf, weights, features, tones[sample.domain]!, sample.domain, settings)
    const gain = tf.exp(tf.slice(gains, [scanOf(sample)], [1]))
    const [here, there] = sample.looks.map((look) => outputAt(tf, increments, look, gain, hats)) as [T1, T1]
    const [at, next] = sample.looks
    const weight = tf.tensor1d(at.weight)
    const goal = tf.tensor1d(at.goal)
    const ofIntensity = meanAbsolute(tf, tf.sub(here, goal), weight)
    const change = tf.sub(tf.sub(there, here), tf.sub(tf.tensor1d(next.goal), goal))
    const ofChange = meanAbsolute(tf, change, tf.mul(weight, tf.tensor1d(next.weight)) as T1)
    const error = tf.add(ofIntensity, tf.mul(ofChange, settings.gradient))
    return tf.add(error, tf.mul(roughness(tf, increments), settings.smoothness))
  })
  const prior = tf.mul(tf.sum(tf.square(gains)), settings.gainPrior)
  return tf.add(tf.div(tf.addN(losses), samples.length), prior) as TensorFlow.Scalar
}

/** Harmonized intensities at the points of a look, [N]. */
function outputAt(
  tf: Tf,
  increments: T2,
  look: Look,
  gain: TensorFlow.Tensor,
  hats: Constants['hats'],
): TensorFlow.Tensor {
  const bins = increments.shape[1]
  const along = look.start.map((start, axis) => hats[axis]![start]!) as unknown as readonly [T2, T2, T2]
  const inside = tf.sum(
    tf.mul(interpolate(tf, increments, along), tf.tensor2d(look.ramps, [POINTS, bins])),
    1,
  )
  const lastSlope = tf.mean(tf.slice(increments, [0, bins - 1], [-1, 1]))
  return tf.mul(gain, tf.add(inside, tf.mul(tf.tensor1d(look.beyond), lastSlope)))
}

function meanAbsolute(tf: Tf, x: TensorFlow.Tensor, weight: T1): TensorFlow.Tensor {
  return tf.div(tf.sum(tf.mul(tf.abs(x), weight)), tf.add(tf.sum(weight), 1e-6))
}

/** Mean squared difference of the curves of neighbouring cells, summed over the axes. */
function roughness(tf: Tf, increments: T2): TensorFlow.Tensor {
  const [r, a, s] = CELLS
  const size = [r, a, s, increments.shape[1]]
  const curves = tf.reshape(tf.cumsum(increments, 1), size)
  return tf.addN(
    [0, 1, 2].map((axis) => {
      const begin = [0, 1, 2, 3].map((d) => (d === axis ? 1 : 0))
      const shorter = size.map((n, d) => (d === axis ? n - 1 : n))
      return tf.mean(
        tf.square(tf.sub(tf.slice(curves, begin, shorter), tf.slice(curves, [0, 0, 0, 0], shorter))),
      )
    }),
  )
}
