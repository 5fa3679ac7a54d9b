/** What the ladder says of every method, from the weakest to the strongest. Imports nothing, so that the command line can list them at once. */
import type { Method } from './method.ts'

/** How much a method is able to change: 0 nothing, 1 gain and offset, 2 one curve, 4 a curve that varies over space, 5 a bounded residual. */
export type Rung = 0 | 1 | 2 | 4 | 5

interface Place {
  readonly rung: Rung
  /**
   * What it learns from: nothing it needs (an output with a scale of its own can be made without training), images of the reference
   * domain, or pairs. Methods that learn from pairs hold one mapping per source domain, and must be told where an image comes from.
   */
  readonly from: 'nothing' | 'reference' | 'pairs'
  /** Whether a reference of one person writes that person's tissue volumes into every image. */
  readonly copiesVolumes?: true
  /** Whether it searches the histogram for one peak: where shading smears it, that may be another one in another person. */
  readonly searchesPeak?: true
  /** Whether what it does at a voxel depends on the image around it, so that no curve leads back. */
  readonly oneWay?: true
  /** Whether it is for images in a physical unit, which all others refuse. */
  readonly keepsUnit?: true
}

const LADDER: Readonly<Record<Method, Place>> = {
  identity: { rung: 0, from: 'nothing' },
  zscore: { rung: 1, from: 'nothing' },
  whitestripe: { rung: 1, from: 'nothing', searchesPeak: true },
  kde: { rung: 1, from: 'nothing', searchesPeak: true },
  fcm: { rung: 1, from: 'nothing' },
  lsq: { rung: 1, from: 'reference' },
  nyul: { rung: 2, from: 'reference', copiesVolumes: true },
  histogram: { rung: 2, from: 'reference', copiesVolumes: true },
  tone: { rung: 2, from: 'pairs' },
  'local-tone': { rung: 4, from: 'pairs' },
  'residual-unet': { rung: 5, from: 'pairs', oneWay: true },
  'band-unet': { rung: 5, from: 'pairs', oneWay: true, keepsUnit: true },
}

/** From the weakest to the strongest. */
export const ALL_METHODS: readonly Method[] = Object.keys(LADDER) as Method[]

/** The ladder of images of arbitrary intensity, such as MRI. */
export const METHODS: readonly Method[] = ALL_METHODS.filter((method) => LADDER[method].keepsUnit !== true)

export function isMethod(name: string): name is Method {
  return Object.hasOwn(LADDER, name)
}

export function rungOf(method: Method): Rung {
  return LADDER[method].rung
}

/** Whether the method holds one mapping per source domain, so that it must be told where an image comes from. */
export function needsDomain(method: Method): boolean {
  return LADDER[method].from === 'pairs'
}

/** Methods that work on one image alone: what they give has a scale of its own. */
export const UNTRAINED: readonly Method[] = METHODS.filter((method) => LADDER[method].from === 'nothing')

/** Whether a reference of one person writes that person's tissue volumes into every image. */
export function copiesVolumes(method: Method): boolean {
  return LADDER[method].copiesVolumes === true
}

/** Whether a fit on one person says nothing of others, since the method looks for a peak of each image. */
export function searchesPeak(method: Method): boolean {
  return LADDER[method].searchesPeak === true
}

/** Whether intensities can be taken back, at least where the curve is not flat. */
export function isInvertible(method: Method): boolean {
  return LADDER[method].oneWay !== true
}
