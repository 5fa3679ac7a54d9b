/** The steps of training local-tone's network: what every recipe for it shares, whatever its samples come from. */
import type * as TensorFlow from '@tensorflow/tfjs-core'
import { type WeightName, type Weights, weightShapes } from '../../models/local-tone/network.ts'
import type { LocalToneModel, LocalToneWeights } from '../../src/inference/local-tone-model.ts'
import { random } from '../../src/kernels/random.ts'
import type { Engine } from '../engine/engine.ts'
import { checkpointKey, type TrainingState } from './checkpoint.ts'
import { constants, curveLoss, type LossWeights } from './curve-loss.ts'
import { featureCount } from './features.ts'
import { type Optimization, optimize, type StepHooks } from './optimize.ts'
import type { SampleSource } from './sample-source.ts'
import type { Sample } from './samples.ts'
import { samplesAhead } from './samples-ahead.ts'

/** What the optimizer is told. */
export interface StepOptions extends Omit<LossWeights, 'perMm' | 'slopeRatio'> {
  readonly seed: number
  readonly steps: number
  readonly learningRate: number
}

/** What is trained on what. */
export interface Task {
  readonly model: LocalToneModel
  readonly source: SampleSource
  /** Number of target scans, each with a gain of its own, and which of them a sample has. */
  readonly scans: number
  readonly scanOf: (sample: Sample) => number
  /** How much faster than the convolutions these tensors learn; 0 leaves them as they are. Default 1. */
  readonly rates: Readonly<Partial<Record<WeightName | typeof GAINS, number>>>
  /** Where to start from, instead of a network whose curves are the global tones. */
  readonly weights?: LocalToneWeights | undefined
}

export interface Optimized {
  readonly weights: LocalToneWeights
  readonly loss: TrainingState['loss']
}

/** Log gain of each target scan, which no harmonizer can foresee. */
const GAINS = 'gains'

/**
 * @param identity what tells this training from others, for its checkpoint
 * @throws {ConfigError} when the checkpoint to resume belongs to another training, or the loss is no longer a number
 */
export async function trainSteps(
  { tf, name: engineName, version }: Engine,
  task: Task,
  options: StepOptions,
  identity: object,
  hooks: StepHooks,
): Promise<Optimized> {
  const { model } = task
  const fixed = constants(tf, model)
  const lossWeights: LossWeights = { ...options, ...model.bounds }
  const key = checkpointKey({ ...identity, engine: [engineName, version] })
  const ahead = samplesAhead(task.source, options.steps)
  const { tensors, loss } = await optimize(tf, {
    tensors: startingTensors(task, options.seed),
    steps: options.steps,
    learningRate: options.learningRate,
    batchAt: ahead.samplesAt,
    loss: (variables, samples) =>
      curveLoss(
        tf,
        variables as unknown as Weights,
        variables[GAINS] as TensorFlow.Variable,
        samples,
        task.scanOf,
        fixed,
        lossWeights,
      ),
    rateOf: (name) => task.rates[name as WeightName] ?? 1,
    key,
    hooks,
  }).finally(ahead.close)
  tf.dispose([fixed.tones, ...fixed.hats])
  return { weights: exportedWeights(tensors), loss }
}

function shapeOf(name: string, model: LocalToneModel, scans: number): number[] {
  if (name === GAINS) return [scans]
  const bins = model.knots.length - 1
  return [
    ...weightShapes(featureCount(model.knots.length, model.domains.length), bins, model.domains.length)[
      name as WeightName
    ],
  ]
}

/** The weights to start from, or a network whose curves are the global tones. */
function startingTensors({ model, scans, weights }: Task, seed: number): Optimization<unknown>['tensors'] {
  const rng = random(seed, 'weights')
  const given: Readonly<Record<string, Float32Array>> = weights ? namedWeights(weights) : {}
  const names = [...Object.keys(weightShapes(1, 1, 1)), GAINS]
  return Object.fromEntries(
    names.map((name) => {
      const shape = shapeOf(name, model, scans)
      const size = shape.reduce((product, n) => product * n, 1)
      const starts =
        name.startsWith('conv') && name.endsWith('kernel')
          ? Math.sqrt((2 * (shape.at(-1) ?? 1)) / size)
          : name === 'context'
            ? 0.1
            : 0
      const drawn = Float32Array.from({ length: size }, () => starts * rng.normal())
      return [name, { values: given[name]?.slice() ?? drawn, shape }]
    }),
  )
}

function exportedWeights(tensors: TrainingState['tensors']): LocalToneWeights {
  const read = (name: WeightName): Float32Array => (tensors[name] as { readonly values: Float32Array }).values
  const layer = (
    name: 'conv1' | 'conv2' | 'conv3' | 'head',
  ): { kernel: Float32Array; bias: Float32Array } => ({
    kernel: read(`${name}/kernel`),
    bias: read(`${name}/bias`),
  })
  return {
    conv1: layer('conv1'),
    conv2: layer('conv2'),
    conv3: layer('conv3'),
    context: read('context'),
    head: layer('head'),
    place: read('place'),
  }
}

/** Weights under the names of the network's tensors. */
export function namedWeights(weights: LocalToneWeights): Readonly<Record<WeightName, Float32Array>> {
  const { conv1, conv2, conv3, context, head, place } = weights
  return {
    'conv1/kernel': conv1.kernel,
    'conv1/bias': conv1.bias,
    'conv2/kernel': conv2.kernel,
    'conv2/bias': conv2.bias,
    'conv3/kernel': conv3.kernel,
    'conv3/bias': conv3.bias,
    context,
    'head/kernel': head.kernel,
    'head/bias': head.bias,
    place,
  }
}
