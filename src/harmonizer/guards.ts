/**
 * What is checked before an image is changed. A method knows the images it was trained on; on others its output may look
 * right and be wrong. So an image that is far from them is refused, with the reason, unless the user insists: then the
 * reason is written into the record instead.
 */
import type { ImageKind } from '../domain/declared.ts'
import { comparePreparation, inWords, type Preparation } from '../domain/preparation.ts'
import { RefusedError } from '../errors.ts'
import type { Descriptors } from '../metrics/descriptors.ts'
import type { Volume } from '../volume/volume.ts'
import { checkDescriptors } from './descriptor-guard.ts'
import type { ImageFacts } from './image-facts.ts'
import type { DomainLimits, Range } from './manifest.ts'
import type { Method } from './method.ts'
import { checkUnit, type UnitCheck } from './unit-guard.ts'

/** The outcome of one guard. `failed` ones refuse the image, or with --force stand in the record. */
export interface Finding {
  readonly guard:
    | 'content'
    | 'kind'
    | 'finite'
    | 'unit'
    | 'repeat'
    | 'intensity'
    | 'field-of-view'
    | 'voxel-size'
    | 'mask-volume'
    | 'histogram'
    | 'contrast'
    | 'noise'
    | 'resolution'
    | 'preparation'
    | 'network'
  readonly status: 'passed' | 'noted' | 'failed'
  readonly message: string
}

/** Non-finite voxels are passed through and counted; above this share something is wrong with the file. */
const MAX_NON_FINITE = 0.01
/**
 * How far from the training scans is still accepted. The gain of one MRI protocol varies by about a factor 2 between people
 * and coils; a factor 4 lets that pass and still catches other units (0-1, 8 bit, CT).
 */
const INTENSITY_FACTOR = 4
/** A head is 0.7-1.4 times the mean adult volume and length; twice or half is another part of the body, or half a head. */
const EXTENT_FACTOR = 1.5
const VOXEL_FACTOR = 3
const MASK_FACTOR = 2

/** The limits of one domain: the range over its training scans, widened. */
export function limitsOf(scans: readonly ImageFacts[]): DomainLimits {
  const widened = (values: readonly number[], factor: number): Range => {
    const [low, high] = [Math.min(...values), Math.max(...values)]
    return [round(low > 0 ? low / factor : low * factor), round(high > 0 ? high * factor : high / factor)]
  }
  const extent = (axis: 0 | 1 | 2): Range =>
    widened(
      scans.map((scan) => scan.extentMm[axis]),
      EXTENT_FACTOR,
    )
  return {
    scans: scans.length,
    median: widened(
      scans.map((scan) => scan.percentiles.p50),
      INTENSITY_FACTOR,
    ),
    p99: widened(
      scans.map((scan) => scan.percentiles.p99),
      INTENSITY_FACTOR,
    ),
    extentMm: [extent(0), extent(1), extent(2)],
    voxelMm: widened(
      scans.flatMap((scan) => scan.voxelMm),
      VOXEL_FACTOR,
    ),
    maskMl: widened(
      scans.map((scan) => scan.maskMl),
      MASK_FACTOR,
    ),
  }
}

/** What is known of an image from elsewhere. */
export interface Said {
  readonly alreadyHarmonized: boolean
  readonly kind?: ImageKind | undefined
  readonly unit: UnitCheck
}

/** Guards that need no training: is this an image, in a unit that may be changed, and not yet harmonized? */
export function checkImage(
  volume: Volume,
  facts: ImageFacts,
  method: Method,
  { alreadyHarmonized, kind, unit }: Said,
): Finding[] {
  const findings: Finding[] = [checkContent(facts), checkFinite(facts)]
  if (method !== 'identity' && kind !== undefined && kind !== 'magnitude')
    findings.push({
      guard: 'kind',
      status: 'failed',
      message: `The image is said to be a ${kind} (by the JSON file beside it, its name or its header), not a magnitude image.`,
    })
  const wrongUnit = checkUnit(method, unit)
  if (wrongUnit) findings.push(wrongUnit)
  const repeated =
    alreadyHarmonized || volume.history.some(({ op }) => op === 'harmonize' || op === 'translate')
  findings.push(
    repeated
      ? { guard: 'repeat', status: 'failed', message: 'The image was harmonized before, or translated.' }
      : { guard: 'repeat', status: 'passed', message: 'No earlier harmonization is recorded.' },
  )
  return findings
}

function checkContent({ maskedVoxels, percentiles }: ImageFacts): Finding {
  const failed = (why: string): Finding => ({
    guard: 'content',
    status: 'failed',
    message: `${why}: the image holds nothing to work on.`,
  })
  if (maskedVoxels === 0) return failed('The mask is empty')
  if (Number.isNaN(percentiles.p50)) return failed('No masked voxel is finite')
  if (!(percentiles.p99 > percentiles.p1))
    return failed(`The masked voxels are constant (${percentiles.p50})`)
  return { guard: 'content', status: 'passed', message: `${maskedVoxels} masked voxels.` }
}

function checkFinite({ voxels, nonFinite }: ImageFacts): Finding {
  const count = `${nonFinite} of ${voxels} voxels are NaN or infinite`
  if (nonFinite > MAX_NON_FINITE * voxels)
    return { guard: 'finite', status: 'failed', message: `${count} (limit ${100 * MAX_NON_FINITE} %).` }
  return nonFinite > 0
    ? { guard: 'finite', status: 'noted', message: `${count}; they were left out and stay as they are.` }
    : { guard: 'finite', status: 'passed', message: 'All voxels are finite.' }
}

/** What is compared with training, where the bundle has limits for it (older ones have fewer). */
export interface Observed {
  readonly facts: ImageFacts
  readonly descriptors?: Descriptors | undefined
  /** Of the harmonized image; noise, and how much of the head is cut off, are those of the image that came in. */
  readonly result?: Descriptors | undefined
  /** How unlike the scans of training a network found it. */
  readonly unlikeness?: number | undefined
  readonly preparation?: Preparation | undefined
}

/**
 * Guards against images unlike those of training.
 * @param limits the limits of the image's domain, or of every domain when it is not known: one must fit
 */
export function checkLimits(observed: Observed, limits: Readonly<Record<string, DomainLimits>>): Finding[] {
  const results = Object.entries(limits).map(([domain, limit]) => [
    ...compare(observed.facts, domain, limit),
    ...(observed.descriptors && limit.descriptors
      ? checkDescriptors(observed.descriptors, domain, limit.descriptors)
      : []),
    ...(observed.result && limit.result
      ? checkDescriptors(observed.result, `harmonized ${domain}`, limit.result)
      : []),
    ...(observed.unlikeness !== undefined && limit.unlikeness !== undefined
      ? [checkUnlikeness(observed.unlikeness, limit.unlikeness)]
      : []),
    ...(observed.preparation && limit.preparation
      ? checkPreparation(observed.preparation, domain, limit.preparation)
      : []),
  ])
  const failures = (findings: readonly Finding[]): number =>
    findings.filter(({ status }) => status === 'failed').length
  return results.toSorted((a, b) => failures(a) - failures(b))[0] ?? []
}

/** NaN, which no limit accepts, where the network found no number. */
function checkUnlikeness(found: number, most: number): Finding {
  return {
    guard: 'network',
    status: found <= most ? 'passed' : 'failed',
    message: `What single tissues show deep in the head is ${found.toFixed(2)} away from what they showed in training; accepted: up to ${most}. Another contrast does that, and another organ.`,
  }
}

function compare(facts: ImageFacts, domain: string, limits: DomainLimits): Finding[] {
  const check = (guard: Finding['guard'], what: string, value: number, [low, high]: Range): Finding => {
    const status = value >= low && value <= high ? 'passed' : 'failed'
    const basis = `${limits.scans} training scan${limits.scans === 1 ? '' : 's'}`
    return {
      guard,
      status,
      message: `${what} is ${round(value)}; accepted for ${domain}: ${low} to ${high} (from ${basis}).`,
    }
  }
  const { percentiles, extentMm, voxelMm, maskMl } = facts
  return [
    check('intensity', 'Median intensity', percentiles.p50, limits.median),
    check('intensity', '99th percentile of intensity', percentiles.p99, limits.p99),
    check('field-of-view', 'Left-right field of view in mm', extentMm[0], limits.extentMm[0]),
    check('field-of-view', 'Front-back field of view in mm', extentMm[1], limits.extentMm[1]),
    check('field-of-view', 'Foot-head field of view in mm', extentMm[2], limits.extentMm[2]),
    check('voxel-size', 'Smallest voxel edge in mm', Math.min(...voxelMm), limits.voxelMm),
    check('voxel-size', 'Largest voxel edge in mm', Math.max(...voxelMm), limits.voxelMm),
    check('mask-volume', 'Mask volume in ml', maskMl, limits.maskMl),
  ]
}

function checkPreparation(image: Preparation, domain: string, training: Preparation): Finding[] {
  const { differing, unknown } = comparePreparation(image, training)
  const findings = differing.map(
    (field): Finding => ({
      guard: 'preparation',
      status: 'failed',
      message: `The image is ${inWords(field.field, field.image)}, the training images of ${domain} are ${inWords(field.field, field.training)}.`,
    }),
  )
  if (unknown.length > 0)
    findings.push({
      guard: 'preparation',
      status: 'noted',
      message: `The training images of ${domain} are ${unknown
        .map(({ field, training: value }) => inWords(field, value))
        .join(', ')}; whether this image is, is not known (--prepared says it).`,
    })
  return findings.length > 0
    ? findings
    : [
        {
          guard: 'preparation',
          status: 'passed',
          message: 'Prepared as the training images, as far as is known.',
        },
      ]
}

/** @throws {RefusedError} naming every guard that failed, unless `force`; an image without content is refused even then */
export function enforce(findings: readonly Finding[], force: boolean): void {
  const failed = findings.filter(({ status }) => status === 'failed')
  const nothing = failed.find(({ guard }) => guard === 'content')
  if (nothing) throw new RefusedError(nothing.message, 'Check the image, and the mask where one is given.')
  if (failed.length === 0 || force) return
  throw new RefusedError(
    failed.map(({ message }) => message).join('\n'),
    'If you know better, --force applies it all the same and records why it was doubted.',
  )
}

/** Three significant digits: limits are rules of thumb, and read better. */
function round(value: number): number {
  return Number(value.toPrecision(3))
}
