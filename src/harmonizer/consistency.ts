/** Whether two scans of one person on one scanner still agree after harmonization. */
import { type Cohort, rescansOf } from '../cohort/cohort.ts'
import { loadPair, loadScan } from '../cohort/images.ts'
import { UnfittableError } from '../errors.ts'
import { applyZScore, type ZScoreModel } from '../intensity/zscore.ts'
import { mae } from '../metrics/mae.ts'
import { resample } from '../spatial/resample.ts'
import { sameGrid, toFloat32, type Volume, volumeOf } from '../volume/volume.ts'

export interface Consistency {
  readonly subject: string
  readonly domain: string
  readonly sessions: readonly [string, string]
  /** Mean absolute difference of the two scans after `zscore` and after the method, in units of the reference's range. */
  readonly before: number
  readonly after: number
}

type Apply = (volume: Volume, mask: Uint8Array, domain: string) => Promise<Float32Array>

/**
 * Every two scans of one person on `domain`. Before is what is left once each of the two has been brought to the reference's mean and spread by a gain and
 * an offset of its own (`zscore`): so it is in the target's unit, and no drift of the receiver makes it look large. After is
 * what is left once the method has been applied to each of them by itself.
 *
 * @param range width of the reference's robust range
 */
export async function consistencyOf(
  cohort: Cohort,
  domain: string,
  zscore: ZScoreModel,
  apply: Apply,
  range: number,
): Promise<readonly Consistency[]> {
  const found: Consistency[] = []
  for (const [first, second] of rescansOf(cohort, domain)) {
    const { mask } = await loadPair({ subject: first.subject, source: first, target: second })
    const scans = [await loadScan(first), await loadScan(second)] as const
    const onFirst = (values: Float32Array, volume: Volume): Float32Array =>
      sameGrid(volume, scans[0].volume)
        ? values
        : toFloat32(resample(volumeOf(volume, values), scans[0].volume, 'linear', Number.NaN))
    const difference = async (method: Apply): Promise<number> => {
      const [a, b] = [
        await method(scans[0].volume, scans[0].mask, domain),
        await method(scans[1].volume, scans[1].mask, domain),
      ]
      return mae(onFirst(a, scans[0].volume), onFirst(b, scans[1].volume), mask) / range
    }
    try {
      found.push({
        subject: first.subject,
        domain,
        sessions: [first.session, second.session],
        before: await difference(async (volume, own) => applyZScore(zscore, toFloat32(volume), own)),
        after: await difference(apply),
      })
    } catch (error) {
      if (!(error instanceof UnfittableError)) throw error
    }
  }
  return found
}
