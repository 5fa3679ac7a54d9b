/**
 * The recipe of `local-tone`: a small 3D network learns, from pairs, how the tone curve of each scanner varies over
 * the head and with the image. Read top to bottom: settings, data, loss, loop.
 */
import type * as TensorFlow from '@tensorflow/tfjs-core'
import {
  type Bounds,
  CELLS,
  curveIncrements,
  interpolate,
  type WeightName,
  type Weights,
  weightShapes,
} from '../models/local-tone/network.ts'
import type { Cohort } from '../src/cohort/cohort.ts'
import type { LocalToneModel, LocalToneWeights } from '../src/inference/local-tone-model.ts'
import { fitToneCurve } from '../src/intensity/tone.ts'
import { LATTICE } from '../src/kernels/lattice.ts'
import { type Random, random } from '../src/kernels/random.ts'
import { type Engine, startEngine } from './engine/engine.ts'
import { COARSE, coarseFeatures, featureCount, imageScale } from './parts/features.ts'
import { crop, type LatticePair, loadLatticePairs, MARGIN } from './parts/lattice-pairs.ts'

export interface LocalToneOptions {
  readonly seed: number
  readonly engine: 'auto' | 'native' | 'wasm' | 'cpu'
  readonly steps: number
  /** Pairs per step. */
  readonly batch: number
  readonly learningRate: number
  readonly bins: number
  readonly slopeRatio: number
  readonly perMm: number
  /** FWHM in mm of the blur on both sides of the loss. */
  readonly blurMm: number
  /** SD of the logarithm of the random smooth shading put on the source. */
  readonly shading: number
  /** Largest shift of the box, mm. */
  readonly shiftMm: number
  /** Probability that an image is mirrored left to right. */
  readonly mirror: number
  /** Weight of the squared log gain of each target scan, which training estimates beside the curves. */
  readonly gainPrior: number
  /** Weight of the squared difference between neighbouring cells. */
  readonly smoothness: number
}

export const LOCAL_TONE_DEFAULTS: LocalToneOptions = {
  seed: 1,
  engine: 'auto',
  steps: 600,
  batch: 2,
  learningRate: 4e-3,
  bins: 12,
  slopeRatio: 4,
  perMm: 0.01,
  blurMm: 0,
  shading: 0.03,
  shiftMm: 2,
  mirror: 0,
  gainPrior: 0.3,
  smoothness: 0.02,
}

export interface TrainedLocalTone {
  readonly model: LocalToneModel
  readonly weights: LocalToneWeights
  readonly loss: readonly { readonly step: number; readonly loss: number }[]
  readonly engine: string
}

export interface TrainingHooks {
  readonly onPair?: (done: number, total: number) => void
  readonly onStep?: (progress: StepProgress) => void | Promise<void>
  readonly log?: (line: string) => void
}

export interface StepProgress {
  readonly step: number
  readonly steps: number
  readonly loss: number
  readonly secondsLeft: number
}

/** Pairs with what they share: knots, tones and the reference's scale. */
interface Prepared {
  readonly pairs: readonly LatticePair[]
  readonly model: LocalToneModel
}

export async function trainLocalTone(
  cohort: Cohort,
  target: string,
  options: LocalToneOptions,
  hooks: TrainingHooks = {},
): Promise<TrainedLocalTone> {
  const engine = await startEngine(options.engine, hooks.log ?? (() => {}))
  const { pairs, model } = prepare(
    await loadLatticePairs(cohort, target, options.blurMm, hooks.onPair ?? (() => {})),
    target,
    options,
  )
  const { tf } = engine
  const weights = initialWeights(tf, model.domains.length, options)
  const targets = [...new Set(pairs.map((pair) => pair.targetScan))]
  const gains = tf.variable(tf.zeros([targets.length]), true, 'gains')
  const optimizer = tf.train.adam(options.learningRate)
  const fixed = fixedTensors(tf, model)
  const history: { step: number; loss: number }[] = []
  const started = performance.now()
  let recent = Number.NaN
  for (let step = 0; step < options.steps; step++) {
    setLearningRate(optimizer, options, step)
    const samples = drawSamples(pairs, targets, model, options, step)
    const cost = optimizer.minimize(() => batchLoss(tf, weights, gains, samples, fixed, options), true)
    const loss = (await cost?.data())?.[0] ?? Number.NaN
    cost?.dispose()
    recent = Number.isNaN(recent) ? loss : 0.95 * recent + 0.05 * loss
    if (step % 10 === 9 || step === options.steps - 1) history.push({ step: step + 1, loss: recent })
    const perStep = (performance.now() - started) / (step + 1)
    await hooks.onStep?.({
      step: step + 1,
      steps: options.steps,
      loss: recent,
      secondsLeft: ((options.steps - step - 1) * perStep) / 1000,
    })
  }
  return { model, weights: await readWeights(weights), loss: history, engine: engine.name }
}

function prepare(pairs: readonly LatticePair[], target: string, options: LocalToneOptions): Prepared {
  const scales = pairs
    .filter((pair) => pair.domain === target)
    .map((pair) => pair.scale)
    .sort((a, b) => a - b)
  const referenceScale = scales[Math.floor((scales.length - 1) / 2)] ?? Number.NaN
  const sources = [...new Set(pairs.map((pair) => pair.domain))].filter((domain) => domain !== target).sort()
  const paired = (domain: string): { u: Float32Array; y: Float32Array } => {
    const u: number[] = []
    const y: number[] = []
    for (const pair of pairs)
      if (pair.domain === domain)
        for (let i = 0; i < pair.common.length; i += 7)
          if (pair.common[i] === 1) {
            u.push((pair.source[i] ?? 0) / pair.scale)
            y.push((pair.target[i] ?? 0) / referenceScale)
          }
    return { u: Float32Array.from(u), y: Float32Array.from(y) }
  }
  const data = new Map([...sources, target].map((domain) => [domain, paired(domain)]))
  const knots = chooseKnots(
    [...data.values()].map(({ u }) => u),
    options.bins,
  )
  const tones = Object.fromEntries(
    [...data].map(([domain, { u, y }]) => [
      domain,
      domain === target ? knots : [...fitToneCurve(u, y, knots)],
    ]),
  )
  const bounds: Bounds = { slopeRatio: options.slopeRatio, perMm: options.perMm }
  return {
    pairs,
    model: { kind: 'local-tone', referenceScale, knots, domains: [...sources, target], tones, bounds },
  }
}

/** Knots halfway between equal steps and equal shares of the voxels, from 0 to the 99.8th percentile. */
function chooseKnots(images: readonly Float32Array[], bins: number): number[] {
  const pooled = Float32Array.from(images.flatMap((u) => [...u.filter((_, i) => i % 5 === 0)])).sort()
  const quantile = (p: number): number =>
    pooled[Math.min(pooled.length - 1, Math.floor(p * pooled.length))] ?? Number.NaN
  const top = quantile(0.998)
  return Array.from({ length: bins + 1 }, (_, k) =>
    k === 0 ? 0 : k === bins ? top : 0.5 * ((k / bins) * top + quantile((0.998 * k) / bins)),
  )
}

function initialWeights(tf: Engine['tf'], domains: number, options: LocalToneOptions): Weights {
  const rng = random(options.seed, 'weights')
  const shapes = weightShapes(featureCount(options.bins + 1, domains), options.bins, domains)
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const size = shape.reduce((a, b) => a * b, 1)
      const fanIn = size / (shape.at(-1) ?? 1)
      const sd = name.startsWith('head') || name === 'place' || name.endsWith('bias') ? 0 : Math.sqrt(2 / fanIn)
      const values = Float32Array.from({ length: size }, () => sd * rng.normal())
      return [name, tf.variable(tf.tensor(values, [...shape]), true, name)]
    }),
  ) as unknown as Weights
}

async function readWeights(weights: Weights): Promise<LocalToneWeights> {
  const read = async (name: WeightName): Promise<Float32Array> => (await weights[name].data()) as Float32Array
  const layer = async (name: 'conv1' | 'conv2' | 'conv3' | 'head') => ({
    kernel: await read(`${name}/kernel`),
    bias: await read(`${name}/bias`),
  })
  return {
    conv1: await layer('conv1'),
    conv2: await layer('conv2'),
    conv3: await layer('conv3'),
    context: await read('context'),
    head: await layer('head'),
    place: await read('place'),
  }
}

/** Warm-up over 20 steps, then a half cosine down to a twentieth. */
function setLearningRate(optimizer: TensorFlow.AdamOptimizer, options: LocalToneOptions, step: number): void {
  const cosine = 0.525 + 0.475 * Math.cos((Math.PI * step) / options.steps)
  const state = optimizer as unknown as { learningRate: number }
  state.learningRate = options.learningRate * cosine * Math.min(1, (step + 1) / 20)
}

/** One image as the network sees it in this step, and every fourth lattice point of its pair for the loss. */
interface Sample {
  readonly domain: number
  /** Which target scan, for its gain. */
  readonly target: number
  readonly features: Float32Array
  readonly phase: readonly [number, number, number]
  /** [N, K]: what each increment contributes to the output at each point. */
  readonly ramps: Float32Array
  /** [N]: how far above the last knot, in widths of the last bin; the mean curve's last slope continues there. */
  readonly beyond: Float32Array
  readonly goal: Float32Array
  readonly weight: Float32Array
}
const STRIDE = 4
/** Lattice points along each axis that the loss looks at. */
const SAMPLED = LATTICE.shape.map((n) => n / STRIDE) as [number, number, number]
const POINTS = SAMPLED[0] * SAMPLED[1] * SAMPLED[2]

function drawSamples(
  pairs: readonly LatticePair[],
  targets: readonly string[],
  model: LocalToneModel,
  options: LocalToneOptions,
  step: number,
): Sample[] {
  const rng = random(options.seed, `step/${step}`)
  return Array.from({ length: options.batch }, () => {
    const reference = model.domains.length - 1
    const domain = rng.uniform() < 0.1 ? reference : rng.integer(reference)
    const choices = pairs.filter((pair) => pair.domain === model.domains[domain])
    const pair = choices[rng.integer(choices.length)] as LatticePair
    return { ...drawSample(pair, domain, model, options, rng), target: targets.indexOf(pair.targetScan) }
  })
}

function drawSample(
  pair: LatticePair,
  domain: number,
  model: LocalToneModel,
  options: LocalToneOptions,
  rng: Random,
): Omit<Sample, 'target'> {
  const reach = Math.min(MARGIN, Math.round(options.shiftMm / LATTICE.spacing))
  const shift = [0, 0, 0].map(() => rng.integer(2 * reach + 1) - reach) as [number, number, number]
  const mirror = rng.uniform() < options.mirror
  const take = (wide: Float32Array): Float32Array => crop(wide, shift, mirror)
  const field = shadingField(options.shading, rng)
  const image = take(pair.image)
  const mask = take(pair.mask)
  for (let i = 0; i < image.length; i++) image[i] = (image[i] ?? 0) * (field[i] ?? 1)
  const scale = imageScale(image, mask)
  for (let i = 0; i < image.length; i++) image[i] = (image[i] ?? 0) / scale
  const features = coarseFeatures(image, mask, model.knots, domain, model.domains.length)
  const phase = [rng.integer(STRIDE), rng.integer(STRIDE), rng.integer(STRIDE)] as const
  const source = take(pair.source)
  const target = take(pair.target)
  const common = take(pair.common)
  const bins = model.knots.length - 1
  const ramps = new Float32Array(POINTS * bins)
  const beyond = new Float32Array(POINTS)
  const goal = new Float32Array(POINTS)
  const weight = new Float32Array(POINTS)
  const [, na, ns] = LATTICE.shape
  for (let s = 0, n = 0; s < SAMPLED[2]; s++)
    for (let a = 0; a < SAMPLED[1]; a++)
      for (let r = 0; r < SAMPLED[0]; r++, n++) {
        const i = ((STRIDE * r + phase[0]) * na + STRIDE * a + phase[1]) * ns + STRIDE * s + phase[2]
        weight[n] = common[i] ?? 0
        goal[n] = (target[i] ?? 0) / model.referenceScale
        const u = ((source[i] ?? 0) * (field[i] ?? 1)) / scale
        for (let k = 0; k < bins; k++) {
          const low = model.knots[k] as number
          const share = (u - low) / ((model.knots[k + 1] as number) - low)
          ramps[n * bins + k] = Math.min(1, Math.max(0, share))
        }
        beyond[n] = beyondKnots(u, model.knots)
      }
  return { domain, features, phase, ramps, beyond, goal, weight }
}

function beyondKnots(u: number, knots: readonly number[]): number {
  const last = knots.length - 1
  const top = knots[last] as number
  return Math.max(0, (u - top) / (top - (knots[last - 1] as number)))
}

/** exp of a random polynomial of degree 2 over the box with standard deviation near `sd`. */
function shadingField(sd: number, rng: Random): Float32Array {
  const c = Array.from({ length: 9 }, () => (sd * rng.normal()) / Math.sqrt(3))
  const [nr, na, ns] = LATTICE.shape
  const out = new Float32Array(LATTICE.points)
  const [c0, c1, c2, c3, c4, c5, c6, c7, c8] = c as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  for (let r = 0, i = 0; r < nr; r++) {
    const x = (2 * r) / nr - 1
    for (let a = 0; a < na; a++) {
      const y = (2 * a) / na - 1
      const constant = c0 * x + c1 * y + c3 * x * y + c6 * (x * x - 1 / 3) + c7 * (y * y - 1 / 3)
      const linear = c2 + c4 * x + c5 * y
      for (let s = 0; s < ns; s++, i++) {
        const z = (2 * s) / ns - 1
        out[i] = Math.exp(constant + linear * z + c8 * (z * z - 1 / 3))
      }
    }
  }
  return out
}

interface FixedTensors {
  readonly tones: readonly TensorFlow.Tensor1D[]
  /** Hat weights of the cell centres at every fourth lattice point: by axis, then phase. */
  readonly along: readonly (readonly TensorFlow.Tensor2D[])[]
}

function fixedTensors(tf: Engine['tf'], model: LocalToneModel): FixedTensors {
  const increments = model.domains.map((domain) => {
    const tone = model.tones[domain] as readonly number[]
    return tf.tensor1d(tone.slice(1).map((value, k) => value - (tone[k] as number)))
  })
  const along = CELLS.map((cells, axis) =>
    Array.from({ length: STRIDE }, (_, phase) => {
      const count = SAMPLED[axis] as number
      const perCell = (LATTICE.shape[axis] as number) / cells
      const weights = new Float32Array(count * cells)
      for (let i = 0; i < count; i++) {
        const position = Math.min(cells - 1, Math.max(0, (STRIDE * i + phase + 0.5) / perCell - 0.5))
        const low = Math.min(cells - 2, Math.floor(position))
        weights[i * cells + low] = 1 - (position - low)
        weights[i * cells + low + 1] = position - low
      }
      return tf.tensor2d(weights, [count, cells])
    }),
  )
  return { tones: increments, along }
}

/** Mean absolute error over the sampled points of all samples, plus the smoothness term. */
function batchLoss(
  tf: Engine['tf'],
  weights: Weights,
  gains: TensorFlow.Variable,
  samples: readonly Sample[],
  fixed: FixedTensors,
  options: LocalToneOptions,
): TensorFlow.Scalar {
  const losses = samples.map((sample) => {
    const channels = sample.features.length / (COARSE[0] * COARSE[1] * COARSE[2])
    const features = tf.tensor4d(sample.features, [COARSE[0], COARSE[1], COARSE[2], channels])
    const increments = curveIncrements(
      tf,
      weights,
      features,
      fixed.tones[sample.domain] as TensorFlow.Tensor1D,
      sample.domain,
      options,
    )
    const [r, a, s] = sample.phase.map((phase, axis) => fixed.along[axis]?.[phase]) as [
      TensorFlow.Tensor2D,
      TensorFlow.Tensor2D,
      TensorFlow.Tensor2D,
    ]
    const local = interpolate(tf, increments, [r, a, s])
    const gain = tf.exp(tf.slice(gains, [sample.target], [1]))
    const inside = tf.sum(tf.mul(local, tf.tensor2d(sample.ramps, [POINTS, options.bins])), 1)
    const lastSlope = tf.mean(tf.slice(increments, [0, options.bins - 1], [-1, 1]))
    const output = tf.mul(gain, tf.add(inside, tf.mul(tf.tensor1d(sample.beyond), lastSlope)))
    const weight = tf.tensor1d(sample.weight)
    const error = tf.div(
      tf.sum(tf.mul(tf.abs(tf.sub(output, tf.tensor1d(sample.goal))), weight)),
      tf.sum(weight),
    )
    return tf.add(error, tf.mul(roughness(tf, increments), options.smoothness))
  })
  const gainPrior = tf.mul(tf.sum(tf.square(gains)), options.gainPrior)
  return tf.add(tf.div(tf.addN(losses), samples.length), gainPrior) as TensorFlow.Scalar
}

/** Mean squared difference of the curves of neighbouring cells. */
function roughness(tf: Engine['tf'], increments: TensorFlow.Tensor2D): TensorFlow.Tensor {
  const [r, a, s] = CELLS
  const curves = tf.reshape(tf.cumsum(increments, 1), [r, a, s, increments.shape[1]])
  const size = curves.shape
  return tf.addN(
    [0, 1, 2].map((axis) => {
      const begin = [0, 0, 0, 0]
      begin[axis] = 1
      const shorter = size.map((n, i) => (i === axis ? n - 1 : n))
      return tf.mean(
        tf.square(tf.sub(tf.slice(curves, begin, shorter), tf.slice(curves, [0, 0, 0, 0], shorter))),
      )
    }),
  )
}
