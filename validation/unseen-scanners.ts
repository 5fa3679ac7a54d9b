/** What happens to scans of a scanner that the harmonizer was not trained on. */
import { type Cohort, pairsOf } from '../src/cohort/cohort.ts'
import { loadPair, loadScan } from '../src/cohort/images.ts'
import { RefusedError, UnfittableError } from '../src/errors.ts'
import type { UnseenScanner } from '../src/evidence/evidence.ts'
import { applyClosedForm } from '../src/harmonizer/closed-form.ts'
import type { Harmonizer } from '../src/harmonizer/harmonizer.ts'
import { needsDomain } from '../src/harmonizer/ladder.ts'
import type { ClosedFormModel } from '../src/harmonizer/method.ts'
import { mae } from '../src/metrics/mae.ts'
import { toFloat32 } from '../src/volume/volume.ts'
import { medianFigure, type SubjectValue } from './figures.ts'
import type { FamilyOf } from './intervals.ts'

/**
 * Each other domain of the cohort: whether the harmonizer refuses its scans, and how near the target the methods bring them that
 * need not know the scanner (`identity` among them). The harmonizer itself is measured where it accepts them.
 * @param range the reference's robust range: unit of MAE
 */
export async function unseenScanners(
  cohort: Cohort,
  {
    target,
    known,
    range,
  }: { readonly target: string; readonly known: readonly string[]; readonly range: number },
  harmonizer: Harmonizer,
  baselines: readonly ClosedFormModel[],
  familyOf: FamilyOf,
): Promise<readonly UnseenScanner[]> {
  const tested = harmonizer.identity.method
  const methods = [{ kind: 'identity' } as const, ...baselines].filter(
    ({ kind }) => !needsDomain(kind) && kind !== tested,
  )
  const domains = [...new Set(cohort.scans.map(({ domain }) => domain))].filter(
    (domain) => domain !== target && !known.includes(domain),
  )
  const found: UnseenScanner[] = []
  for (const domain of domains.toSorted()) {
    const pairs = pairsOf(cohort, target).filter(({ source }) => source.domain === domain)
    const errors = new Map<string, SubjectValue[]>()
    const add = (method: string, subject: string, value: number): void => {
      errors.set(method, [...(errors.get(method) ?? []), { subject, value }])
    }
    let refusal: string | undefined
    for (const pair of pairs) {
      const own = await loadScan(pair.source)
      const shared = await loadPair(pair)
      const y = toFloat32(shared.target)
      for (const model of methods)
        try {
          const x = applyClosedForm(model, toFloat32(own.volume), own.mask, domain)
          add(model.kind, pair.subject, mae(x, y, shared.mask) / range)
        } catch (error) {
          if (!(error instanceof UnfittableError)) throw error
        }
      try {
        const { volume } = await harmonizer.apply(own.volume, { domain, mask: own.mask })
        add(tested, pair.subject, mae(toFloat32(volume), y, shared.mask) / range)
      } catch (error) {
        if (!(error instanceof RefusedError)) throw error
        refusal ??= error.what
      }
    }
    if (pairs.length === 0) continue
    const figures = [...errors].map(([method, rows]) =>
      medianFigure({ domain, familyOf }, method, 'mae', 'range', rows),
    )
    found.push({ domain, figures, ...(refusal !== undefined && { refusal }) })
  }
  return found
}
