/** How far two scans of one person on one scanner differ: the floor that no harmonization gets under. */
import { type Cohort, rescansOf } from '../cohort/cohort.ts'
import { loadPair } from '../cohort/images.ts'
import type { ZScoreModel } from '../intensity/zscore.ts'
import { applyZScore } from '../intensity/zscore.ts'
import { mae } from '../metrics/mae.ts'
import { toFloat32 } from '../volume/volume.ts'

export interface RescanError {
  readonly subject: string
  readonly value: number
}

/**
 * MAE between the two scans of each rescan of `domain`, in units of `range`.
 *
 * @param zscore brings a source scanner's images to the target's unit; absent for the target scanner itself
 * @param range  the reference's robust range
 */
export async function rescanErrors(
  cohort: Cohort,
  domain: string,
  zscore: ZScoreModel | undefined,
  range: number,
): Promise<readonly RescanError[]> {
  const errors: RescanError[] = []
  for (const [first, second] of rescansOf(cohort, domain)) {
    const { source, target, mask } = await loadPair({ subject: first.subject, source: first, target: second })
    const inUnit = (x: Float32Array): Float32Array =>
      zscore === undefined ? x : applyZScore(zscore, x, mask)
    const value = mae(inUnit(toFloat32(source)), inUnit(toFloat32(target)), mask) / range
    errors.push({ subject: first.subject, value })
  }
  return errors
}
