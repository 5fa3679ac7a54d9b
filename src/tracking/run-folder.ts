/**
 * Runs as folders that need no server:
 *
 *     attune-runs/
 *       20261121-173348-1a2b3c4d/
 *         run.json       what it is; written once
 *         log.ndjson     parameters, metrics by step, tags, artifacts, status: appended (run-log.ts)
 *         artifacts/     copies of what the run made
 *         sent/          how far each server knows of it (sent.ts)
 *
 * What stands in a run folder may be sent: writers put no subject's name and no path there.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, join, sep } from 'node:path'
import * as z from 'zod'
import { ConfigError, InputError, MissingError } from '../errors.ts'
import { completeLines, type PlacedEntry, parseLog, type RunStatus } from './run-log.ts'

const RUN_SCHEMA = 'attune-run/1'
const RUN_FILE = 'run.json'
export const LOG_FILE = 'log.ndjson'
export const ARTIFACTS = 'artifacts'
/** Folder of runs where none is named. */
export const RUNS_FOLDER = 'attune-runs'

export interface RunFacts {
  readonly schema: typeof RUN_SCHEMA
  /** 32 hexadecimal digits, as MLflow's. */
  readonly id: string
  readonly name: string
  readonly experiment: string
  /** Runs with equal keys do the same work: one may be the other's continuation. */
  readonly key: string
  /** Milliseconds since 1970, UTC. */
  readonly started: number
}

const runSchema: z.ZodType<RunFacts> = z.strictObject({
  schema: z.literal(RUN_SCHEMA),
  id: z.string().regex(/^[0-9a-f]{32}$/),
  name: z.string().min(1),
  experiment: z.string().min(1),
  key: z.string(),
  started: z.int().positive(),
})

export interface RunFolder {
  readonly path: string
  readonly facts: RunFacts
}

/**
 * Makes a run folder, whole or not at all. It does not wait, so that a training can begin its run between two steps.
 * @throws {MissingError} when it cannot be written
 */
export function createRunFolder(
  runs: string,
  facts: Pick<RunFacts, 'name' | 'experiment' | 'key'>,
): RunFolder {
  const started = Date.now()
  const id = randomBytes(16).toString('hex')
  const [day, time] = new Date(started).toISOString().replaceAll(/[-:]/g, '').split(/[T.]/)
  const path = join(runs, `${day}-${time}-${id.slice(0, 8)}`)
  const whole: RunFacts = { schema: RUN_SCHEMA, id, ...facts, started }
  const temporary = join(runs, `.attune-${id}.tmp`)
  try {
    mkdirSync(temporary, { recursive: true })
    writeFileSync(join(temporary, RUN_FILE), `${JSON.stringify(whole, null, 2)}\n`)
    renameSync(temporary, path)
  } catch (cause) {
    if (existsSync(temporary)) rmSync(temporary, { recursive: true })
    throw new MissingError(
      `${path} cannot be written: ${(cause as Error).message}.`,
      'Check free space and permissions of its folder, or leave --track out.',
      { cause },
    )
  }
  return { path, facts: whole }
}

/** @throws {InputError} when it is not a run folder */
export async function readRunFolder(path: string): Promise<RunFolder> {
  const file = join(path, RUN_FILE)
  try {
    return { path, facts: runSchema.parse(JSON.parse(await readFile(file, 'utf8'))) }
  } catch (cause) {
    throw new InputError(
      `${file} cannot be read as a run.`,
      'Give a folder that `attune train --track` wrote.',
      { cause },
    )
  }
}

/** Every run of a folder, the oldest first; none where the folder is not there. What is no run is passed over. */
export async function listRuns(runs: string): Promise<readonly RunFolder[]> {
  const names = await readdir(runs).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return []
    throw new InputError(`${runs} cannot be read: ${error.message}.`, 'Give a folder of runs.')
  })
  const found: RunFolder[] = []
  for (const name of names.sort())
    if (/^\d{8}-\d{6}-[0-9a-f]{8}$/.test(name)) {
      const run = await readRunFolder(join(runs, name)).catch(() => undefined)
      if (run !== undefined) found.push(run)
    }
  return found.toSorted((a, b) => a.facts.started - b.facts.started)
}

/**
 * The runs that are meant by a path, a folder's name or the start of an id; all of the folder where none is named.
 * @throws {ConfigError} when a word names no run, or several
 */
export async function chooseRuns(runs: string, words: readonly string[]): Promise<readonly RunFolder[]> {
  const all = await listRuns(runs)
  if (words.length === 0) return all
  return Promise.all(
    words.map(async (word) => {
      if (word.includes(sep)) return readRunFolder(word)
      const [found, ...others] = all.filter(
        ({ path, facts }) => basename(path) === word || facts.id.startsWith(word),
      )
      if (found !== undefined && others.length === 0) return found
      throw new ConfigError(
        found === undefined ? `${runs} has no run ${word}.` : `${word} names ${others.length + 1} runs.`,
        'Give the id that `attune track list` shows, or enough of its start.',
      )
    }),
  )
}

/** Its log as bytes, up to the last complete line, and as entries. */
export function readLog({ path }: RunFolder, from = 0): readonly PlacedEntry[] {
  const file = join(path, LOG_FILE)
  let bytes: Uint8Array
  try {
    bytes = readFileSync(file)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw new InputError(`${file} cannot be read: ${(cause as Error).message}.`, 'Check its permissions.', {
      cause,
    })
  }
  return parseLog(completeLines(bytes), file, from)
}

/**
 * `interrupted`: it never said that it ended, and its process is gone. `elsewhere`: nor did it, but it ran on another machine,
 * of whose processes nothing is known here.
 */
export type RunState = RunStatus | 'interrupted' | 'elsewhere'

/** @param log all of it */
export function stateOf(log: readonly PlacedEntry[]): RunState {
  const last = log.map(({ entry }) => entry).findLast((entry) => 'status' in entry)
  if (last === undefined) return 'interrupted'
  if (!('pid' in last)) return last.status
  if (last.host !== hostname()) return 'elsewhere'
  return isAlive(last.pid) ? 'running' : 'interrupted'
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
