/** Where runs are kept. */
import type { Environment } from '../tracking/mlflow-server.ts'
import { RUNS_FOLDER } from '../tracking/run-folder.ts'

/** The folder that is named, else `ATTUNE_TRACK`, else `attune-runs`. */
export function trackFolder(named: string | undefined, environment: Environment): string {
  return named || environment['ATTUNE_TRACK'] || RUNS_FOLDER
}
