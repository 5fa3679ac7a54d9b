/** The uncertainty map: half the width of the 90 % interval, voxel by voxel. */
import { RefusedError } from '../errors.ts'
import { decodeFloats } from '../kernels/float-text.ts'
import { squaredGradient } from '../kernels/gradient.ts'
import { LAYER_TAPS, layerTapsInto } from '../kernels/layer-table.ts'
import { tableAt } from '../kernels/node-table.ts'
import { TAPS, tapsInto } from '../kernels/place-table.ts'
import { noiseSd } from '../metrics/noise.ts'
import { middleSlab } from '../volume/slab.ts'
import { type Grid, type Volume, volumeOf, voxelSize } from '../volume/volume.ts'
import { applyClosedForm } from './closed-form.ts'
import { depths, levelOf, tableAxes } from './error-places.ts'
import { isNetwork, type Model, stageOf } from './method.ts'
import { type Graphs, type Image, openNetwork } from './networks.ts'
import { FIGURE_SLICES, type HarmonizerIdentity } from './record.ts'
import {
  classOf,
  excessNoise,
  FOLD_FOLDER,
  isCalibrated,
  type UncertaintyModel,
  varianceOf,
} from './uncertainty-model.ts'

/** A model of a fold, ready to be applied. */
export interface FoldModel {
  readonly model: Model
  readonly graphs: Graphs
}

/** How sure a map can be taken to be. */
export interface Calibration {
  /** Share of voxels that the intervals hold, on average over people. */
  readonly level: number
  /** People that were left out to find it. */
  readonly people: number
  /** False below five people: the map then ranks voxels, and its widths are a guess. */
  readonly calibrated: boolean
  /** Scanners from which somebody was left out: maps are made for their images. */
  readonly domains: readonly string[]
}

export interface Uncertainty extends Omit<Calibration, 'domains'> {
  /** Half widths in the unit of the output; NaN outside the mask, and in and beside voxels that are not finite. */
  readonly map: Volume
  /** Over the mask. */
  readonly meanHalfWidth: number
}

export function calibrationOf(model: UncertaintyModel): Calibration {
  return { level: model.level, people: model.people, calibrated: isCalibrated(model), domains: model.domains }
}

/** The graphs of each fold, as a bundle holds them: `folds/1-curves.onnx`. */
export function foldModels(
  { models }: UncertaintyModel,
  files: Readonly<Record<string, Uint8Array>>,
): readonly FoldModel[] {
  return models.map((model, index) => ({
    model,
    graphs: Object.fromEntries(
      (['curves.onnx', 'network.onnx'] as const).flatMap((name) => {
        const graph = files[foldFile(index, name)]
        return graph === undefined ? [] : [[name, graph] as const]
      }),
    ),
  }))
}

export function foldFile(index: number, name: keyof Graphs): string {
  return `${FOLD_FOLDER}/${index + 1}-${name}`
}

/** Whether the model has a mapping for images of this domain. */
export function knowsDomain(model: Model, domain: string): boolean {
  const curves = stageOf(model)
  return !('tones' in curves) || domain in curves.tones
}

/** What a fold makes of an image. Its network is open for this image only, so that memory holds one. */
export async function foldOutput(
  { model, graphs }: FoldModel,
  image: Image,
  threads: number,
): Promise<Float32Array> {
  if (!isNetwork(model)) return applyClosedForm(model, image.x, image.mask, image.domain)
  const network = await openNetwork('fold', model, graphs, { threads })
  try {
    return (await network.apply(image, [])).values
  } finally {
    await network.close()
  }
}

/**
 * Mean over the folds of the squared distance of their outputs from `output`, voxel by voxel; one fold is in memory at a time.
 * @returns length V
 */
export async function spreadAround(
  output: Float32Array,
  folds: readonly FoldModel[],
  image: Image,
  threads: number,
): Promise<Float32Array> {
  const sum = new Float32Array(output.length)
  for (const fold of folds) {
    const other = await foldOutput(fold, image, threads)
    for (let i = 0; i < sum.length; i++)
      sum[i] = (sum[i] as number) + ((other[i] as number) - (output[i] as number)) ** 2 / folds.length
  }
  return sum
}

/** SD of the noise in the middle of the mask, squared; 0 where no flat tissue is found. */
export function noiseVariance(x: Float32Array, { shape }: Grid, mask: Uint8Array): number {
  const slab = middleSlab(shape, mask, FIGURE_SLICES)
  const sd = noiseSd(x.subarray(slab.start, slab.end), slab.shape, mask.subarray(slab.start, slab.end))
  return Number.isFinite(sd) ? sd * sd : 0
}

/** @param name of the harmonizer */
export function withoutFolds(name: string): RefusedError {
  return new RefusedError(
    `${name} holds no models of folds: how far its output lies from the target was measured in nobody who was left out.`,
    'Train with --uncertainty on two or more traveling subjects (with --method auto that is the default), or leave out --uncertainty.',
  )
}

/** What a harmonizer holds to make maps. */
export interface UncertaintyParts {
  readonly model: UncertaintyModel
  readonly folds: readonly FoldModel[]
}

/**
 * @param domain where the image is said to come from
 * @throws {RefusedError} where the bundle holds no folds, the image is of the target domain, or nobody of its domain was left out
 */
export function requireUncertainty(
  parts: UncertaintyParts | undefined,
  { name, target }: HarmonizerIdentity,
  domain: string | undefined,
): UncertaintyParts {
  if (parts === undefined) throw withoutFolds(name)
  if (domain !== undefined && domain === target)
    throw new RefusedError(
      `The image is of the target domain ${target}: it is passed through, and nothing is estimated.`,
      'Leave out --uncertainty.',
    )
  const { domains } = parts.model
  if (domain !== undefined && domains.includes(domain)) return parts
  throw new RefusedError(
    domain === undefined
      ? `${name} knows its errors scanner by scanner, and the image's domain is not named.`
      : `${name} has no errors of people left out who were scanned on "${domain}".`,
    `Maps are made for images of ${domains.join(', ')}; name the domain with --source, or leave out --uncertainty.`,
  )
}

/**
 * @param output what the harmonizer made of `image`
 */
export async function uncertaintyOf(
  { model, folds }: UncertaintyParts,
  image: Image,
  output: Float32Array,
  threads: number,
): Promise<Uncertainty> {
  const { volume, mask, domain } = image
  const able = folds.filter((fold) => knowsDomain(fold.model, domain))
  const map = await spreadAround(output, able, image, threads)
  const gradient = squaredGradient(output, volume.shape, voxelSize(volume))
  const excess = excessNoise(model, domain, noiseVariance(output, volume, mask))
  const table = decodeFloats(model.places[domain] as string)
  const axes = tableAxes(volume, mask)
  const [offsets, weights] = [new Int32Array(TAPS), new Float64Array(TAPS)]
  const layers = model.layers[domain] === undefined ? undefined : decodeFloats(model.layers[domain])
  const depth = layers && depths(volume, mask)
  const [layerOffsets, layerWeights] = [new Int32Array(LAYER_TAPS), new Float64Array(LAYER_TAPS)]
  const [nx, ny, nz] = volume.shape
  let [sum, n] = [0, 0]
  for (let z = 0, i = 0; z < nz; z++)
    for (let y = 0; y < ny; y++)
      for (let x = 0; x < nx; x++, i++) {
        const value = output[i] as number
        const steepness = gradient[i] as number
        if (mask[i] === 0 || !Number.isFinite(value) || !Number.isFinite(steepness)) {
          map[i] = Number.NaN
          continue
        }
        tapsInto(offsets, weights, axes, x, y, z, levelOf(value, model.brightest))
        const place = tableAt(table, offsets, weights)
        let layer = 0
        if (layers && depth) {
          layerTapsInto(layerOffsets, layerWeights, depth[i] as number, value / model.brightest)
          layer = tableAt(layers, layerOffsets, layerWeights)
        }
        const spread = map[i] as number
        const variance = varianceOf(model.weights, spread, steepness, place, layer, value, excess)
        const width = (model.factors[classOf(model, value, steepness)] as number) * Math.sqrt(variance)
        map[i] = width
        sum += width
        n++
      }
  const { domains: _domains, ...facts } = calibrationOf(model)
  return {
    map: volumeOf(volume, map, { unit: volume.unit }),
    ...facts,
    meanHalfWidth: n === 0 ? 0 : sum / n,
  }
}
