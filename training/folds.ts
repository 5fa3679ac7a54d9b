/** Who is left out when: relatives together, at most five times, and never everyone who links a scanner to the target. */
import { type Cohort, type Pair, pairsOf } from '../src/cohort/cohort.ts'
import { familyGroups } from '../src/cohort/families.ts'

const MOST_FOLDS = 5

export interface Fold {
  /** Subjects left out of the fit; nobody where a fit is scored on the people it was fitted to. */
  readonly held: readonly string[]
  /** Pairs that the fit is scored on. */
  readonly scored: readonly Pair[]
}

export interface Folds {
  readonly kind: 'leave-one-out' | 'within-subject'
  /** People with a pair, families counted as one: of the source domain with the fewest. */
  readonly travelers: number
  readonly folds: readonly Fold[]
  /** The same key for subjects that belong together. */
  readonly groupOf: (subject: string) => string
  readonly remarks: readonly string[]
}

/** Leaves travelers out in turn; where a scanner is linked to the target by one of them alone, nobody is left out. */
export function foldsOf(cohort: Cohort, target: string): Folds {
  const pairs = pairsOf(cohort, target)
  const linking = (subjects: readonly string[]): readonly string[] => [
    ...new Set(pairs.filter(({ subject }) => subjects.includes(subject)).map(({ source }) => source.domain)),
  ]
  // alike in the scanners they visited stand side by side, and so fall into different folds
  const groups = familyGroups(
    cohort,
    pairs.map(({ subject }) => subject),
  ).toSorted((a, b) => linking(a).toSorted().join().localeCompare(linking(b).toSorted().join(), 'en'))
  const groupOf = (subject: string): string =>
    groups.find((group) => group.includes(subject))?.join() ?? subject
  const domains = linking(pairs.map(({ subject }) => subject))
  const counts = domains.map((domain) => groups.filter((group) => linking(group).includes(domain)).length)
  const travelers = Math.min(...counts)
  const shared = { travelers, groupOf }
  const everyone: Folds = {
    ...shared,
    kind: 'within-subject',
    folds: [{ held: [], scored: pairs }],
    remarks: [],
  }
  if (travelers < 2) return everyone
  const count = Math.min(MOST_FOLDS, groups.length)
  const folds = Array.from({ length: count }, (_, k): Fold => {
    const held = groups.filter((_group, index) => index % count === k).flat()
    const learned = new Set(linking(groups.flat().filter((subject) => !held.includes(subject))))
    const scored = pairs.filter(({ subject, source }) => held.includes(subject) && learned.has(source.domain))
    return { held, scored }
  })
  const scored = folds.flatMap((fold) => fold.scored)
  const unscored = domains.filter((domain) => !scored.some(({ source }) => source.domain === domain))
  if (unscored.length > 0)
    return {
      ...everyone,
      travelers: 1,
      remarks: [
        `Nobody could be left out: all who link ${unscored.join(', ')} to ${target} fell into one fold.`,
      ],
    }
  const missing = pairs.length - scored.length
  const remarks =
    missing === 0
      ? []
      : [`${missing} of ${pairs.length} scans were not scored: nobody else links their scanner to ${target}.`]
  return { ...shared, kind: 'leave-one-out', folds, remarks }
}
