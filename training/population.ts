/** The methods that learn from images of the target alone: what is measured in each image, and how that is pooled over people. */

import { UnfittableError } from '../src/errors.ts'
import type { ClosedFormModel, Method } from '../src/harmonizer/method.ts'
import type { Weighted } from '../src/intensity/affine.ts'
import { measureTissue, measureTissues, poolTissue, type TissueClass } from '../src/intensity/fcm.ts'
import { poolQuantiles, quantileFunction, sortedIntensities } from '../src/intensity/histogram.ts'
import { measureMode, poolModes } from '../src/intensity/kde.ts'
import { poolTissues } from '../src/intensity/lsq.ts'
import { measureLandmarks, poolLandmarks } from '../src/intensity/nyul.ts'
import { measureStripe, poolStripes } from '../src/intensity/whitestripe.ts'
import { measureSpread, poolSpreads } from '../src/intensity/zscore.ts'
import type { Peak } from '../src/kernels/density.ts'

/** One method being learned: shown every image once, then asked for its model. */
export interface Collector {
  /** @throws {UnfittableError} for an image without contrast in its mask */
  add(x: Float32Array, mask: Uint8Array, weight: number): void
  /** @throws {UnfittableError} when no image was shown */
  model(): ClosedFormModel
}

/** What a user may choose of these methods; see their files. */
export interface PopulationSettings {
  readonly peak: Peak
  readonly tissue: TissueClass
}

function collector<T extends object>(
  measure: (x: Float32Array, mask: Uint8Array) => T,
  pool: (images: readonly Weighted<T>[]) => ClosedFormModel,
): Collector {
  const images: Weighted<T>[] = []
  return {
    add: (x, mask, weight) => images.push({ ...measure(x, mask), weight }),
    model: () => pool(images),
  }
}

export const POPULATION_METHODS: Readonly<
  Partial<Record<Method, (settings: PopulationSettings) => Collector>>
> = {
  zscore: () => collector(measureSpread, poolSpreads),
  whitestripe: ({ peak }) =>
    collector(
      (x, mask) => measureStripe(x, mask, peak),
      (stripes) => poolStripes(stripes, peak),
    ),
  kde: ({ peak }) =>
    collector(
      (x, mask) => measureMode(x, mask, peak),
      (modes) => poolModes(modes, peak),
    ),
  fcm: ({ tissue }) =>
    collector(
      (x, mask) => measureTissue(x, mask, tissue),
      (means) => poolTissue(means, tissue),
    ),
  lsq: () => collector(measureTissues, poolTissues),
  nyul: () => collector((x, mask) => measureLandmarks(x, mask), poolLandmarks),
  histogram: () =>
    collector((x, mask) => ({ quantiles: quantileFunction(sortedIntensities(x, mask)) }), poolQuantiles),
}

/**
 * Every method of these, learned from the same images in the same pass. One that cannot be fitted is left out of the models, unless it
 * is the `wanted` one: the others only serve comparison.
 */
export function learners(
  settings: PopulationSettings,
  wanted: Method,
): { readonly collectors: readonly Pick<Collector, 'add'>[]; models(): readonly ClosedFormModel[] } {
  const all = Object.entries(POPULATION_METHODS).map(([kind, start]) => ({ kind, own: start(settings) }))
  const failed = new Set<string>()
  const attempt = <T>(kind: string, work: () => T): T | undefined => {
    if (failed.has(kind)) return undefined
    try {
      return work()
    } catch (error) {
      if (!(error instanceof UnfittableError) || kind === wanted) throw error
      failed.add(kind)
      return undefined
    }
  }
  return {
    collectors: all.map(({ kind, own }) => ({
      add: (x, mask, weight) => attempt(kind, () => own.add(x, mask, weight)),
    })),
    models: () => all.flatMap(({ kind, own }) => attempt(kind, () => own.model()) ?? []),
  }
}
