/** What is left of the error when the target's own noise does not count: the same target scans, simulated without it. */
import { dirname, join, relative } from 'node:path'
import { PARAMETERS_PATH } from '../data/generators/bids.ts'
import { simulateCohort } from '../data/generators/simulate.ts'
import { type Pair, pairsOf, rescansOf } from '../src/cohort/cohort.ts'
import { loadPair } from '../src/cohort/images.ts'
import { requireCohort } from '../src/cohort/manifest.ts'
import { readNifti } from '../src/formats/nifti/read.ts'
import { readBundle } from '../src/harmonizer/bundle.ts'
import { loadHarmonizer } from '../src/harmonizer/harmonizer.ts'
import { trainingEvidence } from '../src/harmonizer/training-evidence.ts'
import { closedMapping, forcedMapping, type Mapping } from '../src/harmonizer/unguarded.ts'
import { mae } from '../src/metrics/mae.ts'
import { robustRange } from '../src/metrics/robust-range.ts'
import { toFloat32 } from '../src/volume/volume.ts'
import { median, say } from './result.ts'
import { type CohortPlan, TARGET, travelerOptions } from './travelers.ts'
import { codeHash, exists, workplace } from './workplace.ts'

/** Errors of a source domain against targets without noise, medians over its pairs, in robust ranges of the target. */
export interface NoiseFreeErrors {
  readonly zscore: number
  readonly harmonized: number
  /** Of the target scanner's own rescans: what a perfect harmonizer would have left on a source with noise, gain and position like the target's. */
  readonly rescan: number
}

/** By source domain. */
export async function noiseFreeErrors(
  plan: CohortPlan,
  {
    cohort,
    test,
    bundle,
  }: { readonly cohort: string; readonly test: readonly string[]; readonly bundle: string },
): Promise<ReadonlyMap<string, NoiseFreeErrors>> {
  const clean = await cleanTargets(plan)
  const known = await requireCohort(cohort, { target: TARGET })
  const tested = { ...known, scans: known.scans.filter(({ subject }) => test.includes(subject)) }
  const pairs = pairsOf(tested, TARGET)
  const rescans = rescansOf(tested, TARGET).flatMap(([one, other]): Pair[] => [
    { subject: one.subject, source: one, target: other },
    { subject: one.subject, source: other, target: one },
  ])
  const zscore = trainingEvidence(await readBundle(bundle)).baselines.find(({ kind }) => kind === 'zscore')
  if (zscore?.kind !== 'zscore') throw new Error(`${bundle} has no baseline zscore.`)
  const harmonizer = await loadHarmonizer(bundle)
  const medianOf = async (mapping: Mapping, some: readonly Pair[]): Promise<number> => {
    const errors: number[] = []
    for (const pair of some) {
      const { scans, mask } = await loadPair(pair)
      const [{ volume, mask: whole, origin }] = scans
      const path = join(clean, relative(dirname(cohort), pair.target.image))
      const goal = toFloat32((await readNifti(path)).volume)
      errors.push(mae(await mapping(volume, whole, origin), goal, mask) / robustRange(goal, mask))
    }
    return median(errors)
  }
  try {
    const rescan = await medianOf(async (volume) => toFloat32(volume), rescans)
    const found = new Map<string, NoiseFreeErrors>()
    for (const domain of new Set(pairs.map(({ source }) => source.domain))) {
      const own = pairs.filter(({ source }) => source.domain === domain)
      found.set(domain, {
        zscore: await medianOf(closedMapping(zscore), own),
        harmonized: await medianOf(forcedMapping(harmonizer), own),
        rescan,
      })
    }
    return found
  } finally {
    await harmonizer.close()
  }
}

/** The people that are tested, on the target scanner alone, under the same conditions, without noise. @returns the dataset's folder */
async function cleanTargets({ seed, test }: CohortPlan): Promise<string> {
  const folder = join(workplace, `noiseless-${seed}-${await codeHash('data/generators')}`)
  if (!(await exists(join(folder, PARAMETERS_PATH)))) {
    say(`simulating the targets of cohort ${seed} without noise`)
    await simulateCohort(folder, { ...travelerOptions(seed, test, test), scanners: 1, noiseless: true })
  }
  return folder
}
