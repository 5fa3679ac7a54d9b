/**
 * The recipe of `residual-unet`: what `tone` or `local-tone` leaves, a U-Net learns to correct from pairs, within bounds that hold for any
 * weights. Read top to bottom: settings, the loop, what one step sees.
 */
import type * as TensorFlow from '@tensorflow/tfjs-core'
import {
  gaussian,
  residual,
  SLICES,
  smooth,
  type Weights,
  weightShapes,
} from '../models/residual-unet/network.ts'
import type { Cohort } from '../src/cohort/cohort.ts'
import { InputError } from '../src/errors.ts'
import { CODE_FIELDS } from '../src/harmonizer/image-code.ts'
import type { ResidualUnetModel } from '../src/harmonizer/residual-unet-model.ts'
import type { Mapping } from '../src/harmonizer/unguarded.ts'
import type { LocalToneModel } from '../src/inference/local-tone-model.ts'
import type { ToneModel } from '../src/intensity/tone.ts'
import { LATTICE } from '../src/kernels/lattice.ts'
import { random } from '../src/kernels/random.ts'
import { type EngineChoice, startEngine } from './engine/engine.ts'
import { checkpointKey, type TrainingState } from './parts/checkpoint.ts'
import { codeScale, standardized } from './parts/code-scale.ts'
import { dissimilarity, edgeDifference, meanAbsolute } from './parts/image-loss.ts'
import { medianAbove } from './parts/lattice-pairs.ts'
import { type LatticeSubject, loadLatticeSubjects } from './parts/lattice-subjects.ts'
import { optimize, type StepHooks } from './parts/optimize.ts'
import { type Batch, drawBatch, slicesOf } from './parts/slices.ts'
import { startingWeights } from './parts/starting-weights.ts'
import { withoutGains } from './parts/target-gains.ts'

type Tf = typeof TensorFlow

export interface ResidualUnetOptions {
  readonly seed: number
  readonly engine: EngineChoice
  readonly steps: number
  /** Slices per step; even, since two scans of one person go side by side. */
  readonly batch: number
  readonly learningRate: number
  /** Largest change, in tissue medians of the reference. */
  readonly bound: number
  /** Share of slices whose source is the reference itself, which must stay as it is. */
  readonly identity: number
  /** Weights of the terms of the loss beside the absolute error. */
  readonly edges: number
  readonly structure: number
  /** Of two sources of one person that differ. */
  readonly consistency: number
  /** SD in mm of what output and goal are smoothed with before they are compared: about the error of registration. */
  readonly blurMm: number
}

export const RESIDUAL_UNET_DEFAULTS: ResidualUnetOptions = {
  seed: 1,
  engine: 'auto',
  steps: 400,
  batch: 8,
  learningRate: 1e-3,
  bound: 0.25,
  identity: 0.1,
  edges: 0.5,
  structure: 0.1,
  consistency: 0.2,
  blurMm: 0,
}

/** What comes before the network. */
export interface Stage {
  readonly model: ToneModel | LocalToneModel
  readonly apply: Mapping
}

export interface TrainedResidualUnet {
  readonly model: ResidualUnetModel
  /** By name, as in models/residual-unet/network.ts. */
  readonly weights: Readonly<Record<string, Float32Array>>
  readonly standard: CodeScale
  readonly referenceScale: number
  readonly loss: TrainingState['loss']
  readonly engine: string
}

export type CodeScale = ReturnType<typeof codeScale>

export interface ResidualUnetHooks extends StepHooks {
  readonly onScan?: (done: number, total: number) => void
}

/**
 * @param stage fitted on the same cohort
 * @throws {ConfigError} when the checkpoint to resume belongs to another training, or the loss is no longer a number
 * @throws {InputError} {UnfittableError} for scans that cannot be read, or hold nothing to learn from
 */
export async function trainResidualUnet(
  cohort: Cohort,
  target: string,
  stage: Stage,
  options: ResidualUnetOptions,
  hooks: ResidualUnetHooks = {},
): Promise<TrainedResidualUnet> {
  const engine = await startEngine(options.engine, hooks.log ?? (() => {}))
  const { tf } = engine
  const { referenceScale } = stage.model
  const subjects = withoutGains(
    await loadLatticeSubjects(cohort, target, stage.apply, referenceScale, hooks.onScan ?? (() => {})),
  )
  const slices = slicesOf(subjects, cohort.source)
  const standard = codeScale(
    subjects
      .flatMap(({ targets, sources }) => [...targets, ...sources])
      .flatMap(({ code, bareCode }) => [code, bareCode]),
  )
  const bound = options.bound * tissueMedian(subjects)
  const { engine: _choice, ...settings } = options
  const key = checkpointKey({
    kind: 'residual-unet',
    settings,
    stage: stage.model,
    target,
    cohort: hooks.checkpoint?.cohort,
    engine: [engine.name, engine.version],
  })
  const state = await optimize(tf, {
    tensors: startingWeights(weightShapes(CODE_FIELDS.length), options.seed, 'residual-unet weights'),
    steps: options.steps,
    learningRate: options.learningRate,
    batchAt: (step) => drawBatch(slices, options, random(options.seed, `slices/${step}`)),
    loss: (variables, batch) => lossOf(tf, variables, batch, { ...options, standard, bound }),
    key,
    hooks,
  })
  return {
    model: {
      kind: 'residual-unet',
      stage: stage.model,
      bound: bound * referenceScale,
      code: CODE_FIELDS,
    },
    weights: Object.fromEntries(Object.entries(state.tensors).map(([name, { values }]) => [name, values])),
    standard,
    referenceScale,
    loss: state.loss,
    engine: `${engine.name} (${engine.version})`,
  }
}

type LossSettings = Pick<ResidualUnetOptions, 'edges' | 'structure' | 'consistency' | 'blurMm'> & {
  readonly standard: CodeScale
  readonly bound: number
}

function lossOf(tf: Tf, weights: Weights, batch: Batch, settings: LossSettings): TensorFlow.Scalar {
  const [count, height, width] = batch.shape
  const image = (values: Float32Array): TensorFlow.Tensor4D => tf.tensor4d(values, [count, height, width, 1])
  const slices = tf.tensor4d(batch.slices, [count, height, width, SLICES])
  const codes = tf.tensor2d(batch.codes.map((code) => [...standardized(code, settings.standard)]))
  const middle = tf.slice(slices, [0, 0, 0, 1], [count, height, width, 1])
  const out = tf.add<TensorFlow.Tensor4D>(middle, residual(tf, weights, slices, codes, settings.bound))
  const [goal, weight] = [image(batch.goal), image(batch.weight)]
  const compared = blurred(tf, out, settings.blurMm)
  const wanted = blurred(tf, goal, settings.blurMm)
  const terms = [
    meanAbsolute(tf, compared, wanted, weight),
    tf.mul(edgeDifference(tf, compared, wanted, weight), settings.edges),
    tf.mul(dissimilarity(tf, compared, wanted, weight), settings.structure),
    tf.mul(consistency(tf, out, weight), settings.consistency),
  ]
  return tf.addN(terms) as TensorFlow.Scalar
}

/** Between the two scans of each person. */
function consistency(tf: Tf, out: TensorFlow.Tensor4D, weight: TensorFlow.Tensor4D): TensorFlow.Scalar {
  const [count, height, width] = out.shape
  const scan = (x: TensorFlow.Tensor4D, k: number): TensorFlow.Tensor4D =>
    tf.reshape(
      tf.slice(tf.reshape(x, [count / 2, 2, height * width]), [0, k, 0], [count / 2, 1, height * width]),
      [count / 2, height, width, 1],
    )
  return meanAbsolute(tf, scan(out, 0), scan(out, 1), tf.mul(scan(weight, 0), scan(weight, 1)))
}

/** By a Gaussian in the plane, cut at 3 SD. */
function blurred(tf: Tf, x: TensorFlow.Tensor4D, sdMm: number): TensorFlow.Tensor4D {
  const sd = sdMm / LATTICE.spacing
  return sd === 0 ? x : smooth(tf, x, gaussian(sd, Math.ceil(3 * sd)))
}

/** Median of the target scans' voxels brighter than half the reference scale: tissue without air, bone and fluid; in units of that scale. */
function tissueMedian(subjects: readonly LatticeSubject[]): number {
  const medians = subjects.map(({ targets: [{ image, mask }] }) => medianAbove(image, 0.5, mask))
  const sorted = medians.filter(Number.isFinite).sort((a, b) => a - b)
  const median = sorted[Math.floor((sorted.length - 1) / 2)]
  if (median === undefined)
    throw new InputError(
      'No target scan has tissue brighter than half of the reference scale.',
      'Check the masks of the target scans.',
    )
  return median
}
