/** The steps of training local-tone's network: what every recipe for it shares, whatever its samples come from. */
import type * as TensorFlow from '@tensorflow/tfjs-core'
import { type WeightName, type Weights, weightShapes } from '../../models/local-tone/network.ts'
import { ConfigError } from '../../src/errors.ts'
import type { LocalToneModel, LocalToneWeights } from '../../src/inference/local-tone-model.ts'
import { random } from '../../src/kernels/random.ts'
import type { Engine } from '../engine/engine.ts'
import { adamStepInto } from './adam.ts'
import {
  type CheckpointPlace,
  checkpointKey,
  readCheckpoint,
  type Trainable,
  type TrainingState,
  writeCheckpoint,
} from './checkpoint.ts'
import { constants, curveLoss, type LossWeights } from './curve-loss.ts'
import { featureCount } from './features.ts'
import type { Sample } from './samples.ts'

/** What the optimizer is told. */
export interface Optimization extends Omit<LossWeights, 'perMm' | 'slopeRatio'> {
  readonly seed: number
  readonly steps: number
  readonly learningRate: number
}

/** What is trained on what. */
export interface Task {
  readonly model: LocalToneModel
  /** The samples of a step, the same whenever they are asked for. */
  readonly samplesAt: (step: number) => readonly Sample[] | Promise<readonly Sample[]>
  /** Number of target scans, each with a gain of its own, and which of them a sample has. */
  readonly scans: number
  readonly scanOf: (sample: Sample) => number
  /** How much faster than the convolutions these tensors learn; 0 leaves them as they are. Default 1. */
  readonly rates: Readonly<Partial<Record<WeightName | typeof GAINS, number>>>
  /** Where to start from, instead of a network whose curves are the global tones. */
  readonly weights?: LocalToneWeights | undefined
}

export interface StepHooks {
  readonly onStep?: (progress: StepProgress) => void
  readonly log?: (line: string) => void
  readonly checkpoint?: CheckpointPlace
}

export interface StepProgress {
  readonly step: number
  readonly steps: number
  readonly loss: number
  readonly secondsLeft: number
}

export interface Optimized {
  readonly weights: LocalToneWeights
  readonly loss: TrainingState['loss']
}

/** Log gain of each target scan, which no harmonizer can foresee. */
const GAINS = 'gains'
const CHECKPOINT_EVERY = 25
const LOSS_EVERY = 10

/**
 * @param identity what tells this training from others, for its checkpoint
 * @throws {ConfigError} when the checkpoint to resume belongs to another training, or the loss is no longer a number
 */
export async function optimize(
  { tf, name: engineName, version }: Engine,
  task: Task,
  options: Optimization,
  identity: object,
  hooks: StepHooks,
): Promise<Optimized> {
  const { model, scans } = task
  const key = checkpointKey({ ...identity, engine: [engineName, version] })
  const start = await startingState(task, options, key, hooks)
  const variables = Object.fromEntries(
    Object.entries(start.tensors).map(([name, { values }]) => [
      name,
      tf.variable(tf.tensor(values, shapeOf(name, model, scans))),
    ]),
  )
  const weights = variables as unknown as Weights
  const fixed = constants(tf, model)
  const lossWeights: LossWeights = { ...options, ...model.bounds }
  const history = [...start.loss]
  let recent = start.recentLoss
  const began = performance.now()
  for (let step = start.step; step < options.steps; step++) {
    const samples = await task.samplesAt(step)
    const { value, grads } = tf.variableGrads(() =>
      curveLoss(
        tf,
        weights,
        variables[GAINS] as TensorFlow.Variable,
        samples,
        task.scanOf,
        fixed,
        lossWeights,
      ),
    )
    const loss = (await value.data())[0] ?? Number.NaN
    value.dispose()
    if (!Number.isFinite(loss))
      throw new ConfigError(
        `The loss is ${loss} at step ${step + 1}.`,
        'Lower learningRate in the settings of the method.',
      )
    for (const [name, variable] of Object.entries(variables)) {
      const gradient = grads[variable.name] as TensorFlow.Tensor
      const { values, first, second } = start.tensors[name] as Trainable
      const rate = learningRate(options, step) * (task.rates[name as WeightName] ?? 1)
      adamStepInto(values, { first, second }, await gradient.data(), rate, step + 1)
      const moved = tf.tensor(values, variable.shape)
      variable.assign(moved)
      tf.dispose([gradient, moved])
    }
    recent = Number.isNaN(recent) ? loss : 0.95 * recent + 0.05 * loss
    const done = step + 1
    if (done % LOSS_EVERY === 0 || done === options.steps) history.push({ step: done, loss: recent })
    if (hooks.checkpoint !== undefined && done % CHECKPOINT_EVERY === 0 && done < options.steps)
      await writeCheckpoint(hooks.checkpoint.path, key, {
        step: done,
        tensors: start.tensors,
        loss: history,
        recentLoss: recent,
      })
    const secondsPerStep = (performance.now() - began) / 1000 / (done - start.step)
    hooks.onStep?.({
      step: done,
      steps: options.steps,
      loss: recent,
      secondsLeft: (options.steps - done) * secondsPerStep,
    })
  }
  tf.dispose([...Object.values(variables), fixed.tones, ...fixed.hats])
  return { weights: exportedWeights(start.tensors), loss: history }
}

/** Warm-up over 20 steps, then half a cosine down to a twentieth. */
function learningRate({ learningRate: top, steps }: Optimization, step: number): number {
  const cosine = 0.525 + 0.475 * Math.cos((Math.PI * step) / steps)
  return top * cosine * Math.min(1, (step + 1) / 20)
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

/** The checkpoint, the weights to start from, or a network whose curves are the global tones. */
async function startingState(
  { model, scans, weights }: Task,
  options: Optimization,
  key: string,
  hooks: StepHooks,
): Promise<TrainingState> {
  if (hooks.checkpoint?.resume) {
    const found = await readCheckpoint(hooks.checkpoint.path, key)
    if (found) {
      hooks.log?.(`resumed after step ${found.step} of ${options.steps}`)
      return found
    }
  }
  const rng = random(options.seed, 'weights')
  const given: Readonly<Record<string, Float32Array>> = weights ? namedWeights(weights) : {}
  const names = [...Object.keys(weightShapes(1, 1, 1)), GAINS]
  const tensors = Object.fromEntries(
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
      const values = given[name]?.slice() ?? drawn
      return [name, { values, first: new Float32Array(size), second: new Float32Array(size) }]
    }),
  )
  return { step: 0, tensors, loss: [], recentLoss: Number.NaN }
}

function exportedWeights(tensors: TrainingState['tensors']): LocalToneWeights {
  const read = (name: WeightName): Float32Array => (tensors[name] as Trainable).values
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
