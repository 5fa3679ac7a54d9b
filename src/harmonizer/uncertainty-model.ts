/**
 * What a bundle says of how far its output may lie from what the target scanner would have shown: terms of a variance, weighed by the
 * errors in people who were left out of the fit, and the factors that make 90 % intervals of it.
 *
 *     s(v)^2 = spread * mean_k (f_k(v) - f(v))^2       how far models fitted without some of the people lie from this one
 *            + edges  * |gradient of f|^2(v)           position and sharpness; the weight is a squared length in mm
 *            + places * mean squared error at this place in the head and this intensity, in people left out
 *            + layers * mean squared error at this depth below the surface and this intensity, in people left out
 *            + gain   * f(v)^2                         receiver gain of the target scan, which no harmonizer can foresee
 *            + rest                                    noise of the target among it
 *            + by how much the noise of f, squared, exceeds what was usual in people left out
 *     half width = factor[tissue, edge](v) * s(v)
 */
import * as z from 'zod'
import { LAYER_TABLE_SIZE } from '../kernels/layer-table.ts'
import { TABLE_SIZE } from '../kernels/place-table.ts'
import { isTable } from './error-places.ts'
import { type Model, modelSchema } from './method.ts'

/** Intervals hold this share of the voxels of a person, on average over people. */
export const LEVEL = 0.9
/** With fewer people left out, the map is labelled uncalibrated: nothing then shows how people differ. */
export const LEAST_PEOPLE = 5
/** Three tissues by intensity (dark, middle, bright), each flat or at an edge. */
export const CLASSES = 6
/** Folders of a bundle hold nothing else. */
export const FOLD_FOLDER = 'folds'

export interface VarianceWeights {
  readonly spread: number
  /** In mm^2. */
  readonly edges: number
  readonly places: number
  readonly layers: number
  /** Squared share of the intensity. */
  readonly gain: number
  /** In the squared unit of the output. */
  readonly rest: number
}

export interface UncertaintyModel {
  readonly level: number
  /** People (families counted as one) that the factors come from, each left out of the model that was tested on them. */
  readonly people: number
  /** Scanners from which somebody was left out: maps are made for their images only. */
  readonly domains: readonly string[]
  /** Models of the folds, each fitted without some of the people; graphs lie in `folds/`, numbered from 1. */
  readonly models: readonly Model[]
  readonly weights: VarianceWeights
  /** Of each domain, base64 of float32: see error-places.ts. */
  readonly places: Readonly<Record<string, string>>
  /** The same for layers; bundles from before there were layers have none. */
  readonly layers: Readonly<Record<string, string>>
  /** Output at the highest level of those tables. */
  readonly brightest: number
  /** Of each domain: mean squared noise of the outputs in people left out. */
  readonly noise: Readonly<Record<string, number>>
  /** Intensities of the output that part dark from middle, and middle from bright tissue. */
  readonly tissues: readonly [number, number]
  /** From this gradient on, per mm, a voxel lies at an edge. */
  readonly edge: number
  /** By class: 2 * tissue + (1 at an edge). */
  readonly factors: readonly number[]
}

const nonnegative = z.number().nonnegative()
const tables = (size: number): z.ZodType<Record<string, string>> =>
  z.record(
    z.string(),
    z.base64().refine((text) => isTable(text, size), 'must be a table of errors'),
  )
export const uncertaintySchema: z.ZodType<UncertaintyModel> = z
  .strictObject({
    level: z.number().gt(0).lt(1),
    people: z.number().int().positive(),
    domains: z.array(z.string().min(1)).min(1),
    models: z.array(modelSchema).min(2),
    weights: z.strictObject({
      spread: nonnegative,
      edges: nonnegative,
      places: nonnegative,
      layers: nonnegative.default(0),
      gain: nonnegative,
      rest: z.number().positive(),
    }),
    places: tables(TABLE_SIZE),
    layers: tables(LAYER_TABLE_SIZE).default({}),
    brightest: z.number().positive(),
    noise: z.record(z.string(), nonnegative),
    tissues: z.tuple([z.number(), z.number()]).refine(([low, high]) => low <= high, 'must not decrease'),
    edge: nonnegative,
    factors: z.array(z.number().positive()).length(CLASSES),
  })
  .refine(
    ({ domains, places, layers, weights, noise }) =>
      domains.every(
        (domain) => domain in places && domain in noise && (weights.layers === 0 || domain in layers),
      ),
    'every domain must have its tables and a noise',
  )

export function isCalibrated({ people }: Pick<UncertaintyModel, 'people'>): boolean {
  return people >= LEAST_PEOPLE
}

/**
 * @param spread   mean squared distance of the other models' outputs
 * @param gradient squared length of the output's gradient, per mm^2
 * @param place    mean squared error of its place and intensity
 * @param layer    of its depth and intensity
 * @param excess   squared noise beyond what was usual
 * @returns s^2 of one voxel, in the squared unit of the output
 */
export function varianceOf(
  weights: VarianceWeights,
  spread: number,
  gradient: number,
  place: number,
  layer: number,
  output: number,
  excess: number,
): number {
  return (
    weights.spread * spread +
    weights.edges * gradient +
    weights.places * place +
    weights.layers * layer +
    weights.gain * output * output +
    weights.rest +
    excess
  )
}

/** By how much an image is noisier than those of its domain were: an interval must not stay narrow where it is. */
export function excessNoise(
  { noise }: Pick<UncertaintyModel, 'noise'>,
  domain: string,
  found: number,
): number {
  return Math.max(0, found - (noise[domain] ?? 0))
}

export function classOf(
  { tissues: [dark, bright], edge }: Pick<UncertaintyModel, 'tissues' | 'edge'>,
  output: number,
  gradient: number,
): number {
  return 2 * (output < dark ? 0 : output < bright ? 1 : 2) + (gradient >= edge * edge ? 1 : 0)
}
