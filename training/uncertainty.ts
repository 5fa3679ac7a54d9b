/**
 * How far a method's output lies from the target in people who were left out: what the uncertainty map rests on.
 * Each scan is harmonized by the model that has not seen its person; the other folds' models give the spread.
 */

import type { Cohort, Pair } from '../src/cohort/cohort.ts'
import { loadPair } from '../src/cohort/images.ts'
import { RefusedError, UnfittableError } from '../src/errors.ts'
import type { BundleFiles } from '../src/harmonizer/bundle.ts'
import { depths, type TableAxes, tableAxes } from '../src/harmonizer/error-places.ts'
import { nonFiniteIn } from '../src/harmonizer/image-facts.ts'
import { isNetworkMethod, type Method } from '../src/harmonizer/method.ts'
import { type Graphs, graphsOf, type Image } from '../src/harmonizer/networks.ts'
import {
  type FoldModel,
  foldFile,
  foldOutput,
  knowsDomain,
  noiseVariance,
  spreadAround,
} from '../src/harmonizer/uncertainty.ts'
import {
  CLASSES,
  classOf,
  excessNoise,
  LEVEL,
  type UncertaintyModel,
  type VarianceWeights,
  varianceOf,
} from '../src/harmonizer/uncertainty-model.ts'
import { concatenate } from '../src/kernels/concatenate.ts'
import { conformalFactor, countScore, type ScoreCounts, scoreCounts } from '../src/kernels/conformal.ts'
import { encodeFloats } from '../src/kernels/float-text.ts'
import { fuzzyClassMeans } from '../src/kernels/fuzzy-classes.ts'
import { squaredGradient } from '../src/kernels/gradient.ts'
import { coarser, histogramOf } from '../src/kernels/histogram.ts'
import { maskedQuantiles } from '../src/kernels/quantile.ts'
import { fitVarianceTerms } from '../src/kernels/variance-terms.ts'
import { type Shape, toFloat32, voxelSize } from '../src/volume/volume.ts'
import { type ErrorTables, errorLayers, errorPlaces } from './error-tables.ts'
import type { TrainProgress } from './fit.ts'
import { closedFormWithout, type FoldInput, networkWithout } from './fold-models.ts'
import { type Folds, foldsOf } from './folds.ts'

/** Voxels kept of each pair: a share of them is then known to 0.2 %, and a pair takes 300 KB. */
const VOXELS = 20_000
/** Voxels of a pair that the weights are fitted to; five weights need no more. */
const FIT_VOXELS = 2000
/** A class that is rarer in somebody takes the factor of all voxels (chosen: a share of 90 % of so many is known to 3 %). */
const LEAST_VOXELS = 100
/** The steepest fifth of the voxels lie at an edge (chosen). */
const EDGE_FROM = 0.8
/** Levels of the tables of errors reach to this quantile of the outputs (chosen: above it lie vessels and artefacts). */
const BRIGHTEST = 0.99
/** The scale never falls below this share of the largest output (chosen: a hundredth of what is reported). */
const LEAST_SHARE = 1e-3
const BINS = 1024
const THREADS = 2

/** What the map needs of one pair. */
interface Sample {
  readonly person: string
  readonly domain: string
  readonly error: Float32Array
  readonly output: Float32Array
  readonly spread: Float32Array
  readonly gradient: Float32Array
  /** Stored index of each voxel, its depth below the surface in mm, and where the image lies in the tables of errors. */
  readonly voxel: Uint32Array
  readonly depth: Float32Array
  readonly shape: Shape
  readonly axes: TableAxes
  /** Squared noise of the output. */
  readonly noise: number
}

export interface Calibrated {
  readonly model: UncertaintyModel
  readonly files: BundleFiles
}

/**
 * @returns `undefined` where nobody can be left out
 * @throws {UnfittableError} where the method cannot be fitted without some of the people
 */
export async function calibrate(
  input: FoldInput,
  method: Method,
  onProgress: (progress: TrainProgress) => void,
): Promise<Calibrated | undefined> {
  const folds = foldsOf(input.cohort, input.target)
  if (!canLeaveOut(folds)) return undefined
  const scans = folds.folds.reduce((sum, { scored }) => sum + scored.length, 0)
  const models = await foldModelsOf(input, method, folds, onProgress)
  const samples: Sample[] = []
  for (const [index, { scored }] of folds.folds.entries())
    for (const pair of scored) {
      samples.push(await sampleOf(pair, folds.groupOf(pair.subject), index, models))
      onProgress({ stage: 'scores', done: samples.length, total: scans })
    }
  const files = models.flatMap(({ graphs }, index) =>
    (Object.entries(graphs) as [keyof Graphs, Uint8Array][]).map(
      ([name, graph]) => [foldFile(index, name), graph] as const,
    ),
  )
  return {
    model: uncertaintyModel(
      samples,
      models.map(({ model }) => model),
    ),
    files: Object.fromEntries(files),
  }
}

/** What the map costs beside the training itself, to be said before it begins; `undefined` where nobody can be left out. */
export function costOfFolds(cohort: Cohort, target: string, method: Method | 'auto'): string | undefined {
  const found = foldsOf(cohort, target)
  if (!canLeaveOut(found)) return undefined
  const { folds } = found
  const scans = folds.reduce((sum, { scored }) => sum + scored.length, 0)
  const fits = method !== 'auto' && isNetworkMethod(method) ? `${folds.length} trainings more, and ` : ''
  return `uncertainty: ${fits}${scans * folds.length} harmonizations of ${scans} scans of people left out`
}

function canLeaveOut({ kind, folds }: Folds): boolean {
  return kind === 'leave-one-out' && folds.length > 1
}

/** @throws {RefusedError} where a map is asked for that the method does not make, or nobody can be left out */
export function requireTravelers(cohort: Cohort, target: string, method: Method | 'auto'): void {
  if (method === 'band-unet')
    throw new RefusedError(
      '`band-unet` makes no uncertainty maps: where in the image errors lie is kept in a box around the head.',
      'Leave out --uncertainty.',
    )
  if (canLeaveOut(foldsOf(cohort, target))) return
  throw new RefusedError(
    `${cohort.source}: nobody can be left out, since fewer than two people link some scanner to ${target}: how far outputs lie from the target in other people cannot be measured.`,
    'Add traveling subjects, or leave out --uncertainty.',
  )
}

async function foldModelsOf(
  input: FoldInput,
  method: Method,
  { folds }: Folds,
  onProgress: (progress: TrainProgress) => void,
): Promise<readonly FoldModel[]> {
  const models: FoldModel[] = []
  for (const [index, { held }] of folds.entries()) {
    if (isNetworkMethod(method)) {
      onProgress({ stage: 'fold', methods: [method], done: index, total: folds.length })
      const { model, files } = await networkWithout(input, method, held, (event) =>
        onProgress(event.stage === 'steps' ? { ...event, fold: index + 1 } : event),
      )
      models.push({ model, graphs: graphsOf(method, files) })
      continue
    }
    const model = closedFormWithout(input, method, (subject) => !held.includes(subject))
    if (model === undefined)
      throw new UnfittableError(
        `\`${method}\` has no model without ${held.join(', ')}.`,
        'Leave out --uncertainty.',
      )
    models.push({ model, graphs: {} })
  }
  return models
}

/** @param index of the model that has not seen the person */
async function sampleOf(
  pair: Pair,
  person: string,
  index: number,
  models: readonly FoldModel[],
): Promise<Sample> {
  const { domain } = pair.source
  const {
    target,
    mask,
    scans: [own],
  } = await loadPair(pair)
  const x = toFloat32(own.volume)
  const y = toFloat32(target)
  const image: Image = {
    ...{ volume: own.volume, x, mask: own.mask, ...own.origin, profile: 'quality' },
    nonFinite: nonFiniteIn(x),
  }
  const output = await foldOutput(models[index] as FoldModel, image, THREADS)
  const others = models.filter((fold, k) => k !== index && knowsDomain(fold.model, domain))
  const spread = await spreadAround(output, others, image, THREADS)
  const gradient = squaredGradient(output, own.volume.shape, voxelSize(own.volume))
  const depth = depths(own.volume, own.mask)
  const usable = (i: number): boolean =>
    mask[i] !== 0 && Number.isFinite(y[i]) && Number.isFinite(output[i]) && Number.isFinite(gradient[i])
  const places: number[] = []
  for (let i = 0; i < mask.length; i++) if (usable(i)) places.push(i)
  const every = Math.max(1, Math.ceil(places.length / VOXELS))
  const chosen = places.filter((_, k) => k % every === 0)
  const at = (values: (i: number) => number): Float32Array => Float32Array.from(chosen, values)
  return {
    person,
    domain,
    error: at((i) => (y[i] as number) - (output[i] as number)),
    output: at((i) => output[i] as number),
    spread: at((i) => spread[i] as number),
    gradient: at((i) => gradient[i] as number),
    voxel: Uint32Array.from(chosen),
    depth: at((i) => depth[i] as number),
    shape: own.volume.shape,
    axes: tableAxes(own.volume, own.mask),
    noise: noiseVariance(output, own.volume, own.mask),
  }
}

function uncertaintyModel(samples: readonly Sample[], models: UncertaintyModel['models']): UncertaintyModel {
  const outputs = concatenate(samples.map(({ output }) => output))
  const steepness = concatenate(samples.map(({ gradient }) => gradient))
  const [edge] = maskedQuantiles(steepness, null, [EDGE_FROM]) as unknown as [number]
  const { means, counts } = coarser(histogramOf(outputs, new Uint8Array(outputs.length).fill(1)), BINS)
  const [dark = 0, middle = 0, bright = 0] = fuzzyClassMeans(means, counts, CLASSES / 2)
  const [brightest] = maskedQuantiles(outputs, null, [BRIGHTEST]) as unknown as [number]
  const errors = { places: errorPlaces(samples, brightest), layers: errorLayers(samples, brightest) }
  const terms = samples.map((sample) => ({
    ...sample,
    place: errors.places.of(sample),
    layer: errors.layers.of(sample),
  }))
  const weights = weightsOf(terms)
  const places = { tissues: [(dark + middle) / 2, (middle + bright) / 2] as const, edge: Math.sqrt(edge) }
  const domains = [...new Set(samples.map(({ domain }) => domain))].toSorted()
  const noise = Object.fromEntries(
    domains.map((domain) => [domain, meanOf(samples.filter((sample) => sample.domain === domain))]),
  )
  return {
    level: LEVEL,
    people: new Set(samples.map(({ person }) => person)).size,
    domains,
    models,
    weights,
    places: tablesOf(errors.places, domains),
    layers: tablesOf(errors.layers, domains),
    brightest,
    noise,
    ...places,
    factors: factorsOf(terms, { weights, noise, ...places }),
  }
}

function tablesOf({ table }: ErrorTables, domains: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(domains.map((domain) => [domain, encodeFloats(table(domain))]))
}

function meanOf(samples: readonly Sample[]): number {
  return samples.reduce((sum, { noise }) => sum + noise, 0) / samples.length
}

/** A sample with what others' errors say of its places and layers. */
interface Terms extends Sample {
  readonly place: Float32Array
  readonly layer: Float32Array
}

/** The weights under which the errors are most likely; every pair counts alike. */
function weightsOf(samples: readonly Terms[]): VarianceWeights {
  const columns: number[][] = [[], [], [], [], [], [], []]
  for (const { error, output, spread, gradient, place, layer } of samples) {
    const every = Math.max(1, Math.ceil(error.length / FIT_VOXELS))
    for (let i = 0; i < error.length; i += every) {
      const [e, value] = [error[i] as number, output[i] as number]
      const row = [
        ...[e * e, spread[i] as number, gradient[i] as number, place[i] as number],
        ...[layer[i] as number, value * value, 1],
      ]
      for (const [j, term] of row.entries()) columns[j]?.push(term)
    }
  }
  const [squares = new Float64Array(), ...terms] = columns.map((values) => Float64Array.from(values))
  const [spread = 0, edges = 0, places = 0, layers = 0, gain = 0, rest = 0] = fitVarianceTerms(squares, terms)
  const largest = Math.max(...samples.map(({ output }) => output.reduce((most, v) => Math.max(most, v), 0)))
  return { spread, edges, places, layers, gain, rest: Math.max(rest, (LEAST_SHARE * largest) ** 2) }
}

function factorsOf(
  samples: readonly Terms[],
  model: Pick<UncertaintyModel, 'weights' | 'noise' | 'tissues' | 'edge'>,
): readonly number[] {
  const people = [...new Set(samples.map(({ person }) => person))]
  const counted = people.map(() => Array.from({ length: CLASSES + 1 }, scoreCounts))
  for (const { person, domain, error, output, spread, gradient, place, layer, noise } of samples) {
    const own = counted[people.indexOf(person)] as ScoreCounts[]
    const excess = excessNoise(model, domain, noise)
    for (let i = 0; i < error.length; i++) {
      const [value, steepness] = [output[i] as number, gradient[i] as number]
      const [deviation, here, below] = [spread[i] as number, place[i] as number, layer[i] as number]
      const variance = varianceOf(model.weights, deviation, steepness, here, below, value, excess)
      const score = Math.abs(error[i] as number) / Math.sqrt(variance)
      countScore(own[classOf(model, value, steepness)] as ScoreCounts, score)
      countScore(own[CLASSES] as ScoreCounts, score)
    }
  }
  const factorOf = (place: number): number => {
    const scores = counted.map((own) => own[place] as ScoreCounts)
    const rare = place < CLASSES && scores.some(({ total }) => total < LEAST_VOXELS)
    return rare ? factorOf(CLASSES) : conformalFactor(scores, LEVEL)
  }
  return Array.from({ length: CLASSES }, (_, place) => factorOf(place))
}
