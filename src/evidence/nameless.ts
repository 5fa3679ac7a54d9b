/** Results without names, for places where others read them. */
import { type Evidence, NOT_TESTED } from './evidence.ts'

/** Where evidence names a person, a visit, a file, or a folder (in the command). */
const PEOPLE = new Set(['subject', 'subjects', 'trainingSubjects'])
const VISITS = new Set(['session', 'sessions', 'sourceSession', 'targetSession'])

/**
 * The same figures, of `person-1`, `person-2`, ... and `visit-1`, ...; files are named by the start of their hash, the cohort by that of its own.
 * Pictures stay: slices without a face.
 */
export function withoutNames(evidence: Evidence): Evidence {
  const people = numbered('person', namesUnder(evidence, PEOPLE))
  const visits = numbered('visit', namesUnder(evidence, VISITS))
  const { provenance } = evidence
  const { domains } = evidence.design
  const renamed = renamer(people, visits, domains)(evidence) as Evidence
  return {
    ...renamed,
    limits: renamed.limits.map((limit) =>
      limit.startsWith(NOT_TESTED) ? `${NOT_TESTED}: some people.` : limit,
    ),
    provenance: {
      ...provenance,
      command: 'attune validate',
      cohort: { ...provenance.cohort, name: provenance.cohort.sha256.slice(0, 12) },
      inputs: provenance.inputs.map(({ subject, session, domain, sha256 }) => ({
        subject: people.get(subject) as string,
        session: visits.get(session) as string,
        ...{ domain, sha256, name: sha256.slice(0, 12) },
      })),
    },
  }
}

/** Every text, or text of a list, that stands under one of these keys. */
function namesUnder(value: unknown, keys: ReadonlySet<string>): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((item) => namesUnder(item, keys))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, item]) =>
    keys.has(key)
      ? [item].flat().filter((name): name is string => typeof name === 'string')
      : namesUnder(item, keys),
  )
}

function numbered(kind: string, names: readonly string[]): ReadonlyMap<string, string> {
  return new Map([...new Set(names)].sort().map((name, i) => [name, `${kind}-${i + 1}`]))
}

/** Under their keys, and in texts, where people stand as `NAME, scanner`. */
function renamer(
  people: ReadonlyMap<string, string>,
  visits: ReadonlyMap<string, string>,
  domains: readonly string[],
): (value: unknown) => unknown {
  const scanner = domains.map(escaped).join('|')
  const patterns = [...people].map(
    ([name, instead]) =>
      [new RegExp(`(?<![\\p{L}\\p{N}_.-])${escaped(name)}(?=, (?:${scanner}))`, 'gu'), instead] as const,
  )
  const under = (key: string, value: unknown): unknown => {
    const names = PEOPLE.has(key) ? people : VISITS.has(key) ? visits : undefined
    if (names === undefined) return walk(value)
    if (typeof value === 'string') return names.get(value)
    return Array.isArray(value) && typeof value[0] === 'string'
      ? value.map((name: string) => names.get(name))
      : walk(value)
  }
  const walk = (value: unknown): unknown => {
    if (typeof value === 'string')
      return patterns.reduce((said, [name, instead]) => said.replaceAll(name, instead), value)
    if (Array.isArray(value)) return value.map(walk)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, under(key, item)]))
  }
  return walk
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/-]/g, '\\$&')
}
