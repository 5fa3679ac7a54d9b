/** Who belongs together: relatives, or digital subjects made from one anatomy, are one subject in every split. */
import type { Cohort } from './cohort.ts'

/** What stands for the family of a subject: the value of the column `family`, or without one the subject alone. */
export function familiesOf({ scans }: Cohort): (subject: string) => string {
  const known = new Map(
    scans.flatMap(({ subject, covariates: { family } }) =>
      family === undefined || family === '' || family === 'n/a'
        ? []
        : [[subject, `family ${family}`] as const],
    ),
  )
  return (subject) => known.get(subject) ?? `subject ${subject}`
}

/** The given subjects and everyone of the cohort who is of the family of one of them. */
export function withFamilies(cohort: Cohort, subjects: readonly string[]): ReadonlySet<string> {
  const familyOf = familiesOf(cohort)
  const families = new Set(subjects.map(familyOf))
  const related = cohort.scans.flatMap(({ subject }) => (families.has(familyOf(subject)) ? [subject] : []))
  return new Set([...subjects, ...related])
}

/** The given subjects, relatives together; each list and the lists themselves in alphabetical order. */
export function familyGroups(cohort: Cohort, subjects: readonly string[]): readonly (readonly string[])[] {
  const familyOf = familiesOf(cohort)
  const groups = new Map<string, string[]>()
  for (const subject of [...new Set(subjects)].toSorted())
    groups.set(familyOf(subject), [...(groups.get(familyOf(subject)) ?? []), subject])
  return [...groups.values()]
}
