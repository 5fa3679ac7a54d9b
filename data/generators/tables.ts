/** Tables of a simulated cohort, and the record of everything that was drawn. */
import * as bids from './bids.ts'
import type { SampledHead, SimulatedSubject } from './heads.ts'
import type { Pose } from './motion.ts'
import type { Settings } from './options.ts'
import type { ScanConditions } from './scan.ts'
import type { Scanner } from './scanner.ts'

export interface ScanRow {
  readonly subject: SimulatedSubject
  readonly scanner: Scanner
  readonly session: string
  readonly path: string
  readonly map: Pick<SampledHead, 'tissuePath' | 'lesionPath'>
  readonly conditions: ScanConditions
  readonly pose: Pose | undefined
}

const PERSON = ['age', 'sex', 'group'] as const

function personCells({ participant }: SimulatedSubject): readonly (string | number)[] {
  return participant ? PERSON.map((name) => participant[name]) : []
}

export function cohortTable(rows: readonly ScanRow[], lesions: boolean): string {
  const lesionColumn = (value: string): readonly string[] => (lesions ? [value] : [])
  const person = rows[0]?.subject.participant ? PERSON : []
  return bids.toTsv([
    ['subject', 'domain', 'session', 'image', 'tissue', ...lesionColumn('lesions'), 'family', ...person],
    ...rows.map(({ subject, scanner, session, path, map }) => [
      `sub-${subject.subject}`,
      scanner.domain,
      session,
      path,
      map.tissuePath,
      ...lesionColumn(map.lesionPath),
      subject.family,
      ...personCells(subject),
    ]),
  ])
}

/** Sessions of one subject, with the scanner that a BIDS dataset takes its domains from (`--domain-from column:scanner`). */
export function sessionsTable(rows: readonly ScanRow[], subject: string): string {
  const own = rows.filter((row) => row.subject.subject === subject)
  return bids.toTsv([
    ['session_id', 'scanner'],
    ...own.map(({ session, scanner }) => [`ses-${session}`, scanner.domain]),
  ])
}

/** @param sites domain of each subject where each is scanned on one scanner */
export function participantsTable(
  subjects: readonly SimulatedSubject[],
  sites: readonly string[] | undefined,
): string {
  const person = subjects[0]?.participant ? PERSON : []
  return bids.toTsv([
    ['participant_id', 'family', ...person, ...(sites ? ['site'] : [])],
    ...subjects.map((subject, i) => [
      `sub-${subject.subject}`,
      subject.family,
      ...personCells(subject),
      ...(sites ? [sites[i] as string] : []),
    ]),
  ])
}

export function parametersJson(
  settings: Settings,
  version: string,
  subjects: readonly SimulatedSubject[],
  scanners: readonly Scanner[],
  rows: readonly ScanRow[],
): string {
  const scans = rows.map(({ path, scanner, conditions, pose }) => ({
    image: path,
    domain: scanner.domain,
    ...conditions,
    ...(pose && { pose }),
  }))
  return bids.toJson({
    generator: { name: bids.GENERATOR, version },
    options: settings,
    scanners,
    subjects,
    scans,
  })
}
