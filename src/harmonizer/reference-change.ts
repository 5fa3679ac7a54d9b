/** How much a mapping changes images that are already what it aims at: those of the reference scanner. */
import type { Scan } from '../cohort/cohort.ts'
import { loadScan } from '../cohort/images.ts'
import { UnfittableError } from '../errors.ts'
import { mae } from '../metrics/mae.ts'
import { toFloat32 } from '../volume/volume.ts'
import type { Mapping } from './unguarded.ts'

export interface ReferenceChange {
  readonly subject: string
  readonly session: string
  /** Mean absolute change in the mask, in units of the reference's range; 0 where the mapping passes reference images on. */
  readonly value: number
}

/**
 * Reference scans sent through a mapping as if it had to map them: to be compared with what two scans of one person differ by there.
 * @param apply a method; @param range width of the reference's robust range
 * @returns without the scans that the method cannot be applied to
 */
export async function referenceChanges(
  scans: readonly Scan[],
  apply: Mapping,
  range: number,
): Promise<readonly ReferenceChange[]> {
  const found: ReferenceChange[] = []
  for (const scan of scans) {
    const { volume, mask, origin } = await loadScan(scan)
    try {
      const x = toFloat32(volume)
      const value = mae(await apply(volume, mask, origin), x, mask) / range
      found.push({ subject: scan.subject, session: scan.session, value })
    } catch (error) {
      if (!(error instanceof UnfittableError)) throw error
    }
  }
  return found
}
