/**
 * The recipe of `local-tone`: a small 3D network learns, from pairs, how the tone curve of each scanner varies over
 * the head and with the image. Read top to bottom: settings, the loop, what is prepared before it.
 */
import { setImmediate } from 'node:timers/promises'
import type * as TensorFlow from '@tensorflow/tfjs-core'
import { type WeightName, type Weights, weightShapes } from '../models/local-tone/network.ts'
import type { Cohort } from '../src/cohort/cohort.ts'
import { ConfigError } from '../src/errors.ts'
import type { LocalToneModel, LocalToneWeights } from '../src/inference/local-tone-model.ts'
import { fitToneCurve } from '../src/intensity/tone.ts'
import { random } from '../src/kernels/random.ts'
import { type EngineChoice, startEngine } from './engine/engine.ts'
import { adamStepInto } from './parts/adam.ts'
import {
  type CheckpointPlace,
  checkpointKey,
  readCheckpoint,
  type Trainable,
  type TrainingState,
  writeCheckpoint,
} from './parts/checkpoint.ts'
import { constants, curveLoss, type LossWeights } from './parts/curve-loss.ts'
import { featureCount } from './parts/features.ts'
import { type LatticePair, loadLatticePairs } from './parts/lattice-pairs.ts'
import { type Augmentation, drawSample, type Sample } from './parts/samples.ts'

export interface LocalToneOptions extends Augmentation, Omit<LossWeights, 'perMm'> {
  readonly seed: number
  readonly engine: EngineChoice
  readonly steps: number
  /** Pairs per step. */
  readonly batch: number
  readonly learningRate: number
  /** How much faster than the convolutions the table of places learns. */
  readonly placeRate: number
  /** Bins of every curve. */
  readonly bins: number
  /** Largest change of a curve over space, in tissue medians of the reference per mm. */
  readonly changePerMm: number
  /** Share of samples whose source is the reference domain itself, which must stay as it is. */
  readonly identity: number
}

export const LOCAL_TONE_DEFAULTS: LocalToneOptions = {
  seed: 1,
  engine: 'auto',
  steps: 200,
  batch: 2,
  learningRate: 4e-3,
  placeRate: 5,
  bins: 12,
  slopeRatio: 4,
  changePerMm: 0.01,
  identity: 0.1,
  shading: 0.03,
  shiftMm: 2,
  mirror: 0,
  gradient: 2,
  smoothness: 0.02,
  gainPrior: 0.3,
}

export interface TrainedLocalTone {
  readonly model: LocalToneModel
  readonly weights: LocalToneWeights
  readonly loss: TrainingState['loss']
  readonly engine: string
}

export interface TrainingHooks {
  readonly onPair?: (done: number, total: number) => void
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

const CHECKPOINT_EVERY = 25
const LOSS_EVERY = 10

/**
 * @throws {ConfigError} when the checkpoint to resume belongs to another training, or the loss is no longer a number
 * @throws {InputError} {UnfittableError} for scans that cannot be read, or hold nothing to learn from
 */
export async function trainLocalTone(
  cohort: Cohort,
  target: string,
  options: LocalToneOptions,
  hooks: TrainingHooks = {},
): Promise<TrainedLocalTone> {
  const engine = await startEngine(options.engine, hooks.log ?? (() => {}))
  const pairs = await loadLatticePairs(cohort, target, hooks.onPair ?? (() => {}))
  const model = prepare(pairs, target, options)
  const { tf } = engine
  const scans = [...new Set(pairs.map((pair) => pair.targetScan))]
  const { engine: _choice, ...settings } = options
  const key = checkpointKey({
    settings,
    target,
    cohort: hooks.checkpoint?.cohort,
    engine: [engine.name, engine.version],
  })
  const start = await startingState(model, scans.length, options, key, hooks)
  const variables = Object.fromEntries(
    Object.entries(start.tensors).map(([name, { values }]) => [
      name,
      tf.variable(tf.tensor(values, shapeOf(name, model, scans.length))),
    ]),
  )
  const weights = variables as unknown as Weights
  const fixed = constants(tf, model)
  const lossWeights: LossWeights = { ...options, perMm: model.bounds.perMm }
  const scanOf = (sample: Sample): number => scans.indexOf(sample.pair.targetScan)
  const history = [...start.loss]
  let recent = start.recentLoss
  const began = performance.now()
  for (let step = start.step; step < options.steps; step++) {
    const samples = drawSamples(pairs, model, options, step)
    const { value, grads } = tf.variableGrads(() =>
      curveLoss(tf, weights, variables[GAINS] as TensorFlow.Variable, samples, scanOf, fixed, lossWeights),
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
      const rate = learningRate(options, step) * (name === 'place' ? options.placeRate : 1)
      adamStepInto(values, { first, second }, await gradient.data(), rate, step + 1)
      const moved = tf.tensor(values, variable.shape)
      variable.assign(moved)
      tf.dispose([gradient, moved])
    }
    recent = Number.isNaN(recent) ? loss : 0.95 * recent + 0.05 * loss
    const done = step + 1
    if (done % LOSS_EVERY === 0 || done === options.steps) history.push({ step: done, loss: recent })
    const secondsPerStep = (performance.now() - began) / 1000 / (done - start.step)
    // before the checkpoint: what a resumed training does not repeat has been heard of
    hooks.onStep?.({
      step: done,
      steps: options.steps,
      loss: recent,
      secondsLeft: (options.steps - done) * secondsPerStep,
    })
    await setImmediate() // signals and servers are heard between two steps: no await above waits for the system
    if (hooks.checkpoint !== undefined && done % CHECKPOINT_EVERY === 0 && done < options.steps)
      await writeCheckpoint(hooks.checkpoint.path, key, {
        step: done,
        tensors: start.tensors,
        loss: history,
        recentLoss: recent,
      })
  }
  tf.dispose([...Object.values(variables), fixed.tones, ...fixed.hats])
  return {
    model,
    weights: exportedWeights(start.tensors),
    loss: history,
    engine: `${engine.name} (${engine.version})`,
  }
}

/** Warm-up over 20 steps, then half a cosine down to a twentieth. */
function learningRate({ learningRate: top, steps }: LocalToneOptions, step: number): number {
  const cosine = 0.525 + 0.475 * Math.cos((Math.PI * step) / steps)
  return top * cosine * Math.min(1, (step + 1) / 20)
}

function drawSamples(
  pairs: readonly LatticePair[],
  model: LocalToneModel,
  options: LocalToneOptions,
  step: number,
): readonly Sample[] {
  const rng = random(options.seed, `step/${step}`)
  const reference = model.domains.length - 1
  return Array.from({ length: options.batch }, () => {
    const domain = rng.uniform() < options.identity ? reference : rng.integer(reference)
    const choices = pairs.filter((pair) => pair.domain === model.domains[domain])
    return drawSample(choices[rng.integer(choices.length)] as LatticePair, domain, model, options, rng)
  })
}

const GAINS = 'gains'

function shapeOf(name: string, model: LocalToneModel, scans: number): number[] {
  if (name === GAINS) return [scans]
  const bins = model.knots.length - 1
  return [
    ...weightShapes(featureCount(model.knots.length, model.domains.length), bins, model.domains.length)[
      name as WeightName
    ],
  ]
}

/** The checkpoint, or a network whose curves are the global tones. */
async function startingState(
  model: LocalToneModel,
  scans: number,
  options: LocalToneOptions,
  key: string,
  hooks: TrainingHooks,
): Promise<TrainingState> {
  if (hooks.checkpoint?.resume) {
    const found = await readCheckpoint(hooks.checkpoint.path, key)
    if (found) {
      hooks.log?.(`resumed after step ${found.step} of ${options.steps}`)
      return found
    }
  }
  const rng = random(options.seed, 'weights')
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
      const values = Float32Array.from({ length: size }, () => starts * rng.normal())
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

/** What the pairs share: knots, the global tone of each domain, the reference's scale. */
function prepare(pairs: readonly LatticePair[], target: string, options: LocalToneOptions): LocalToneModel {
  const references = pairs.filter((pair) => pair.domain === target)
  const referenceScale = middle(references.map((pair) => pair.scale))
  const tissueMedian = middle(references.map((pair) => pair.tissueMedian))
  const sources = [...new Set(pairs.map((pair) => pair.domain))].filter((domain) => domain !== target).sort()
  const domains = [...sources, target]
  const data = domains.map((domain) =>
    pairedIntensities(
      pairs.filter((pair) => pair.domain === domain),
      referenceScale,
    ),
  )
  const knots = chooseKnots(
    data.map(({ u }) => u),
    options.bins,
  )
  const tones = domains.map((domain, d) => {
    const { u, y } = data[d] as Intensities
    return [domain, domain === target ? knots : [...fitToneCurve(u, y, knots)]] as const
  })
  return {
    kind: 'local-tone',
    referenceScale,
    knots,
    domains,
    tones: Object.fromEntries(tones),
    bounds: { slopeRatio: options.slopeRatio, perMm: (options.changePerMm * tissueMedian) / referenceScale },
  }
}

interface Intensities {
  readonly u: Float32Array
  readonly y: Float32Array
}

/** Source and target of every seventh lattice point that counts, in units of their scales. */
function pairedIntensities(pairs: readonly LatticePair[], referenceScale: number): Intensities {
  const u: number[] = []
  const y: number[] = []
  for (const { image, target, common, scale } of pairs)
    for (let i = 0; i < common.length; i += 7)
      if (common[i] === 1) {
        u.push((image[i] as number) / scale)
        y.push((target[i] as number) / referenceScale)
      }
  return { u: Float32Array.from(u), y: Float32Array.from(y) }
}

/** Knots halfway between equal steps and equal shares of the voxels, from 0 to the 99.8th percentile. */
function chooseKnots(images: readonly Float32Array[], bins: number): number[] {
  const pooled = Float32Array.from(images.flatMap((u) => [...u.filter((_, i) => i % 5 === 0)])).sort()
  const quantile = (p: number): number =>
    pooled[Math.min(pooled.length - 1, Math.floor(p * pooled.length))] as number
  const top = quantile(0.998)
  return Array.from({ length: bins + 1 }, (_, k) =>
    k === 0 ? 0 : k === bins ? top : 0.5 * ((k / bins) * top + quantile((0.998 * k) / bins)),
  )
}

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] as number
}
