/**
 * Runs as MLflow's file store (`mlruns/`), the layout that `mlflow migrate-filestore` (MLflow 3.10 and newer) brings into a
 * database. Artifacts are copied beside it and referred to by absolute addresses, so the folder is made where it is to stay.
 */
import { cp, mkdir, readdir, rename } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { stringify } from 'yaml'
import { ConfigError, MissingError } from '../errors.ts'
import { temporaryPath, withTemporary, writeFileAtomic } from '../files.ts'
import { ARTIFACTS, type RunFolder, type RunState } from './run-folder.ts'
import { detailsOf, type RunDetails } from './summary.ts'

/** The words of MLflow's RunStatus, by number as its files have them. */
const STATUS: Readonly<Record<RunState, number>> = {
  ...{ running: 1, elsewhere: 1, finished: 3, failed: 4, killed: 5, interrupted: 5 },
}

/**
 * @param out folder in which `mlruns/` is made; whole or not at all
 * @returns the path of `mlruns/`
 * @throws {ConfigError} when it is there already; {MissingError} when it cannot be written
 */
export async function exportFileStore(runs: readonly RunFolder[], out: string): Promise<string> {
  const place = resolve(out, 'mlruns')
  if ((await readdir(place).catch(() => undefined)) !== undefined)
    throw new ConfigError(`${place} exists.`, 'Name another folder; it is left as it is.')
  const temporary = temporaryPath(dirname(place))
  try {
    await withTemporary(temporary, async () => {
      await writeStore(temporary, place, runs)
      await rename(temporary, place)
    })
  } catch (cause) {
    if (!(cause instanceof Error) || !('code' in cause) || cause instanceof MissingError) throw cause
    throw new MissingError(
      `${place} cannot be written: ${cause.message}.`,
      'Check free space and permissions of its folder.',
      { cause },
    )
  }
  return place
}

async function writeStore(folder: string, place: string, runs: readonly RunFolder[]): Promise<void> {
  // a server shows the experiment 0 first
  const names = [
    'Default',
    ...new Set(runs.map(({ facts }) => facts.experiment).filter((name) => name !== 'Default')),
  ]
  const now = Date.now()
  for (const [id, name] of names.entries())
    await writeMeta(join(folder, String(id)), {
      artifact_location: pathToFileURL(join(place, String(id))).href,
      creation_time: now,
      experiment_id: String(id),
      last_update_time: now,
      lifecycle_stage: 'active',
      name,
    })
  const versions = new Map<string, number>()
  for (const run of runs) {
    const details = detailsOf(run)
    const experiment = String(names.indexOf(details.experiment))
    const inStore = join(experiment, details.id)
    await writeRun(join(folder, inStore), join(place, inStore), details, experiment)
    for (const [model, artifact] of Object.entries(details.models)) {
      const version = (versions.get(model) ?? 0) + 1
      versions.set(model, version)
      const source = pathToFileURL(join(place, inStore, ARTIFACTS, artifact)).href
      await writeModelVersion(join(folder, 'models', model), { model, version, source, details })
    }
  }
}

async function writeRun(folder: string, place: string, run: RunDetails, experiment: string): Promise<void> {
  await writeMeta(folder, {
    artifact_uri: pathToFileURL(join(place, ARTIFACTS)).href,
    end_time: run.ended ?? null,
    entry_point_name: '',
    experiment_id: experiment,
    lifecycle_stage: 'active',
    run_id: run.id,
    run_name: run.name,
    run_uuid: run.id,
    source_name: '',
    source_type: 4,
    source_version: '',
    start_time: run.started,
    status: STATUS[run.state],
    tags: [],
    user_id: '',
  })
  const tags = { ...run.tags, 'mlflow.runName': run.name, 'attune.run': run.id }
  for (const kind of ['params', 'metrics', 'tags', ARTIFACTS])
    await mkdir(join(folder, kind), { recursive: true })
  for (const [name, value] of Object.entries(run.params))
    await writeFileAtomic(join(folder, 'params', name), value)
  for (const [name, value] of Object.entries(tags)) await writeFileAtomic(join(folder, 'tags', name), value)
  for (const name of Object.keys(run.metrics)) {
    const steps = run.history.filter(({ metric }) => metric === name)
    const lines = steps.map(({ at, value, step }) => `${at} ${value} ${step}\n`)
    await writeFileAtomic(join(folder, 'metrics', name), lines.join(''))
  }
  for (const path of Object.keys(run.artifacts))
    await cp(join(run.path, ARTIFACTS, path), join(folder, ARTIFACTS, path))
}

interface ModelVersion {
  readonly model: string
  readonly version: number
  readonly source: string
  readonly details: RunDetails
}

async function writeModelVersion(
  folder: string,
  { model, version, source, details }: ModelVersion,
): Promise<void> {
  const at = details.ended ?? details.started
  await writeMeta(folder, {
    creation_timestamp: at,
    description: null,
    last_updated_timestamp: at,
    name: model,
  })
  await writeMeta(join(folder, `version-${version}`), {
    creation_timestamp: at,
    current_stage: 'None',
    description: null,
    last_updated_timestamp: at,
    name: model,
    run_id: details.id,
    run_link: null,
    source,
    status: 'READY',
    status_message: null,
    user_id: null,
    version,
  })
}

async function writeMeta(folder: string, content: object): Promise<void> {
  await writeFileAtomic(join(folder, 'meta.yaml'), stringify(content))
}
