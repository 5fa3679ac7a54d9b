/** What two scans of one person on one scanner differ by, for every scanner of a study. */
import type { Cohort } from '../src/cohort/cohort.ts'
import { rescanErrors } from '../src/harmonizer/rescan.ts'
import type { ZScoreModel } from '../src/intensity/zscore.ts'
import type { SubjectValue } from './figures.ts'
import type { StudyProgress } from './paired-fidelity.ts'

/** Source scanners are brought to the target's unit by `zscore`; without it, nothing is known of them. */
export async function allRescans(
  cohort: Cohort,
  domains: readonly string[],
  { target, zscore, width }: { target: string; zscore: ZScoreModel | undefined; width: number },
  onProgress: (progress: StudyProgress) => void,
): Promise<ReadonlyMap<string, readonly SubjectValue[]>> {
  const errors = new Map<string, readonly SubjectValue[]>()
  for (const [index, domain] of domains.entries()) {
    const comparable = domain === target || zscore !== undefined
    const found = comparable
      ? await rescanErrors(cohort, domain, domain === target ? undefined : zscore, width)
      : []
    errors.set(domain, found)
    onProgress({ stage: 'rescans', done: index + 1, total: domains.length })
  }
  return errors
}
