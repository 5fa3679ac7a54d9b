/** A run as its log leaves it: the last value of everything, for tables and for the export. */
import { type RunFacts, type RunFolder, type RunState, readLog, stateOf } from './run-folder.ts'
import type { MetricEntry, RunEntry } from './run-log.ts'

export interface RunSummary extends Omit<RunFacts, 'schema' | 'key'> {
  readonly path: string
  readonly state: RunState
  /** From the start to the last entry, interruptions included. */
  readonly seconds: number
  /** When it ended, where it did: milliseconds since 1970. */
  readonly ended?: number
  readonly params: Readonly<Record<string, string>>
  /** The last step of each. */
  readonly metrics: Readonly<Record<string, Pick<MetricEntry, 'step' | 'value'>>>
  readonly tags: Readonly<Record<string, string>>
  readonly artifacts: Readonly<Record<string, { readonly bytes: number; readonly sha256: string }>>
  /** Names that folders of artifacts are known by as models. */
  readonly models: Readonly<Record<string, string>>
}

export interface RunDetails extends RunSummary {
  /** Every step of every metric. */
  readonly history: readonly MetricEntry[]
}

/** @throws {InputError} when the log cannot be read */
export function detailsOf(run: RunFolder): RunDetails {
  const log = readLog(run)
  const entries = log.map(({ entry }) => entry)
  const { schema: _schema, key: _key, ...facts } = run.facts
  const last = entries.at(-1)?.at ?? facts.started
  const state = stateOf(log)
  const history = entries.filter((entry): entry is MetricEntry => 'metric' in entry)
  const latest = new Map<string, MetricEntry>()
  for (const entry of history)
    if (entry.step >= (latest.get(entry.metric)?.step ?? 0)) latest.set(entry.metric, entry)
  const collect = <T>(pick: (entry: RunEntry) => readonly [string, T] | undefined): Record<string, T> =>
    Object.fromEntries(entries.flatMap((entry) => [pick(entry) ?? []].filter((pair) => pair.length === 2)))
  return {
    ...{ path: run.path, ...facts, state, seconds: (last - facts.started) / 1000 },
    ...(state !== 'running' && state !== 'elsewhere' && { ended: last }),
    params: collect((entry) => ('param' in entry ? [entry.param, entry.value] : undefined)),
    metrics: Object.fromEntries([...latest].map(([name, { step, value }]) => [name, { step, value }])),
    tags: collect((entry) => ('tag' in entry ? [entry.tag, entry.value] : undefined)),
    artifacts: collect((entry) =>
      'artifact' in entry ? [entry.artifact, { bytes: entry.bytes, sha256: entry.sha256 }] : undefined,
    ),
    models: collect((entry) => ('model' in entry ? [entry.model, entry.folder] : undefined)),
    history,
  }
}

export function summaryOf(run: RunFolder): RunSummary {
  const { history: _history, ...summary } = detailsOf(run)
  return summary
}
