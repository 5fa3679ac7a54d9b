/** The steps of training the last pass of a universal harmonizer: from what even blocks show to one curve. */
import type * as TensorFlow from '@tensorflow/tfjs-core'
import {
  type ToneWeightName,
  type ToneWeights,
  toneIncrements,
  toneWeightShapes,
} from '../../models/global-tone/network.ts'
import { ANY_DOMAIN } from '../../src/inference/local-tone-model.ts'
import { type Random, random } from '../../src/kernels/random.ts'
import type { Engine } from '../engine/engine.ts'
import { checkpointKey, type TrainingState } from './checkpoint.ts'
import { EVEN_FEATURES } from './even-blocks.ts'
import { optimize, type StepHooks } from './optimize.ts'
import { type TrainedTone, widthsOf } from './tone-curve.ts'
import { BINS, DECILES, type ToneExample } from './tone-examples.ts'
import { type Likeness, likenessOf, standardized } from './unlikeness.ts'

/** How the last pass is trained. */
export interface ToneStepOptions {
  readonly seed: number
  readonly steps: number
  readonly batch: number
  readonly learningRate: number
  readonly hidden: number
  /** SD of what is added to each feature in training, in units of its SD over the scans: digital heads differ from real ones by something like it. */
  readonly noise: number
  readonly slopeRatio: number
}

/** In units of the canonical level; closest where fluid and grey matter lie (chosen). */
const KNOTS = [0, 0.06, 0.12, 0.18, 0.25, 0.33, 0.42, 0.52, 0.65, 0.8, 0.95, 1.1, 1.4, 2] as const

/**
 * @param level what 1 stands for in the examples
 * @throws {ConfigError} when the checkpoint to resume belongs to another training, or the loss is no longer a number
 */
export async function trainTone(
  { tf, name, version }: Engine,
  examples: readonly ToneExample[],
  settings: ToneStepOptions,
  level: number,
  identity: object,
  hooks: StepHooks,
): Promise<TrainedTone & Pick<TrainingState, 'loss'>> {
  const { seed, steps, batch, learningRate, hidden, noise, slopeRatio } = settings
  const bins = KNOTS.length - 1
  const likeness = likenessOf(examples.map(({ features }) => features))
  const lessons = examples.map((example) => lessonOf(example, likeness))
  const increments = tf.tensor2d(widthsOf(KNOTS), [1, bins])
  const shapes = toneWeightShapes(EVEN_FEATURES, hidden, bins)
  const rng = random(seed, 'tone weights')
  const { tensors, loss } = await optimize(tf, {
    tensors: Object.fromEntries(
      Object.entries(shapes).map(([at, shape]) => {
        const starts = at === 'hidden/kernel' ? Math.sqrt(2 / EVEN_FEATURES) : 0
        const size = shape.reduce((product, n) => product * n, 1)
        return [at, { values: Float32Array.from({ length: size }, () => starts * rng.normal()), shape }]
      }),
    ),
    steps,
    learningRate,
    batchAt: (step) => drawBatch(lessons, batch, noise, random(seed, `tone step ${step}`)),
    loss: (variables, seen) => toneLoss(tf, variables as unknown as Variables, seen, increments, slopeRatio),
    key: checkpointKey({ ...identity, settings, engine: [name, version] }),
    hooks,
  })
  increments.dispose()
  const read = (at: ToneWeightName): Float32Array => tensors[at]!.values
  return {
    model: {
      kind: 'local-tone',
      referenceScale: level,
      knots: KNOTS,
      domains: [ANY_DOMAIN],
      tones: { [ANY_DOMAIN]: KNOTS },
      bounds: { slopeRatio, perMm: 0 },
    },
    weights: {
      hidden: ofRawFeatures(read('hidden/kernel'), read('hidden/bias'), likeness),
      out: { kernel: read('out/kernel'), bias: read('out/bias') },
    },
    likeness,
    loss,
  }
}

type Variables = Readonly<Record<ToneWeightName, TensorFlow.Variable>>

/** The first layer with what features are divided by and moved by folded into it. */
function ofRawFeatures(
  kernel: Float32Array,
  bias: Float32Array,
  { mean, sd }: Likeness,
): ToneWeights['hidden'] {
  const hidden = bias.length
  const raw = kernel.map((weight, i) => weight / sd[Math.floor(i / hidden)]!)
  const moved = bias.map((start, to) => {
    let sum = start
    for (let f = 0; f < mean.length; f++) sum -= mean[f]! * raw[f * hidden + to]!
    return sum
  })
  return { kernel: raw, bias: moved }
}

/** An example as the loss reads it. */
interface Lesson {
  /** In units of their SD from their mean. */
  readonly features: Float32Array
  /** [2 * BINS, K]: what each increment contributes to the curve at the mean of each bin. */
  readonly ramps: Float32Array
  /** [2 * BINS, DECILES] */
  readonly truth: Float32Array
  /** [2 * BINS]: shares; head and brain count alike. */
  readonly weight: Float32Array
}

function lessonOf({ features, table }: ToneExample, likeness: Likeness): Lesson {
  const rows = 2 * BINS
  const bins = KNOTS.length - 1
  const lesson = {
    features: standardized(features, likeness),
    ramps: new Float32Array(rows * bins),
    truth: new Float32Array(rows * DECILES),
    weight: new Float32Array(rows),
  }
  for (let row = 0; row < rows; row++) {
    const at = row * (2 + DECILES)
    lesson.weight[row] = table[at]! / 2
    for (let k = 0; k < bins; k++)
      lesson.ramps[row * bins + k] = Math.min(
        1,
        Math.max(0, (table[at + 1]! - KNOTS[k]!) / (KNOTS[k + 1]! - KNOTS[k]!)),
      )
    lesson.truth.set(table.subarray(at + 2, at + 2 + DECILES), row * DECILES)
  }
  return lesson
}

type Batch = Lesson & { readonly size: number }

function drawBatch(lessons: readonly Lesson[], size: number, noise: number, rng: Random): Batch {
  const drawn = Array.from({ length: size }, () => lessons[rng.integer(lessons.length)]!)
  const joined = (key: keyof Lesson): Float32Array => {
    const length = drawn[0]![key].length
    const out = new Float32Array(size * length)
    for (const [k, lesson] of drawn.entries()) out.set(lesson[key], k * length)
    return out
  }
  return {
    size,
    features: joined('features').map((value) => value + noise * rng.normal()),
    ramps: joined('ramps'),
    truth: joined('truth'),
    weight: joined('weight'),
  }
}

/** Mean absolute error of the curve, mean of head and brain, in units of the canonical level. */
function toneLoss(
  tf: typeof TensorFlow,
  variables: Variables,
  { size, features, ramps, truth, weight }: Batch,
  increments: TensorFlow.Tensor2D,
  slopeRatio: number,
): TensorFlow.Scalar {
  const bins = KNOTS.length - 1
  const rows = 2 * BINS
  const seen = tf.tensor2d(features, [size, EVEN_FEATURES])
  const rises = toneIncrements(tf, variables, seen, increments, slopeRatio)
  const value = tf.matMul(tf.tensor3d(ramps, [size, rows, bins]), tf.reshape(rises, [size, bins, 1]))
  const error = tf.abs(tf.sub(value, tf.tensor3d(truth, [size, rows, DECILES])))
  const each = tf.mul(tf.mean(error, 2), tf.tensor2d(weight, [size, rows]))
  return tf.div(tf.sum(each), size)
}
