/** A training written down as it happens: what its progress and its result become in a run. */

import { spawnSync } from 'node:child_process'
import { basename, join } from 'node:path'
import type { TrainProgress, TrainStart } from '../../training/fit.ts'
import type { Trained } from '../../training/train.ts'
import { AttuneError } from '../errors.ts'
import { sha256, temporaryPath, withTemporary, writeFileAtomic } from '../files.ts'
import { packageVersion } from '../package-root.ts'
import { ladderText } from '../report/ladder.ts'
import { type Follower, followRun } from '../tracking/follow.ts'
import type { MlflowServer } from '../tracking/mlflow-server.ts'
import { createRunFolder, listRuns, type RunFolder, readLog, stateOf } from '../tracking/run-folder.ts'
import { openTracker, type Tracker } from '../tracking/tracker.ts'
import { type PlaceOptions, placeOfRuns } from './track-options.ts'

export interface TrackedTraining {
  hear(event: TrainProgress): void
  /**
   * Keeps the bundle with the run, ends it, and waits until a server has it or is found to be away.
   * @returns the run; `undefined` where it could not be tracked
   */
  finish(result: Trained): Promise<RunFolder | undefined>
  fail(error: unknown): Promise<void>
}

export interface TrackOptions extends PlaceOptions {
  /** The bundle that is to be written. */
  readonly out: string
  readonly resume: boolean
}

/** Seconds that a server gets to hear of a training that is ended by a signal. */
const LAST_WORD = 5

/**
 * @returns `undefined` where nothing is to be tracked
 * @throws {MissingError} when the folder that `--track` names cannot be written; {ConfigError} for half of a server's credentials
 */
export async function trackTraining(options: TrackOptions): Promise<TrackedTraining | undefined> {
  const { environment, say } = options
  const place = await placeOfRuns('training', options)
  if (place === undefined) return undefined
  const { folder, server } = place
  const earlier = options.resume ? await listRuns(folder) : []
  const began = performance.now()
  let begun: { readonly tracker: Tracker; readonly follower: Follower | undefined } | undefined

  const begin = (start: TrainStart): void => {
    try {
      const run =
        continued(earlier, keyOf(start, options)) ??
        createRunFolder(folder, {
          name: basename(options.out, '.harmonizer'),
          experiment: environment['MLFLOW_EXPERIMENT_NAME'] || 'attune',
          key: keyOf(start, options),
        })
      const tracker = openTracker(run, say)
      begun = {
        tracker,
        follower: server && followRun(run, server, environment['MLFLOW_RUN_ID'] || undefined, say),
      }
      describe(tracker, start)
      process.once('exit', () => {
        if (begun !== undefined) killed(begun.tracker, server)
      })
    } catch (error) {
      if (!(error instanceof AttuneError)) throw error
      say(`The training is not tracked: ${error.what}`)
    }
  }

  return {
    hear(event) {
      if (event.stage === 'start') begin(event.start)
      else if (event.stage === 'steps') {
        const fold = event.fold === undefined ? '' : `fold_${event.fold}/`
        begun?.tracker.metrics({ [`${fold}loss`]: event.loss }, event.step)
      }
    },
    async finish(result) {
      if (begun === undefined) return undefined
      const { tracker, follower } = begun
      describeResult(tracker, result, (performance.now() - began) / 1000)
      await keepBundle(tracker, result, say)
      tracker.end('finished')
      begun = undefined
      await follower?.stop()
      return tracker.run
    },
    async fail(error) {
      if (begun === undefined) return
      const { tracker, follower } = begun
      // the message may name a file or a subject; the code does not
      tracker.tags({ 'attune.error': error instanceof AttuneError ? error.code : 'E_DEFECT' })
      tracker.end('failed')
      begun = undefined
      await follower?.stop()
    },
  }
}

/** The latest run that did the same and has not finished. */
function continued(earlier: readonly RunFolder[], key: string): RunFolder | undefined {
  return earlier.findLast((run) => {
    if (run.facts.key !== key) return false
    const state = stateOf(readLog(run))
    return state !== 'finished' && state !== 'running'
  })
}

/** Trainings with equal keys do the same work for the same bundle. */
function keyOf(start: TrainStart, { out }: TrackOptions): string {
  return sha256(JSON.stringify([basename(out), start]))
}

function describe(tracker: Tracker, { method, target, seed, engine, settings, cohort }: TrainStart): void {
  tracker.params({
    ...{ method, target, seed, engine },
    ...settings,
    'cohort.sha256': cohort.sha256,
    'cohort.subjects': cohort.subjects,
    'cohort.domains': cohort.domains,
    'cohort.scans': cohort.scans,
    'cohort.pairs': cohort.pairs,
    'version.attune': packageVersion(),
    'version.node': process.versions.node,
  })
  tracker.tags({ 'mlflow.source.type': 'LOCAL', 'mlflow.source.name': 'attune train' })
}

function describeResult(tracker: Tracker, { manifest, loss, selection }: Trained, seconds: number): void {
  const [model] = manifest.steps
  tracker.tags({ 'attune.method': model.kind, 'attune.engine': manifest.training.engine })
  tracker.metrics({ seconds, rung: manifest.rung }, 0)
  const last = loss.at(-1)
  if (last !== undefined) tracker.metrics({ loss: last.loss }, last.step)
  for (const { method, error, standardError } of selection?.rungs ?? [])
    tracker.metrics(
      {
        ...(error !== undefined && { [`ladder/${method}/error`]: error }),
        ...(standardError !== undefined && { [`ladder/${method}/standard_error`]: standardError }),
      },
      0,
    )
}

/** The bundle without names as artifact and as model, and the ladder as text. */
async function keepBundle(
  tracker: Tracker,
  { path, selection }: Trained,
  say: (line: string) => void,
): Promise<void> {
  const { copyWithoutNames } = await import('../../training/nameless-bundle.ts')
  const folder = temporaryPath(tracker.run.path)
  try {
    await withTemporary(folder, async () => {
      const name = basename(path)
      const original = await copyWithoutNames(path, join(folder, name))
      tracker.tags({ 'attune.bundle.sha256': original })
      await tracker.artifact(name, join(folder, name))
      if (selection !== undefined) {
        await writeFileAtomic(join(folder, 'ladder.txt'), `${ladderText(selection)}\n`)
        await tracker.artifact('ladder.txt', join(folder, 'ladder.txt'))
      }
      tracker.model(modelName(name), name)
    })
  } catch (error) {
    say(`The bundle was not kept with the run: ${error instanceof Error ? error.message : error}`)
  }
}

/** What MLflow allows in the name of a model, without the suffix. */
function modelName(bundle: string): string {
  return basename(bundle, '.harmonizer')
    .replaceAll(/[^A-Za-z0-9_. -]+/g, '-')
    .replace(/^[^A-Za-z0-9_]+/, '')
}

/** At the end of a process that a signal ends, where nothing can be waited for: another one tells the server. */
function killed(tracker: Tracker, server: MlflowServer | undefined): void {
  tracker.end('killed')
  const [program] = process.argv.slice(1)
  if (server !== undefined && program !== undefined)
    spawnSync(
      process.execPath,
      [...process.execArgv, program, 'track', 'send', tracker.run.path, '--quiet'],
      {
        stdio: 'ignore',
        timeout: 1000 * LAST_WORD,
      },
    )
}
