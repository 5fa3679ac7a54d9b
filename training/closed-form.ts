/** What needs no iteration: one look at every scan, then for `tone` one at every pair. Memory holds one pair at a time. */
import type { Cohort, Pair, Scan } from '../src/cohort/cohort.ts'
import { loadPair, loadScan } from '../src/cohort/images.ts'
import { blankedParts } from '../src/domain/blanked.ts'
import type { Declared } from '../src/domain/declared.ts'
import { commonPreparation, firstKnown, type Preparation, parsePrepared } from '../src/domain/preparation.ts'
import { InputError, RefusedError } from '../src/errors.ts'
import { sha256File } from '../src/files.ts'
import { describeImage } from '../src/harmonizer/describe.ts'
import { type DescribedScan, descriptorLimitsOf } from '../src/harmonizer/descriptor-guard.ts'
import { limitsOf, type Observed } from '../src/harmonizer/guards.ts'
import { type ImageFacts, imageFacts, surveyMask } from '../src/harmonizer/image-facts.ts'
import type { DomainLimits } from '../src/harmonizer/manifest.ts'
import { FIGURE_SLICES } from '../src/harmonizer/record.ts'
import { type FoundUnit, unitFound, unitText } from '../src/harmonizer/unit-guard.ts'
import { fitToneCurve, type ToneModel, toneKnots, toneScale } from '../src/intensity/tone.ts'
import { concatenate } from '../src/kernels/concatenate.ts'
import { sortFloats } from '../src/kernels/sort.ts'
import { noiseSd } from '../src/metrics/noise.ts'
import { middleSlab } from '../src/volume/slab.ts'
import { toFloat32, type Volume } from '../src/volume/volume.ts'
import type { Collector } from './population.ts'

/** What one look at every scan gives. */
export interface Survey {
  readonly guards: Readonly<Record<string, DomainLimits>>
  /** Each image's own scale (median in its own mask) by path. */
  readonly scales: ReadonlyMap<string, number>
  /** SHA-256 of each image by path. */
  readonly hashes: ReadonlyMap<string, string>
  /** What guards look at, by path. */
  readonly observed: ReadonlyMap<string, Observed>
}

/**
 * @param collectors shown every scan of the target; a person's scans there share the weight 1
 * @param prepared   what the user says of the preparation of every scan; a column `prepared` says it of one
 * @throws {UnfittableError} for an image without contrast in its mask
 */
export async function surveyCohort(
  { scans }: Cohort,
  target: string,
  collectors: readonly Pick<Collector, 'add'>[],
  prepared: Preparation,
  onScan: (done: number, total: number) => void,
): Promise<Survey> {
  const looks = new Map<string, Look[]>()
  const scales = new Map<string, number>()
  const hashes = new Map<string, string>()
  const observed = new Map<string, Observed>()
  for (const [index, scan] of scans.entries()) {
    const { volume, declared, mask, maskSource } = await loadScan(scan)
    const x = toFloat32(volume)
    const place = surveyMask(volume.shape, mask, FIGURE_SLICES)
    requireTrainable(scan, declared, unitFound(volume, declared.unit))
    scales.set(scan.image, toneScale(x, mask))
    hashes.set(scan.image, await sha256File(scan.image))
    const descriptors = describeImage(volume, x, maskSource === 'foreground' ? { mask, ...place } : undefined)
    const look: Look = {
      facts: imageFacts(volume, x, place),
      described: descriptors ? [{ subject: scan.subject, descriptors }] : [],
      preparation: firstKnown(
        parsePrepared(scan.covariates['prepared'] ?? ''),
        prepared,
        declared.preparation,
        blankedParts(volume),
      ),
    }
    observed.set(scan.image, { facts: look.facts, descriptors, preparation: look.preparation })
    looks.set(scan.domain, [...(looks.get(scan.domain) ?? []), look])
    if (scan.domain === target) {
      const weight = 1 / scans.filter((other) => isRescan(scan, other)).length
      for (const collector of collectors) collector.add(x, mask, weight, scan.subject)
    }
    onScan(index + 1, scans.length)
  }
  const domains = [...looks].sort(([a], [b]) => (a < b ? -1 : 1))
  return {
    guards: Object.fromEntries(domains.map(([domain, images]) => [domain, guardsOf(images)])),
    scales,
    hashes,
    observed,
  }
}

/** What the guards of a domain rest on, of one scan. */
interface Look {
  readonly facts: ImageFacts
  /** Empty where the image has no foreground. */
  readonly described: readonly DescribedScan[]
  readonly preparation: Preparation
}

function guardsOf(looks: readonly Look[]): DomainLimits {
  const described = looks.flatMap((look) => look.described)
  return {
    ...limitsOf(looks.map(({ facts }) => facts)),
    ...(described.length > 0 && { descriptors: descriptorLimitsOf(described) }),
    preparation: commonPreparation(looks.map(({ preparation }) => preparation)),
  }
}

/** @throws {RefusedError} for an image that apply would refuse whatever it was trained on; {InputError} for one that attune wrote */
function requireTrainable(
  { image }: Scan,
  { kind = 'magnitude', harmonized }: Declared,
  found: FoundUnit | undefined,
): void {
  if (kind !== 'magnitude')
    throw new RefusedError(
      `${image}: is said to be a ${kind}, by the JSON file beside it, its name or its header.`,
      'Train on magnitude images.',
    )
  if (found !== undefined && found.unit !== 'arbitrary')
    throw new RefusedError(
      `${image}: is in ${unitText(found)}, a physical unit that methods for MRI would destroy.`,
      'Train on images of arbitrary intensity; for CT in HU or PET in SUV, on which all scanners agree but for sharpness and noise, take --method band-unet.',
    )
  if (harmonized)
    throw new InputError(`${image}: was harmonized by attune before.`, 'Train on images as they were.')
}

function isRescan(a: Scan, b: Scan): boolean {
  return a.subject === b.subject && a.domain === b.domain
}

const SEGMENTS = 16
/** Paired intensities that one domain's curve rests on, shared by its pairs. */
const POINTS_PER_DOMAIN = 400_000
const MOST_POINTS_PER_PAIR = 100_000
/** Slices that noise is measured on. */
const SLAB = 24

/** Paired intensities of one pair, each in units of its own image's scale. */
export interface PairPoints {
  readonly pair: Pair
  readonly u: Float32Array
  readonly y: Float32Array
  /** Absent where it cannot be measured. */
  readonly noise?: { readonly u: number; readonly y: number }
}

/** What `tone` sees of each pair. */
export async function readPoints(
  pairs: readonly Pair[],
  { scales }: Survey,
  onPair: (done: number, total: number) => void,
): Promise<readonly PairPoints[]> {
  const points: PairPoints[] = []
  for (const [index, pair] of pairs.entries()) {
    const siblings = pairs.filter(({ source }) => source.domain === pair.source.domain).length
    points.push(await pointsOf(pair, scales, Math.min(MOST_POINTS_PER_PAIR, POINTS_PER_DOMAIN / siblings)))
    onPair(index + 1, pairs.length)
  }
  return points
}

/** One curve per source domain, from these pairs; the noise ratio is measured on the images. */
export function toneOf(points: readonly PairPoints[], { scales }: Survey): ToneModel {
  const domains = new Map<string, PairPoints[]>()
  for (const own of points) {
    const { domain } = own.pair.source
    domains.set(domain, [...(domains.get(domain) ?? []), own])
  }
  const knots = toneKnots(sortFloats(concatenate([...domains.values()].flat().map(({ u }) => u))), SEGMENTS)
  const tones = [...domains]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([domain, own]) => {
      const noise = own.flatMap((pair) => pair.noise ?? [])
      const options = noise.length === 0 ? {} : { noise: meanNoise(noise) }
      const [u, y] = [own.map((pair) => pair.u), own.map((pair) => pair.y)]
      return [domain, [...fitToneCurve(concatenate(u), concatenate(y), knots, options)]] as const
    })
  return {
    kind: 'tone',
    referenceScale: referenceScale(
      points.map(({ pair }) => pair),
      scales,
    ),
    knots,
    tones: Object.fromEntries(tones),
  }
}

/** The lower median of the target scans' own scales. */
function referenceScale(pairs: readonly Pair[], scales: ReadonlyMap<string, number>): number {
  const images = [...new Set(pairs.map(({ target }) => target.image))]
  const sorted = images.map((image) => scales.get(image) as number).sort((a, b) => a - b)
  return sorted[(sorted.length - 1) >> 1] as number
}

async function pointsOf(pair: Pair, scales: ReadonlyMap<string, number>, most: number): Promise<PairPoints> {
  const { source, target, mask } = await loadPair(pair)
  const scaleU = scales.get(pair.source.image) as number
  const scaleY = scales.get(pair.target.image) as number
  const [x, y] = [toFloat32(source), toFloat32(target)]
  const sample = pairedSample(x, y, mask, most)
  const noise = { u: noiseOf(source, x, mask) / scaleU, y: noiseOf(target, y, mask) / scaleY }
  const known = Number.isFinite(noise.u) && Number.isFinite(noise.y)
  return {
    pair,
    u: sample.u.map((value) => value / scaleU),
    y: sample.y.map((value) => value / scaleY),
    ...(known && { noise }),
  }
}

/** Both images at every so many masked voxels, `most` at most. */
export function pairedSample(
  x: Float32Array,
  y: Float32Array,
  mask: Uint8Array,
  most: number,
): { readonly u: Float32Array; readonly y: Float32Array } {
  const masked = mask.reduce((sum, inside) => sum + inside, 0)
  const every = Math.max(1, Math.ceil(masked / most))
  const count = Math.ceil(masked / every)
  const [us, ys] = [new Float32Array(count), new Float32Array(count)]
  for (let i = 0, seen = 0, n = 0; i < mask.length; i++) {
    if (mask[i] === 0 || seen++ % every !== 0) continue
    us[n] = x[i] as number
    ys[n++] = y[i] as number
  }
  return { u: us, y: ys }
}

function noiseOf({ shape }: Volume, x: Float32Array, mask: Uint8Array): number {
  const slab = middleSlab(shape, mask, SLAB)
  return noiseSd(x.subarray(slab.start, slab.end), slab.shape, mask.subarray(slab.start, slab.end))
}

/** Variances add up, so they are what is averaged over pairs. */
function meanNoise(noise: readonly { readonly u: number; readonly y: number }[]): { u: number; y: number } {
  const rms = (values: readonly number[]): number =>
    Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length)
  return { u: rms(noise.map(({ u }) => u)), y: rms(noise.map(({ y }) => y)) }
}
