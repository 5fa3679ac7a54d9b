/**
 * The calls to an MLflow tracking server that attune makes, typed; answers are checked. REST API 2.0 of MLflow
 * (https://mlflow.org/docs/latest/api_reference/rest-api.html), tried on 3.17.2.
 */
import * as z from 'zod'
import { MissingError } from '../errors.ts'
import { MlflowError, type MlflowHttp } from './mlflow-http.ts'
import type { MetricValue } from './run-log.ts'

export type MlflowStatus = 'RUNNING' | 'FINISHED' | 'FAILED' | 'KILLED'

export interface MlflowMetric {
  readonly key: string
  /** JSON has neither NaN nor infinities: they go as words. */
  readonly value: MetricValue
  /** Milliseconds since 1970. */
  readonly timestamp: number
  readonly step: number
}

export interface KeyValue {
  readonly key: string
  readonly value: string
}

/** What one call of `runs/log-batch` takes: 1000 metrics, 100 parameters, 100 tags, 1000 in all. */
export interface Batch {
  readonly metrics: readonly MlflowMetric[]
  readonly params: readonly KeyValue[]
  readonly tags: readonly KeyValue[]
}

export interface MlflowRun {
  readonly runId: string
  /** Root of its artifacts, such as `mlflow-artifacts:/1/RUN/artifacts`. */
  readonly artifactUri: string
}

export interface NewRun {
  readonly experimentId: string
  readonly name: string
  /** Milliseconds since 1970. */
  readonly started: number
  readonly tags: readonly KeyValue[]
}

export interface MlflowApi {
  /** Its id; it is created where the server does not know it. */
  experiment(name: string): Promise<string>
  /** The run with this tag; created where there is none, so that it may be repeated. */
  run(tag: KeyValue, run: NewRun): Promise<MlflowRun>
  runById(runId: string): Promise<MlflowRun>
  /** @throws {MissingError} when the run was deleted */
  requireActive(runId: string): Promise<void>
  log(runId: string, batch: Batch): Promise<void>
  status(runId: string, status: MlflowStatus, ended?: number): Promise<void>
  upload(run: MlflowRun, path: string, file: string): Promise<void>
  /** The version of a registered model that this run made; created where there is none. */
  modelVersion(name: string, run: MlflowRun, artifact: string): Promise<string>
}

const experimentSchema = z.object({
  experiment: z.object({ experiment_id: z.string(), lifecycle_stage: z.string() }),
})
const infoSchema = z.object({
  info: z.object({ run_id: z.string(), artifact_uri: z.string(), lifecycle_stage: z.string() }),
})
const runSchema = z.object({ run: infoSchema })
const runsSchema = z.object({ runs: z.array(infoSchema).optional() })
const versionSchema = z.object({ version: z.string(), source: z.string().optional() })
const versionsSchema = z.object({ model_versions: z.array(versionSchema).optional() })

export function mlflowApi(http: MlflowHttp): MlflowApi {
  const ask = async <T>(
    schema: z.ZodType<T>,
    method: 'GET' | 'POST',
    path: string,
    content: object,
  ): Promise<T> => {
    const result = schema.safeParse(await http.call(method, path, content))
    if (result.success) return result.data
    throw new MlflowError(
      `${http.url} answers to ${path} with something else than MLflow does: ${z.prettifyError(result.error)}`,
      'Check the version of the server.',
      { status: 200 },
    )
  }
  const runOf = ({ info }: z.infer<typeof infoSchema>): MlflowRun => ({
    runId: info.run_id,
    artifactUri: info.artifact_uri,
  })
  return {
    experiment: (name) =>
      http.retrying(async () => {
        const known = await orMissing(
          ask(experimentSchema, 'GET', 'experiments/get-by-name', { experiment_name: name }),
        )
        if (known?.experiment.lifecycle_stage === 'deleted')
          throw new MissingError(
            `The experiment ${name} was deleted on ${http.url}.`,
            'Restore it there, or name another with MLFLOW_EXPERIMENT_NAME.',
          )
        if (known !== undefined) return known.experiment.experiment_id
        const created = z.object({ experiment_id: z.string() })
        return (
          await ask(created, 'POST', 'experiments/create', { name }).catch((error: unknown) => {
            throw madeMeanwhile(error)
          })
        ).experiment_id
      }),
    run: (tag, { experimentId, name, started, tags }) =>
      http.retrying(async () => {
        const { runs = [] } = await ask(runsSchema, 'POST', 'runs/search', {
          experiment_ids: [experimentId],
          filter: `tags.\`${tag.key}\` = '${tag.value}'`,
          max_results: 1,
        })
        if (runs[0] !== undefined) return runOf(runs[0])
        const created = await ask(runSchema, 'POST', 'runs/create', {
          experiment_id: experimentId,
          run_name: name,
          start_time: started,
          tags: [tag, ...tags],
        })
        return runOf(created.run)
      }),
    runById: (runId) =>
      http.retrying(async () => runOf((await ask(runSchema, 'GET', 'runs/get', { run_id: runId })).run)),
    requireActive: (runId) =>
      http.retrying(async () => {
        const { run } = await ask(runSchema, 'GET', 'runs/get', { run_id: runId })
        if (run.info.lifecycle_stage !== 'active')
          throw new MissingError(
            `The run ${runId} was deleted on ${http.url}.`,
            'Restore it there, or remove the folder `sent` of the run to send it as a new one.',
          )
      }),
    log: (runId, batch) =>
      http.retrying(async () => {
        await http.call('POST', 'runs/log-batch', { run_id: runId, ...batch })
      }),
    status: (runId, status, ended) =>
      http.retrying(async () => {
        await http.call('POST', 'runs/update', {
          run_id: runId,
          status,
          ...(ended !== undefined && { end_time: ended }),
        })
      }),
    upload: ({ artifactUri }, path, file) => {
      const root = proxied(artifactUri, http.url)
      return http.retrying(() => http.upload(`${root}/${path}`, file))
    },
    modelVersion: (name, { runId, artifactUri }, artifact) => {
      const source = `${artifactUri}/${artifact}`
      return http.retrying(async () => {
        await ask(z.object({}), 'POST', 'registered-models/create', { name }).catch((error: unknown) => {
          if (!(error instanceof MlflowError && error.errorCode === 'RESOURCE_ALREADY_EXISTS')) throw error
        })
        const filter = `name='${name}' and run_id='${runId}'`
        const { model_versions: versions = [] } = await ask(versionsSchema, 'GET', 'model-versions/search', {
          filter,
        })
        const known = versions.find((version) => version.source === source)
        if (known !== undefined) return known.version
        const created = z.object({ model_version: versionSchema })
        const body = { name, source, run_id: runId }
        return (await ask(created, 'POST', 'model-versions/create', body)).model_version.version
      })
    },
  }
}

/** `undefined` for what the server does not have. */
async function orMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof MlflowError && error.errorCode === 'RESOURCE_DOES_NOT_EXIST') return undefined
    throw error
  }
}

/** Two trainings that begin at once both find no experiment; the second then tries again, and finds it. */
function madeMeanwhile(error: unknown): unknown {
  if (!(error instanceof MlflowError && error.errorCode === 'RESOURCE_ALREADY_EXISTS')) return error
  return new MlflowError(error.what, error.remedy, { status: 503, errorCode: error.errorCode, retryAfter: 0 })
}

/** Path below the server's artifact proxy. */
function proxied(artifactUri: string, url: string): string {
  const path = /^mlflow-artifacts:(?:\/\/[^/]*)?\/*(.*)$/.exec(artifactUri)?.[1]
  if (path !== undefined) return path.replace(/\/+$/, '')
  throw new MissingError(
    `${url} keeps artifacts at ${artifactUri.split(':')[0]}: and does not take them itself.`,
    'Start the server with --serve-artifacts and --artifacts-destination, without --default-artifact-root.',
  )
}
