/**
 * Writes a run down while it happens. Tracking must never end the work that it watches: what cannot be written is said once,
 * kept in memory, and tried again with the next entry.
 */
import { closeSync, constants, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import { copyFile, mkdir, readdir, rename, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { ConfigError, MissingError } from '../errors.ts'
import { sha256File, temporaryPath, withTemporary } from '../files.ts'
import { ARTIFACTS, LOG_FILE, type RunFolder, readLog } from './run-folder.ts'
import { completeLines, isInside, isName, metricValue, type RunEntry, type RunStatus } from './run-log.ts'

export type ParamValue = string | number | boolean

/** Everything that is tracked of a run. Names: letters, digits, `_ - . / :` and spaces. */
export interface Tracker {
  readonly run: RunFolder
  /** Settings of the run. What was logged once stays: another value is not taken. */
  params(values: Readonly<Record<string, ParamValue>>): void
  /** A step that was logged before an interruption is not logged again. */
  metrics(values: Readonly<Record<string, number>>, step: number): void
  tags(values: Readonly<Record<string, string>>): void
  /** Copies a file, or every file of a folder, to `path` among the artifacts. */
  artifact(path: string, source: string): Promise<void>
  /** Makes an artifact folder known as a new version of a model. */
  model(name: string, folder: string): void
  /** Nothing is written after it. */
  end(status: Exclude<RunStatus, 'running'>): void
}

/**
 * Begins a run, or goes on with one that was interrupted.
 * @param onProblem hears, once, that the run cannot be written
 * @throws {MissingError} when the log cannot be opened
 */
export function openTracker(run: RunFolder, onProblem: (line: string) => void): Tracker {
  const append = appender(join(run.path, LOG_FILE), onProblem)
  const known = knownOf(run)
  const now = (): number => Date.now()
  let ended = false
  const write = (entry: RunEntry): void => {
    if (!ended) append.line(JSON.stringify(entry))
  }
  write({ at: now(), status: 'running', host: hostname(), pid: process.pid })
  return {
    run,
    params(values) {
      for (const [param, value] of Object.entries(values)) {
        if (known.params.has(checked(param))) continue
        known.params.add(param)
        write({ at: now(), param, value: String(value) })
      }
    },
    metrics(values, step) {
      for (const [metric, value] of Object.entries(values)) {
        if (step <= (known.steps.get(checked(metric)) ?? -1)) continue
        known.steps.set(metric, step)
        write({ at: now(), metric, step, value: metricValue(value) })
      }
    },
    tags(values) {
      for (const [tag, value] of Object.entries(values)) write({ at: now(), tag: checked(tag), value })
    },
    async artifact(path, source) {
      if (!isInside(path)) throw new ConfigError(`An artifact cannot be called ${path}.`, 'Give a/b/c.')
      try {
        for (const [name, file] of await filesBelow(path, source)) {
          const entry = await copyArtifact(run, name, file)
          write({ at: now(), ...entry })
        }
      } catch (error) {
        onProblem(`${path} was not kept with the run: ${error instanceof Error ? error.message : error}`)
      }
    },
    model(name, folder) {
      write({ at: now(), model: checked(name), folder })
    },
    end(status) {
      write({ at: now(), status })
      ended = true
      append.close()
    },
  }
}

function checked(name: string): string {
  if (isName(name)) return name
  throw new ConfigError(
    `Nothing can be tracked as "${name}".`,
    'Use letters, digits, spaces and _ - . / : only.',
  )
}

/** What the log already holds. */
function knownOf(run: RunFolder): { readonly params: Set<string>; readonly steps: Map<string, number> } {
  const params = new Set<string>()
  const steps = new Map<string, number>()
  for (const { entry } of readLog(run))
    if ('param' in entry) params.add(entry.param)
    else if ('metric' in entry) steps.set(entry.metric, Math.max(entry.step, steps.get(entry.metric) ?? -1))
  return { params, steps }
}

interface Appender {
  line(text: string): void
  close(): void
}

/**
 * Lines at the end of a file, each whole or not there: what a full disk cuts off is taken back. Each line is given to the
 * system before the next step of the work, so that a killed process loses none.
 */
function appender(path: string, onProblem: (line: string) => void): Appender {
  let file: number
  let size: number
  try {
    file = openSync(path, constants.O_RDWR | constants.O_CREAT)
    size = completeLines(readFileSync(file)).length
    ftruncateSync(file, size)
  } catch (cause) {
    throw new MissingError(
      `${path} cannot be written: ${(cause as Error).message}.`,
      'Check free space and permissions of its folder.',
      { cause },
    )
  }
  let waiting = ''
  let told = false
  const flush = (): void => {
    const bytes = Buffer.from(waiting)
    try {
      for (let done = 0; done < bytes.length; )
        done += writeSync(file, bytes, done, bytes.length - done, size + done)
      size += bytes.length
      waiting = ''
    } catch (error) {
      if (!told) onProblem(`the run cannot be written down: ${(error as Error).message}`)
      told = true
      try {
        ftruncateSync(file, size)
      } catch {
        // a disk that takes nothing back: readers pass over the torn line
      }
    }
  }
  return {
    line(text) {
      waiting += `${text}\n`
      flush()
    },
    close() {
      if (waiting !== '') {
        flush()
        if (waiting !== '') onProblem(`${waiting.split('\n').length - 1} entries of the run were lost`)
      }
      try {
        fsyncSync(file)
      } catch {
        // said when it was written
      }
      closeSync(file)
    },
  }
}

/** Name among the artifacts and place of a file, or of every file of a folder. */
async function filesBelow(name: string, source: string): Promise<readonly (readonly [string, string])[]> {
  if (!(await stat(source)).isDirectory()) return [[name, source]]
  const entries = await readdir(source, { withFileTypes: true })
  const found: (readonly [string, string])[] = []
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1)))
    if (entry.isFile() || entry.isDirectory())
      found.push(...(await filesBelow(`${name}/${entry.name}`, join(source, entry.name))))
  return found
}

async function copyArtifact(
  run: RunFolder,
  name: string,
  source: string,
): Promise<{ readonly artifact: string; readonly bytes: number; readonly sha256: string }> {
  const place = join(run.path, ARTIFACTS, ...name.split('/'))
  await mkdir(dirname(place), { recursive: true })
  const temporary = temporaryPath(dirname(place))
  return withTemporary(temporary, async () => {
    await copyFile(source, temporary, constants.COPYFILE_FICLONE)
    const { size } = await stat(temporary)
    const sha256 = await sha256File(temporary)
    await rename(temporary, place)
    return { artifact: name, bytes: size, sha256 }
  })
}
