/** Where runs are kept. */
import { join } from 'node:path'
import { AttuneError } from '../errors.ts'
import { requireWritable } from '../files.ts'
import { type Environment, type MlflowServer, mlflowServer, namesServer } from '../tracking/mlflow-server.ts'
import { RUNS_FOLDER } from '../tracking/run-folder.ts'

export interface PlaceOptions {
  /** `--track` as it was given: a folder, '' for the usual one, `false` for none. */
  readonly track: string | false | undefined
  readonly environment: Environment
  /** Hears what goes wrong with tracking; the work goes on. */
  readonly say: (line: string) => void
}

/**
 * @param what for messages: `training`
 * @returns where runs are kept, and the server that hears of them; `undefined` where nothing is to be tracked, or cannot be and nobody asked
 * @throws {MissingError} when the folder that `--track` names cannot be written; {ConfigError} for half of a server's credentials
 */
export async function placeOfRuns(
  what: string,
  { track, environment, say }: PlaceOptions,
): Promise<{ readonly folder: string; readonly server: MlflowServer | undefined } | undefined> {
  const server = namesServer(environment) ? mlflowServer(environment) : undefined
  const asked = track !== undefined || environment['ATTUNE_TRACK'] !== undefined
  if (track === false || (!asked && server === undefined)) return undefined
  const folder = trackFolder(track || undefined, environment)
  try {
    await requireWritable(join(folder, 'run'))
  } catch (error) {
    if (asked || !(error instanceof AttuneError)) throw error
    say(`The ${what} is not tracked: ${error.what}`)
    return undefined
  }
  if (environment['MLFLOW_TRACKING_URI'] && server === undefined)
    say(`MLFLOW_TRACKING_URI is not the address of a server: the run is kept in ${folder} only.`)
  return { folder, server }
}

/** The folder that is named, else `ATTUNE_TRACK`, else `attune-runs`. */
export function trackFolder(named: string | undefined, environment: Environment): string {
  return named || environment['ATTUNE_TRACK'] || RUNS_FOLDER
}
