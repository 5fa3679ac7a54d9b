/** Error of a mapping on pairs of scans. */
import type { Pair } from '../src/cohort/cohort.ts'
import { loadPair } from '../src/cohort/images.ts'
import type { Mapping } from '../src/harmonizer/unguarded.ts'
import { mae } from '../src/metrics/mae.ts'
import { robustRange } from '../src/metrics/robust-range.ts'
import { toFloat32 } from '../src/volume/volume.ts'

/** MAE where both masks overlap, in units of the robust range of the target there. */
export async function pairError(mapping: Mapping, pair: Pair): Promise<number> {
  const { scans, target, mask } = await loadPair(pair)
  const [{ volume, mask: whole, origin }] = scans
  const y = toFloat32(target)
  return mae(await mapping(volume, whole, origin), y, mask) / robustRange(y, mask)
}
