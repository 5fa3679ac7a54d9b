/** Who may be tested: nobody that the harmonizer was trained on, nor their family. */
import type { Cohort } from '../src/cohort/cohort.ts'
import { ConfigError, RefusedError } from '../src/errors.ts'

export interface Choice {
  readonly kind: 'held-out' | 'within-subject'
  readonly subjects: readonly string[]
  /** Subjects of the cohort that were not tested because training saw them or a relative. */
  readonly leftOut: readonly string[]
}

/**
 * Without `wanted`, everyone that training has not seen; with `withinSubject`, those it has seen.
 * Subjects with the same value in the column `family` (relatives, or digital subjects made from one anatomy) count as one.
 * @throws {RefusedError} when a wanted subject was trained on, or nobody is left
 */
export function chooseSubjects(
  cohort: Cohort,
  trained: readonly string[],
  { wanted, withinSubject = false }: { wanted?: readonly string[] | undefined; withinSubject?: boolean },
): Choice {
  const everyone = [...new Set(cohort.scans.map(({ subject }) => subject))].toSorted()
  const unknown = (wanted ?? []).filter((subject) => !everyone.includes(subject))
  if (unknown.length > 0)
    throw new ConfigError(
      `${cohort.source} has no subject ${unknown.join(', ')}.`,
      `Its subjects are ${everyone.join(', ')}.`,
    )
  const seen = withFamilies(cohort, trained)
  const asked = wanted ?? everyone
  if (withinSubject) {
    const subjects = asked.filter((subject) => trained.includes(subject))
    if (subjects.length > 0) return { kind: 'within-subject', subjects, leftOut: [] }
    throw new RefusedError(
      `The harmonizer was trained on none of ${asked.join(', ')}: that is no check within subjects.`,
      'Leave out --within-subject.',
    )
  }
  const subjects = asked.filter((subject) => !seen.has(subject))
  const leaked = asked.filter((subject) => seen.has(subject))
  if (subjects.length === 0 || (wanted !== undefined && leaked.length > 0))
    throw new RefusedError(
      `The harmonizer was trained on ${leaked.join(', ') || 'every subject'}, or on a relative: testing there would measure memory.`,
      'Test other subjects (train with --exclude-subjects), or label it as what it is with --within-subject.',
    )
  return { kind: 'held-out', subjects, leftOut: leaked }
}

/** The value in the column `family`; a subject without one is a family of its own. */
export function familiesOf({ scans }: Cohort): (subject: string) => string {
  const known = new Map(
    scans.flatMap(({ subject, covariates: { family } }) =>
      family === undefined || family === '' || family === 'n/a'
        ? []
        : [[subject, `family ${family}`] as const],
    ),
  )
  return (subject) => known.get(subject) ?? subject
}

function withFamilies(cohort: Cohort, trained: readonly string[]): ReadonlySet<string> {
  const familyOf = familiesOf(cohort)
  const families = new Set(trained.map(familyOf))
  const related = cohort.scans.flatMap(({ subject }) => (families.has(familyOf(subject)) ? [subject] : []))
  return new Set([...trained, ...related])
}
