/** Who belongs together: relatives, or digital subjects made from one anatomy, are one subject in every split. */
import type { Cohort } from './cohort.ts'

/** The value of the column `family` of each subject that has one. */
function familiesOf({ scans }: Cohort): ReadonlyMap<string, string> {
  const families = new Map<string, string>()
  for (const { subject, covariates } of scans) {
    const family = covariates['family']
    if (family !== undefined && family !== '' && family !== 'n/a') families.set(subject, family)
  }
  return families
}

/** The given subjects and everyone of the cohort with the same value in the column `family` as one of them. */
export function withFamilies(cohort: Cohort, subjects: readonly string[]): ReadonlySet<string> {
  const familyOf = familiesOf(cohort)
  const families = new Set(subjects.map((subject) => familyOf.get(subject)))
  families.delete(undefined)
  const related = cohort.scans
    .map(({ subject }) => subject)
    .filter((subject) => families.has(familyOf.get(subject)))
  return new Set([...subjects, ...related])
}

/** The given subjects, relatives together; each list and the lists themselves in alphabetical order. */
export function familyGroups(cohort: Cohort, subjects: readonly string[]): readonly (readonly string[])[] {
  const familyOf = familiesOf(cohort)
  const groups = new Map<string, string[]>()
  for (const subject of [...new Set(subjects)].toSorted()) {
    const family = familyOf.get(subject)
    const key = family === undefined ? `subject ${subject}` : `family ${family}`
    groups.set(key, [...(groups.get(key) ?? []), subject])
  }
  return [...groups.values()]
}
