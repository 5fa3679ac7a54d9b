/** Whether two scans of one person on one scanner still agree after harmonization. */
import { type Cohort, rescansOf } from '../cohort/cohort.ts'
import { GRID_TOLERANCE_MM } from '../cohort/grids.ts'
import { type LoadedScan, loadPair } from '../cohort/images.ts'
import { UnfittableError } from '../errors.ts'
import { applyZScore, STANDARD } from '../intensity/zscore.ts'
import { concatenate } from '../kernels/concatenate.ts'
import { meanCurve } from '../kernels/mean-curve.ts'
import { applyCurveInto } from '../kernels/monotone.ts'
import { mae } from '../metrics/mae.ts'
import { resample } from '../spatial/resample.ts'
import { sameGrid, toFloat32, type Volume, volumeOf } from '../volume/volume.ts'
import type { Mapping, SharedMapping } from './unguarded.ts'

export interface Consistency {
  readonly subject: string
  readonly domain: string
  readonly sessions: readonly [string, string]
  /** Mean absolute difference of the two scans in the method's unit, and after the method, in units of the reference's range. */
  readonly before: number
  readonly after: number
}

/**
 * Every two scans of one person on `domain`. After is what the two differ by once the method has been applied to each of them by itself. Before is what
 * they differ by in the same unit and nothing more. So what the mapping's slope does to noise counts on both sides; what it makes of the one scan and not of
 * the other counts as `after` alone. Where the mapping is one of curves that vary over space, both scans go through the mapping that they share. Otherwise each
 * is given mean 0 and SD 1 by a gain and an offset of its own, so that no drift of the receiver makes it look large, and both are then taken
 * through one curve, the mean output of the method for each intensity in the two together.
 *
 * @param range width of the reference's robust range
 * @param share of mappings of curves that vary over space
 */
export async function consistencyOf(
  cohort: Cohort,
  domain: string,
  apply: Mapping,
  range: number,
  share?: SharedMapping | undefined,
): Promise<readonly Consistency[]> {
  const found: Consistency[] = []
  for (const [first, second] of rescansOf(cohort, domain)) {
    const {
      mask,
      scans: [a, b],
    } = await loadPair({ subject: first.subject, source: first, target: second })
    const difference = (x: Float32Array, y: Float32Array): number =>
      mae(x, onGrid(y, b.volume, a.volume), mask) / range
    try {
      const after = [
        await apply(a.volume, a.mask, a.origin),
        await apply(b.volume, b.mask, b.origin),
      ] as const
      const before = share ? ((await share([a, b])) as unknown as Two) : inTheSameUnit([a, b], after)
      found.push({
        subject: first.subject,
        domain,
        sessions: [first.session, second.session],
        before: difference(...before),
        after: difference(...after),
      })
    } catch (error) {
      if (!(error instanceof UnfittableError)) throw error
    }
  }
  return found.filter(({ before, after }) => Number.isFinite(before) && Number.isFinite(after))
}

type Two = readonly [Float32Array, Float32Array]

function inTheSameUnit(scans: readonly [LoadedScan, LoadedScan], after: Two): Two {
  const even = scans.map(({ volume, mask }) =>
    applyZScore(STANDARD, toFloat32(volume), mask),
  ) as unknown as Two
  const curve = meanCurve(concatenate(even), concatenate(after), concatenate(scans.map(({ mask }) => mask)))
  return even.map((x) => {
    const out = new Float32Array(x.length)
    applyCurveInto(out, x, curve)
    return out
  }) as unknown as Two
}

function onGrid(values: Float32Array, from: Volume, to: Volume): Float32Array {
  if (sameGrid(from, to, GRID_TOLERANCE_MM)) return values
  return toFloat32(resample(volumeOf(from, values), to, 'linear', Number.NaN))
}
