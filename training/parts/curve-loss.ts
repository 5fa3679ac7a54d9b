/** How far curves read from the grid are from the target, and how rough they are. */
import type * as TensorFlow from '@tensorflow/tfjs-core'
import {
  type Bounds,
  CELLS,
  curveIncrements,
  interpolate,
  oneHot,
  roughness,
  type Weights,
} from '../../models/local-tone/network.ts'
import type { LocalToneModel } from '../../src/inference/local-tone-model.ts'
import { LATTICE } from '../../src/kernels/lattice.ts'
import type { Engine } from '../engine/engine.ts'
import { COARSE } from './features.ts'
import { type Look, POINTS, SAMPLED, type Sample, STRIDE } from './samples.ts'

type Tf = Engine['tf']
type T2 = TensorFlow.Tensor2D
type T3 = TensorFlow.Tensor3D

export interface LossWeights extends Bounds {
  /** Of the absolute error of differences between neighbouring points. */
  readonly gradient: number
  /** Of the squared difference between the curves of neighbouring cells. */
  readonly smoothness: number
  /** Of the squared logarithm of each target scan's gain. */
  readonly gainPrior: number
}

/** What no step changes. */
export interface Constants {
  /** Increments of the global tone of each domain, [domains, K]. */
  readonly tones: T2
  /** Hat weights of the cell centres at the points of a look, [STRIDE + 1, points, cells] by start, for each axis. */
  readonly hats: readonly T3[]
}

export function constants(tf: Tf, model: LocalToneModel): Constants {
  const tones = model.domains.map((domain) => {
    const tone = model.tones[domain] ?? []
    return tone.slice(1).map((value, k) => value - tone[k]!)
  })
  return { tones: tf.tensor2d(tones), hats: CELLS.map((cells, axis) => hatWeights(tf, cells, axis)) }
}

function hatWeights(tf: Tf, cells: number, axis: number): T3 {
  const count = SAMPLED[axis]!
  const points = LATTICE.shape[axis]!
  const weights = new Float32Array((STRIDE + 1) * count * cells)
  for (let start = 0, row = 0; start <= STRIDE; start++)
    for (let i = 0; i < count; i++, row += cells) {
      const point = Math.min(points - 1, STRIDE * i + start)
      const position = Math.min(cells - 1, Math.max(0, ((point + 0.5) * cells) / points - 0.5))
      const low = Math.min(cells - 2, Math.floor(position))
      weights[row + low] = 1 - (position - low)
      weights[row + low + 1] = position - low
    }
  return tf.tensor3d(weights, [STRIDE + 1, count, cells])
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
  const batch = samples.length
  const domains = samples.map(({ domain }) => domain)
  const [r, coarseA, coarseS] = COARSE
  const channels = samples[0]!.features.length / (r * coarseA * coarseS)
  const features = tf.tensor4d(stacked(samples.map((sample) => sample.features)), [
    batch * r,
    coarseA,
    coarseS,
    channels,
  ])
  const increments = curveIncrements(tf, weights, features, tf.gather(tones, domains), domains, settings)
  const gain = tf.exp(
    tf.matMul(oneHot(tf, samples.map(scanOf), gains.size), tf.reshape(gains, [-1, 1]) as T2),
  )
  const looks = [0, 1].flatMap((which) => samples.map((sample) => sample.looks[which]!))
  const points = (key: 'beyond' | 'goal' | 'weight'): T2 =>
    tf.tensor2d(stacked(looks.map((look) => look[key])), [looks.length, POINTS])
  const output = outputAt(tf, tf.concat([increments, increments]), looks, points('beyond'), hats)
  const missed = tf.sub(tf.mul(tf.concat([gain, gain]), output), points('goal'))
  const [here, there] = tf.split(missed, 2) as [T2, T2]
  const [weight, nextWeight] = tf.split(points('weight'), 2) as [T2, T2]
  const ofIntensity = meanAbsolute(tf, here, weight)
  const ofChange = meanAbsolute(tf, tf.sub(there, here), tf.mul(weight, nextWeight))
  const error = tf.add(ofIntensity, tf.mul(ofChange, settings.gradient))
  const prior = tf.mul(tf.sum(tf.square(gains)), settings.gainPrior)
  return tf.addN([error, tf.mul(roughness(tf, increments), settings.smoothness), prior]) as TensorFlow.Scalar
}

/** Harmonized intensities at the points of a sample's first look, in units of the reference scale. */
export function outputOf(
  tf: Tf,
  weights: Weights,
  { features, domain, looks: [look] }: Sample,
  { tones, hats }: Constants,
  bounds: Bounds,
): T2 {
  const [r, a, s] = COARSE
  const input = tf.tensor4d(features, [r, a, s, features.length / (r * a * s)])
  const increments = curveIncrements(tf, weights, input, tf.gather(tones, [domain]), [domain], bounds)
  return outputAt(tf, increments, [look], tf.tensor2d(look.beyond, [1, POINTS]), hats)
}

/** Harmonized intensities at the points of looks, before the gain; [looks, N], one row of increments and `beyond` for each. */
function outputAt(tf: Tf, increments: T3, looks: readonly Look[], beyond: T2, hats: Constants['hats']): T2 {
  const bins = increments.shape[2]
  const along = hats.map((hat, axis) =>
    tf.gather(
      hat,
      looks.map(({ start }) => start[axis]!),
    ),
  )
  const ramps = tf.tensor3d(stacked(looks.map((look) => look.ramps)), [looks.length, POINTS, bins])
  const inside = tf.sum(tf.mul(interpolate(tf, increments, along as [T3, T3, T3]), ramps), 2)
  const lastSlope = tf.mean(tf.slice(increments, [0, 0, bins - 1], [-1, -1, 1]), 1)
  return tf.add(inside, tf.mul(beyond, lastSlope))
}

/** Arrays of one length, one after another. */
function stacked(parts: readonly Float32Array[]): Float32Array {
  const size = parts[0]?.length ?? 0
  const all = new Float32Array(parts.length * size)
  for (const [i, part] of parts.entries()) all.set(part, i * size)
  return all
}

/** Mean over the samples of the weighted mean over the points of |x|; both [B, N]. */
function meanAbsolute(tf: Tf, x: T2, weight: T2): TensorFlow.Tensor {
  return tf.mean(tf.div(tf.sum(tf.mul(tf.abs(x), weight), 1), tf.add(tf.sum(weight, 1), 1e-6)))
}
