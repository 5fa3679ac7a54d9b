/**
 * The recipe of `local-tone`: a small 3D network learns, from pairs, how the tone curve of each scanner varies over
 * the head and with the image. Read top to bottom: settings, the loop, what is prepared before it.
 */
import type { Cohort } from '../src/cohort/cohort.ts'
import type { LocalToneModel, LocalToneWeights } from '../src/inference/local-tone-model.ts'
import { fitToneCurve } from '../src/intensity/tone.ts'
import { concatenate } from '../src/kernels/concatenate.ts'
import { sortFloats } from '../src/kernels/sort.ts'
import { type Engine, type EngineChoice, startEngine } from './engine/engine.ts'
import type { TrainingState } from './parts/checkpoint.ts'
import type { LossWeights } from './parts/curve-loss.ts'
import { composedTones, type Start, widenedWeights } from './parts/fine-tuning.ts'
import { type LatticePair, loadLatticePairs } from './parts/lattice-pairs.ts'
import { trainSteps } from './parts/local-tone-steps.ts'
import type { StepHooks } from './parts/optimize.ts'
import type { Augmentation } from './parts/samples.ts'

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
  steps: 400,
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
  gain: 0,
  composition: 0.5,
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

export interface TrainingHooks extends StepHooks {
  readonly onPair?: (done: number, total: number) => void
}

/**
 * @param start the universal harmonizer to go on from, instead of a network that knows nothing
 * @throws {ConfigError} when the checkpoint to resume belongs to another training, or the loss is no longer a number
 * @throws {InputError} {UnfittableError} for scans that cannot be read, or hold nothing to learn from
 */
export async function trainLocalTone(
  cohort: Cohort,
  target: string,
  options: LocalToneOptions,
  hooks: TrainingHooks = {},
  start?: Start,
): Promise<TrainedLocalTone> {
  const engine = await startEngine(options.engine, hooks.log ?? (() => {}))
  const pairs = await loadLatticePairs(cohort, target, hooks.onPair ?? (() => {}))
  const model = start ? continued(engine, start, pairs, target, options) : prepare(pairs, target, options)
  const scans = [...new Set(pairs.map((pair) => pair.targetScan))]
  const { engine: _choice, ...settings } = options
  const { weights, loss } = await trainSteps(
    engine,
    {
      model,
      source: { kind: 'pairs', model, pairs, drawing: settings },
      scans: scans.length,
      scanOf: ({ targetScan }) => scans.indexOf(targetScan),
      rates: { place: options.placeRate },
      weights: start && widenedWeights(start, model.domains.length),
    },
    options,
    { settings, target, cohort: hooks.checkpoint?.cohort, ...(start && { start: start.sha256 }) },
    hooks,
  )
  return { model, weights, loss, engine: `${engine.name} (${engine.version})` }
}

/** As `prepare`, with the knots of `start` and tones from its reference to this one. */
function continued(
  engine: Engine,
  start: Start,
  pairs: readonly LatticePair[],
  target: string,
  options: LocalToneOptions,
): LocalToneModel {
  const { domains, referenceScale, perMm } = frame(pairs, target, options)
  return {
    kind: 'local-tone',
    referenceScale,
    knots: start.model.knots,
    domains,
    tones: composedTones(engine, start, pairs, domains, referenceScale),
    bounds: { slopeRatio: options.slopeRatio, perMm },
  }
}

/** What the pairs share, wherever training starts: domains, the reference's scale, the bound over space. */
function frame(
  pairs: readonly LatticePair[],
  target: string,
  { changePerMm }: LocalToneOptions,
): { readonly domains: readonly string[]; readonly referenceScale: number; readonly perMm: number } {
  const references = pairs.filter((pair) => pair.domain === target)
  const referenceScale = middle(references.map((pair) => pair.scale))
  const tissueMedian = middle(references.map((pair) => pair.tissueMedian))
  const sources = [...new Set(pairs.map((pair) => pair.domain))].filter((domain) => domain !== target).sort()
  return {
    domains: [...sources, target],
    referenceScale,
    perMm: (changePerMm * tissueMedian) / referenceScale,
  }
}

/** What the pairs share: knots, the global tone of each domain, the reference's scale. */
function prepare(pairs: readonly LatticePair[], target: string, options: LocalToneOptions): LocalToneModel {
  const { domains, referenceScale, perMm } = frame(pairs, target, options)
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
    bounds: { slopeRatio: options.slopeRatio, perMm },
  }
}

export interface Intensities {
  readonly u: Float32Array
  readonly y: Float32Array
}

/** Source and target of every seventh lattice point that counts, in units of their scales. */
export function pairedIntensities(pairs: readonly LatticePair[], referenceScale: number): Intensities {
  const u: number[] = []
  const y: number[] = []
  for (const { image, expected, target, common, scale } of pairs)
    for (let i = 0; i < common.length; i += 7)
      if (common[i] === 1) {
        u.push((expected?.[i] ?? (image[i] as number)) / scale)
        y.push((target[i] as number) / referenceScale)
      }
  return { u: Float32Array.from(u), y: Float32Array.from(y) }
}

/** Knots halfway between equal steps and equal shares of the voxels, from 0 to the 99.8th percentile. */
export function chooseKnots(images: readonly Float32Array[], bins: number): number[] {
  const pooled = sortFloats(concatenate(images.map((u) => u.filter((_, i) => i % 5 === 0))))
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
