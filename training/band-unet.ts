/**
 * The recipe of `band-unet`: scanners that agree on HU or SUV and differ in sharpness and noise are brought to the target's, within bounds
 * that keep every mean for any weights. Read top to bottom: settings, the loop, what one step sees.
 */
import type * as TensorFlow from '@tensorflow/tfjs-core'
import { type BandLimits, bandResidual, bandsOf, bandWeightShapes } from '../models/band-unet/network.ts'
import { SLICES, type Weights } from '../models/residual-unet/network.ts'
import type { Cohort } from '../src/cohort/cohort.ts'
import { UNIT_CODE } from '../src/harmonizer/unit-code.ts'
import type { BandUnetModel, KeptUnit } from '../src/inference/band-unet-model.ts'
import { random } from '../src/kernels/random.ts'
import { type EngineChoice, startEngine } from './engine/engine.ts'
import { checkpointKey, type TrainingState } from './parts/checkpoint.ts'
import { type CodeScale, codeScale, standardized } from './parts/code-scale.ts'
import { meanAbsolute, weightedMean } from './parts/image-loss.ts'
import { optimize, type StepHooks } from './parts/optimize.ts'
import { startingWeights } from './parts/starting-weights.ts'
import { drawUnitBatch, loadUnitSubjects, type UnitBatch } from './parts/unit-slices.ts'
import type { UnitSurvey } from './unit-survey.ts'

type Tf = typeof TensorFlow
type T4 = TensorFlow.Tensor4D

export interface BandUnetOptions {
  readonly seed: number
  readonly engine: EngineChoice
  readonly steps: number
  /** Patches per step. */
  readonly batch: number
  readonly learningRate: number
  /** Share of patches whose source is the reference itself, which must stay as it is. */
  readonly identity: number
  /** Weight of the power of each band beside the absolute error. */
  readonly power: number
  /** Weight of the error that is left of means over a few pixels. */
  readonly drift: number
}

export const BAND_UNET_DEFAULTS: BandUnetOptions = {
  seed: 1,
  engine: 'auto',
  steps: 300,
  batch: 4,
  learningRate: 1e-3,
  identity: 0.1,
  power: 0.3,
  drift: 2,
}

/** What is fixed by the unit. */
interface UnitFacts {
  /** Value that the network's 1 stands for. */
  readonly scale: number
  /** Largest change of a voxel. */
  readonly most: BandUnetModel['most']
  /** Where changes begin and end; `highest` is the trained range's end. */
  readonly window: (highest: number) => BandUnetModel['window']
  /** What an error of 1 is. */
  readonly sizeOf: (local: number) => number
}

const UNITS: Readonly<Record<KeptUnit, UnitFacts>> = {
  HU: {
    scale: 300,
    // Chosen: five times the noise of a thin slice (30 HU), and about what a kernel changes at the border of bone.
    most: { size: 150 },
    // Air is -1000 with noise of some 20 HU: it is never changed, lung (-850) is. Bone ends at some 2000, above 2500 is metal. The end is the highest
    // value of training, not of most of it: a region whose noise crosses it would lose its mean, since only half of the noise changes.
    window: (highest) => ({ low: -950, high: Math.min(2500, highest), ramp: 50 }),
    sizeOf: () => 100,
  },
  SUVbw: {
    scale: 3,
    most: { share: 0.5 },
    // From 0 on (what is not above 0 has no share), up to the trained range, and never above 40: bladder, injection site.
    window: (highest) => {
      const high = Math.min(40, highest)
      return { low: -0.1 * high, high, ramp: 0.1 * high }
    },
    sizeOf: (local) => 0.5 + Math.max(0, local),
  },
}

export interface TrainedBandUnet {
  readonly model: BandUnetModel
  /** By name, as in models/band-unet/network.ts. */
  readonly weights: Readonly<Record<string, Float32Array>>
  readonly standard: CodeScale
  readonly scale: number
  readonly loss: TrainingState['loss']
  readonly engine: string
}

export interface BandUnetHooks extends StepHooks {
  readonly onScan?: (done: number, total: number) => void
}

/**
 * @param survey of the same cohort
 * @throws {ConfigError} when the checkpoint to resume belongs to another training, or the loss is no longer a number
 * @throws {InputError} for scans that cannot be read, lie on different grids, or hold nothing to learn from
 */
export async function trainBandUnet(
  cohort: Cohort,
  target: string,
  { unit, voxelMm, highest }: Pick<UnitSurvey, 'unit' | 'voxelMm' | 'highest'>,
  options: BandUnetOptions,
  hooks: BandUnetHooks = {},
): Promise<TrainedBandUnet> {
  const engine = await startEngine(options.engine, hooks.log ?? (() => {}))
  const { tf } = engine
  const subjects = await loadUnitSubjects(cohort, target, unit, hooks.onScan ?? (() => {}))
  const standard = codeScale(
    subjects.flatMap(({ targets, sources }) => [...targets, ...sources]).map(({ code }) => code),
  )
  const { scale, most, window: windowUpTo, sizeOf } = UNITS[unit]
  const model: BandUnetModel = {
    ...{ kind: 'band-unet', unit, most, voxelMm },
    window: windowUpTo(Number(highest.toPrecision(4))),
    code: UNIT_CODE,
  }
  const limits: BandLimits = { scale, most, window: model.window }
  const { engine: _choice, ...settings } = options
  const key = checkpointKey({
    kind: 'band-unet',
    settings,
    model,
    target,
    cohort: hooks.checkpoint?.cohort,
    engine: [engine.name, engine.version],
  })
  const state = await optimize(tf, {
    tensors: startingWeights(bandWeightShapes(UNIT_CODE.length), options.seed, 'band-unet weights'),
    steps: options.steps,
    learningRate: options.learningRate,
    batchAt: (step) => drawUnitBatch(subjects, options, sizeOf, random(options.seed, `patches/${step}`)),
    loss: (variables, batch) => lossOf(tf, variables, batch, { limits, standard, ...options }),
    key,
    hooks,
  })
  return {
    model,
    weights: Object.fromEntries(Object.entries(state.tensors).map(([name, { values }]) => [name, values])),
    standard,
    scale,
    loss: state.loss,
    engine: `${engine.name} (${engine.version})`,
  }
}

type LossSettings = Pick<BandUnetOptions, 'power' | 'drift'> & {
  readonly limits: BandLimits
  readonly standard: CodeScale
}

function lossOf(
  tf: Tf,
  weights: Weights,
  batch: UnitBatch,
  { limits, standard, power, drift }: LossSettings,
): TensorFlow.Scalar {
  const { count, edge } = batch
  const image = (values: Float32Array): T4 => tf.tensor4d(values, [count, edge, edge, 1])
  const slices = tf.tensor4d(batch.slices, [count, edge, edge, SLICES])
  const codes = tf.tensor2d(batch.codes.map((code) => [...standardized(code, standard)]))
  const middle = tf.slice(slices, [0, 0, 0, 1], [count, edge, edge, 1])
  const out = tf.add<T4>(middle, bandResidual(tf, weights, slices, codes, limits))
  const [goal, weight, size] = [image(batch.goal), image(batch.weight), image(batch.size)]
  const error = meanAbsolute(tf, tf.div(out, size), tf.div(goal, size), weight)
  return tf.addN([
    error,
    tf.mul(powerDifference(tf, out, goal, size, weight), power),
    tf.mul(meanDifference(tf, out, goal, size, weight), drift),
  ]) as TensorFlow.Scalar
}

/** Edge of the windows over which means are compared, in pixels (chosen: noise is a quarter there, and regions are larger). */
const MEAN_WINDOW = 4

/**
 * Mean absolute difference of means over windows: what sharpening a border does to the region behind it is small against noise, voxel by
 * voxel, and is what the means of regions feel.
 */
function meanDifference(tf: Tf, a: T4, b: T4, size: T4, weight: T4): TensorFlow.Scalar {
  const mean = (x: TensorFlow.Tensor): T4 => windowMeans(tf, x, MEAN_WINDOW)
  return meanAbsolute(tf, mean(tf.div(a, size)), mean(tf.div(b, size)), mean(weight))
}

/** Edge of the windows in which the power of a band is measured, in pixels (chosen: a few grains of noise, less than an organ). */
const WINDOW = 8
/** Power below which nothing is told apart: an hundredth of the size of an error, squared. */
const LEAST_POWER = 1e-4

/**
 * Mean absolute logarithm of the ratio of each band's power to the goal's, in windows. The absolute error alone is least where noise is
 * taken away, since the noise of two scans is not the same; the power of a band, noise and detail together, is to be that of the goal.
 */
function powerDifference(tf: Tf, a: T4, b: T4, size: T4, weight: T4): TensorFlow.Scalar {
  const mean = (x: TensorFlow.Tensor): T4 => windowMeans(tf, x, WINDOW)
  const power = (x: T4): T4 => tf.log(tf.add(mean(tf.square(tf.div(bandsOf(tf, x), size))), LEAST_POWER))
  return weightedMean(tf, tf.mean(tf.abs(tf.sub(power(a), power(b))), 3, true), mean(weight))
}

/** Over squares of `edge` pixels side by side. */
function windowMeans(tf: Tf, x: TensorFlow.Tensor, edge: number): T4 {
  return tf.avgPool(x as T4, edge, edge, 'valid')
}
