/**
 * Brings a run folder to an MLflow server: what the server does not have yet, in the order in which it was written, and no
 * further than it answers. Repeating it is safe, so a server that was away, a crash and a continued run need nothing special.
 */
import { lstat, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { MissingError } from '../errors.ts'
import { sha256, temporaryPath, withTemporary, writeFileAtomic } from '../files.ts'
import { type Batch, type MlflowApi, type MlflowRun, type MlflowStatus, mlflowApi } from './mlflow-api.ts'
import { MlflowError, type MlflowHttp } from './mlflow-http.ts'
import { ARTIFACTS, type RunFolder, readLog, stateOf } from './run-folder.ts'
import type { PlacedEntry, RunEntry, RunStatus } from './run-log.ts'

/** What one call of `runs/log-batch` takes. */
const MOST: Readonly<Record<Kind, number>> = { metric: 1000, param: 100, tag: 100, other: 0 }
const NONE: Readonly<Record<Kind, number>> = { metric: 0, param: 0, tag: 0, other: 0 }
const MOST_IN_ALL = 1000
/** Characters; a longer value of a parameter is cut by the server without a word, a longer tag refused. */
const LONGEST_PARAM = 6000
const LONGEST_TAG = 5000
/** The tag by which a server knows a run again. */
const RUN_TAG = 'attune.run'

/** How far a server knows of a run. */
export interface Sent {
  readonly schema: 'attune-sent/1'
  readonly server: string
  readonly experimentId: string
  readonly runId: string
  readonly artifactUri: string
  /** Bytes of the log that the server has answered for. */
  readonly bytes: number
  /** What the server did not take, and why. */
  readonly refused: readonly string[]
}

const sentSchema: z.ZodType<Sent> = z.strictObject({
  schema: z.literal('attune-sent/1'),
  server: z.string(),
  experimentId: z.string(),
  runId: z.string(),
  artifactUri: z.string(),
  bytes: z.int().nonnegative(),
  refused: z.array(z.string()),
})

export interface SendResult extends Sent {
  /** Entries that were sent now. */
  readonly entries: number
}

/** What is known to have reached a server; `undefined` where nothing has. */
export async function readSent(run: RunFolder, server: string): Promise<Sent | undefined> {
  try {
    return sentSchema.parse(JSON.parse(await readFile(sentFile(run, server), 'utf8')))
  } catch {
    return undefined
  }
}

/**
 * @param runId go on with this run of the server, instead of one of our own
 * @throws {MissingError} when the server cannot be reached or refuses; what it has taken stays taken
 */
export async function sendRun(run: RunFolder, http: MlflowHttp, runId?: string): Promise<SendResult> {
  const api = mlflowApi(http)
  let sent = await begun(run, http, api, runId)
  const log = readLog(run)
  const target: MlflowRun = { runId: sent.runId, artifactUri: sent.artifactUri }
  const news = log.filter(({ end }) => end > sent.bytes)
  for (const group of groupsOf(news)) {
    const refused = await sendGroup(run, api, target, group)
    const bytes = group.at(-1)?.end ?? sent.bytes
    sent = { ...sent, bytes, refused: [...sent.refused, ...refused] }
    await keep(run, sent)
  }
  if (stateOf(log) === 'interrupted') await api.status(sent.runId, 'KILLED', log.at(-1)?.entry.at)
  return { ...sent, entries: news.length }
}

/** The run on the server, known from before or made. */
async function begun(
  run: RunFolder,
  http: MlflowHttp,
  api: MlflowApi,
  runId: string | undefined,
): Promise<Sent> {
  const known = await readSent(run, http.url)
  if (known !== undefined) return known
  const { facts } = run
  const experimentId = await api.experiment(facts.experiment)
  const target =
    runId === undefined
      ? await api.run(
          { key: RUN_TAG, value: facts.id },
          { experimentId, name: facts.name, started: facts.started, tags: [] },
        )
      : await api.runById(runId)
  const { runId: id, artifactUri } = target
  const sent: Sent = {
    schema: 'attune-sent/1',
    ...{ server: http.url, experimentId, runId: id, artifactUri, bytes: 0, refused: [] },
  }
  await keep(run, sent)
  return sent
}

function sentFile({ path }: RunFolder, server: string): string {
  return join(path, 'sent', `${sha256(server).slice(0, 16)}.json`)
}

async function keep(run: RunFolder, sent: Sent): Promise<void> {
  await writeFileAtomic(sentFile(run, sent.server), `${JSON.stringify(sent, null, 2)}\n`)
}

type Kind = 'metric' | 'param' | 'tag' | 'other'

function kindOf(entry: RunEntry): Kind {
  return 'metric' in entry ? 'metric' : 'param' in entry ? 'param' : 'tag' in entry ? 'tag' : 'other'
}

/** Runs of entries that one call takes; what is neither metric, parameter nor tag stands alone. */
function groupsOf(entries: readonly PlacedEntry[]): readonly (readonly PlacedEntry[])[] {
  const groups: PlacedEntry[][] = []
  let room = { ...NONE }
  for (const placed of entries) {
    const kind = kindOf(placed.entry)
    const group = groups.at(-1)
    if (group === undefined || group.length === MOST_IN_ALL || room[kind] === 0) {
      groups.push([placed])
      room = kind === 'other' ? { ...NONE, other: 1 } : { ...MOST }
    } else group.push(placed)
    room[kind] -= 1
  }
  return groups
}

/** @returns what the server did not take, and why */
async function sendGroup(
  run: RunFolder,
  api: MlflowApi,
  target: MlflowRun,
  group: readonly PlacedEntry[],
): Promise<readonly string[]> {
  const entries = group.map(({ entry }) => entry)
  const [first] = entries
  if (first === undefined) return []
  if ('status' in first) {
    await api.status(target.runId, STATUS[first.status], first.status === 'running' ? undefined : first.at)
    return []
  }
  if ('artifact' in first) {
    const file = join(run.path, ARTIFACTS, ...first.artifact.split('/'))
    return refusedOr(first.artifact, () => uploadFile(api, target, first.artifact, file))
  }
  if ('model' in first)
    return refusedOr(`model ${first.model}`, async () => {
      await api.modelVersion(first.model, target, first.folder)
    })
  return [...(await logEntries(api, target, entries)), ...(await sendLongValues(run, api, target, entries))]
}

const STATUS: Readonly<Record<RunStatus, MlflowStatus>> = {
  running: 'RUNNING',
  finished: 'FINISHED',
  failed: 'FAILED',
  killed: 'KILLED',
}

async function uploadFile(api: MlflowApi, target: MlflowRun, path: string, file: string): Promise<void> {
  const facts = await lstat(file).catch(() => undefined)
  if (!facts?.isFile())
    throw new MissingError(`${file} is not there any more.`, 'Send the run before it is tidied up.')
  await api.upload(target, path, file)
}

/** What one artifact or model is refused for does not hold up the others; what concerns all of them does. */
async function refusedOr(name: string, work: () => Promise<void>): Promise<readonly string[]> {
  try {
    await work()
    return []
  } catch (error) {
    const ofAll =
      error instanceof MlflowError && (error.passing || error.status === 401 || error.status === 403)
    if (ofAll || !(error instanceof MissingError)) throw error
    return [`${name}: ${error.what}`]
  }
}

/** A batch that is refused is halved, until the entry is found that the server does not take. */
async function logEntries(
  api: MlflowApi,
  target: MlflowRun,
  entries: readonly RunEntry[],
): Promise<readonly string[]> {
  try {
    await api.log(target.runId, batchOf(entries))
    return []
  } catch (error) {
    if (!(error instanceof MlflowError && error.status === 400)) throw error
    await api.requireActive(target.runId)
    const [only] = entries
    if (entries.length === 1 && only !== undefined) return [`${kindOf(only)} ${nameOf(only)}: ${error.what}`]
    const half = entries.length >> 1
    return [
      ...(await logEntries(api, target, entries.slice(0, half))),
      ...(await logEntries(api, target, entries.slice(half))),
    ]
  }
}

function batchOf(entries: readonly RunEntry[]): Batch {
  return {
    metrics: entries.flatMap((entry) =>
      'metric' in entry
        ? [{ key: entry.metric, value: entry.value, timestamp: entry.at, step: entry.step }]
        : [],
    ),
    params: entries.flatMap((entry) =>
      'param' in entry ? [{ key: entry.param, value: fitted(entry, LONGEST_PARAM) }] : [],
    ),
    tags: entries.flatMap((entry) =>
      'tag' in entry ? [{ key: entry.tag, value: fitted(entry, LONGEST_TAG) }] : [],
    ),
  }
}

function nameOf(entry: RunEntry): string {
  return 'metric' in entry ? entry.metric : 'param' in entry ? entry.param : 'tag' in entry ? entry.tag : ''
}

type Text = Extract<RunEntry, { param: string } | { tag: string }>

function longestOf(entry: Text): number {
  return 'param' in entry ? LONGEST_PARAM : LONGEST_TAG
}

/** Where the whole of a long value is found among the artifacts. */
function longValuePath(entry: Text): string {
  return `long-values/${kindOf(entry)}-${nameOf(entry).replaceAll('/', '_')}.txt`
}

/** The value, or its start with a word on where the rest is. */
function fitted(entry: Text, longest: number): string {
  const { value } = entry
  if (value.length <= longest) return value
  const note = ` ... (${value.length} characters; whole in ${longValuePath(entry)})`
  return value.slice(0, longest - note.length) + note
}

async function sendLongValues(
  run: RunFolder,
  api: MlflowApi,
  target: MlflowRun,
  entries: readonly RunEntry[],
): Promise<readonly string[]> {
  const refused: string[] = []
  for (const entry of entries)
    if (('param' in entry || 'tag' in entry) && entry.value.length > longestOf(entry)) {
      const file = temporaryPath(run.path)
      const path = longValuePath(entry)
      refused.push(
        ...(await refusedOr(path, () =>
          withTemporary(file, async () => {
            await writeFile(file, entry.value, { flag: 'wx' })
            await api.upload(target, path, file)
          }),
        )),
      )
    }
  return refused
}
