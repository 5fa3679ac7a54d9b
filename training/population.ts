/** The methods that learn from images of the target alone: what is measured in each image, and how that is pooled over people. */
import { UnfittableError } from '../src/errors.ts'
import type { ClosedFormModel, Method } from '../src/harmonizer/method.ts'
import type { Weighted } from '../src/intensity/affine.ts'
import { measureTissue, measureTissues, poolTissue, type TissueClass } from '../src/intensity/fcm.ts'
import { measureQuantiles, poolQuantiles } from '../src/intensity/histogram.ts'
import { measureMode, poolModes } from '../src/intensity/kde.ts'
import { poolTissues } from '../src/intensity/lsq.ts'
import { measureLandmarks, poolLandmarks } from '../src/intensity/nyul.ts'
import { measureStripe, poolStripes } from '../src/intensity/whitestripe.ts'
import { measureSpread, poolSpreads } from '../src/intensity/zscore.ts'
import type { Peak } from '../src/kernels/density.ts'

/** One method being learned: shown every image once, then asked for its model. */
export interface Collector {
  /** @throws {UnfittableError} for an image without contrast in its mask */
  add(x: Float32Array, mask: Uint8Array, weight: number, subject?: string): void
  /**
   * @param counts which people's images the model rests on; by default everyone's
   * @throws {UnfittableError} when none counts
   */
  model(counts?: (subject: string) => boolean): ClosedFormModel
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
  const images: (Weighted<T> & { readonly subject: string })[] = []
  return {
    add: (x, mask, weight, subject = '') => images.push({ ...measure(x, mask), weight, subject }),
    model: (counts = () => true) => pool(images.filter(({ subject }) => counts(subject))),
  }
}

/** The same, but an image that it cannot measure is kept as the reason why there is no model. */
export function tolerant(inner: Collector): Collector {
  let failure: UnfittableError | undefined
  return {
    add: (...image) => {
      try {
        inner.add(...image)
      } catch (error) {
        if (!(error instanceof UnfittableError)) throw error
        failure ??= error
      }
    },
    model: (counts) => {
      if (failure !== undefined) throw failure
      return inner.model(counts)
    },
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
  histogram: () => collector(measureQuantiles, poolQuantiles),
}

/**
 * A collector for each of these methods, to be shown the same images. What one other than the `wanted` cannot measure only leaves it out of
 * the models: the others serve comparison.
 */
export function collectorsOf(
  settings: PopulationSettings,
  wanted: Method | 'auto',
): ReadonlyMap<Method, Collector> {
  return new Map(
    (Object.entries(POPULATION_METHODS) as [Method, (settings: PopulationSettings) => Collector][]).map(
      ([name, start]) => [name, name === wanted ? start(settings) : tolerant(start(settings))],
    ),
  )
}

/** The models of those that could be fitted. @throws {UnfittableError} where the `wanted` one could not */
export function modelsOf(
  collectors: ReadonlyMap<Method, Collector>,
  wanted: Method,
): readonly ClosedFormModel[] {
  return [...collectors].flatMap(([name, collector]) => {
    try {
      return collector.model()
    } catch (error) {
      if (!(error instanceof UnfittableError) || name === wanted) throw error
      return []
    }
  })
}
