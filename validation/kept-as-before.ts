/** What a harmonizer does to images of the reference scanner, and to two scans of one person on a source scanner. */
import type { Cohort, Scan } from '../src/cohort/cohort.ts'
import type { ConsistencyResult, Evidence } from '../src/evidence/evidence.ts'
import { consistencyOf } from '../src/harmonizer/consistency.ts'
import { referenceChanges } from '../src/harmonizer/reference-change.ts'
import type { Correction } from './corrections.ts'

export interface KeptInput {
  /** Source scanners. */
  readonly domains: readonly string[]
  readonly references: readonly Scan[]
  /** Of the reference's robust range. */
  readonly width: number
}

export async function keptAsBefore(
  cohort: Cohort,
  { unguarded, share }: Correction,
  { domains, references, width }: KeptInput,
): Promise<Required<Pick<Evidence, 'referenceChanges' | 'consistency'>>> {
  const consistency: ConsistencyResult[] = []
  for (const domain of domains)
    consistency.push(...(await consistencyOf(cohort, domain, unguarded, width, share)))
  return { referenceChanges: await referenceChanges(references, unguarded, width), consistency }
}
