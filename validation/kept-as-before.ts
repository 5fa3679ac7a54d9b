/** What a harmonizer does to images of the reference scanner, and to two scans of one person on a source scanner. */
import type { Cohort, Scan } from '../src/cohort/cohort.ts'
import type { ConsistencyResult, Evidence } from '../src/evidence/evidence.ts'
import { consistencyOf } from '../src/harmonizer/consistency.ts'
import { referenceChanges } from '../src/harmonizer/reference-change.ts'
import type { ZScoreModel } from '../src/intensity/zscore.ts'
import type { Correction } from './corrections.ts'

export interface KeptInput {
  /** Source scanners. */
  readonly domains: readonly string[]
  readonly references: readonly Scan[]
  /** Of the reference's robust range. */
  readonly width: number
  /** What rescans are compared after; where the bundle holds none, they are not. */
  readonly zscore: ZScoreModel | undefined
}

export async function keptAsBefore(
  cohort: Cohort,
  { apply }: Correction,
  { domains, references, width, zscore }: KeptInput,
): Promise<Required<Pick<Evidence, 'referenceChanges' | 'consistency'>>> {
  const consistency: ConsistencyResult[] = []
  if (zscore !== undefined)
    for (const domain of domains)
      consistency.push(...(await consistencyOf(cohort, domain, zscore, apply, width)))
  return { referenceChanges: await referenceChanges(references, apply, width), consistency }
}
