/** HTTP as MLflow speaks it: JSON calls and raw uploads, with time limits, retries and errors that help. */
import { stat } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { MissingError } from '../errors.ts'
import { type Answer, putFile } from './http-put.ts'
import type { MlflowServer } from './mlflow-server.ts'

/** The server cannot be reached, or did not do what it was asked. */
export class MlflowError extends MissingError {
  /** HTTP status; 0 where there was no answer. */
  readonly status: number
  /** MLflow's own word, such as RESOURCE_DOES_NOT_EXIST. */
  readonly errorCode: string
  /** What the server asked to wait before another try, s. */
  readonly retryAfter: number | undefined

  constructor(
    what: string,
    remedy: string,
    answer: { readonly status: number; readonly errorCode?: string; readonly retryAfter?: number },
    options?: ErrorOptions,
  ) {
    super(what, remedy, options)
    this.status = answer.status
    this.errorCode = answer.errorCode ?? ''
    this.retryAfter = answer.retryAfter
  }

  /** Whether the same request may succeed later. */
  get passing(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500
  }
}

export interface HttpOptions {
  /** How often a request is tried that may succeed later. */
  readonly tries?: number
  /** Before the second try, s; doubled after each. */
  readonly firstWait?: number
  /** Of one JSON call, s. */
  readonly timeout?: number
  readonly signal?: AbortSignal
}

/** Longest wait between two tries, s; chosen so that a server that asks for more does not hold up the end of a training. */
const LONGEST_WAIT = 30
/** What an upload is given beside the time limit of a call, s per MB: 0.25 MB/s, chosen below any usable network. */
const UPLOAD_PER_MB = 4

export interface MlflowHttp {
  readonly url: string
  /** One call below `/api/2.0/mlflow/`, tried once. */
  call(method: 'GET' | 'POST' | 'PATCH', path: string, content: object): Promise<unknown>
  /** Uploads a file below `/api/2.0/mlflow-artifacts/artifacts/`, tried once; it is never whole in memory. */
  upload(path: string, file: string): Promise<void>
  /** Repeats work while it fails with what may pass. The work must be safe to repeat. */
  retrying<T>(work: () => Promise<T>): Promise<T>
}

export function mlflowHttp(server: MlflowServer, options: HttpOptions = {}): MlflowHttp {
  const { tries = 5, firstWait = 0.5, timeout = 30, signal } = options
  const headers = { ...(server.authorization !== undefined && { authorization: server.authorization }) }
  const answered = async (
    path: string,
    seconds: number,
    exchange: (url: string, signal: AbortSignal) => Promise<Answer>,
  ): Promise<string> => {
    const limits = [AbortSignal.timeout(Math.ceil(seconds * 1000)), ...(signal ? [signal] : [])]
    let answer: Answer
    try {
      answer = await exchange(`${server.url}${path}`, AbortSignal.any(limits))
    } catch (cause) {
      throw new MlflowError(
        `The MLflow server ${server.url} cannot be reached: ${reasonOf(cause)}.`,
        'Check MLFLOW_TRACKING_URI and that the server runs.',
        { status: 0 },
        { cause },
      )
    }
    if (answer.status >= 200 && answer.status < 300) return answer.text
    throw refusal(server, path, answer)
  }
  return {
    url: server.url,
    async call(method, path, content) {
      const query = method === 'GET' ? `?${new URLSearchParams(content as Record<string, string>)}` : ''
      const init: RequestInit =
        method === 'GET'
          ? { headers }
          : {
              method,
              headers: { ...headers, 'content-type': 'application/json' },
              body: JSON.stringify(content),
            }
      const text = await answered(`/api/2.0/mlflow/${path}${query}`, timeout, async (url, signal) => {
        const response = await fetch(url, { redirect: 'manual', ...init, signal })
        return { status: response.status, headers: response.headers, text: await response.text() }
      })
      try {
        return JSON.parse(text)
      } catch (cause) {
        throw new MlflowError(
          `${server.url} answers, but not as an MLflow server does: ${text.slice(0, 60)}`,
          'Check MLFLOW_TRACKING_URI; a login page in front of the server needs MLFLOW_TRACKING_TOKEN.',
          { status: 200 },
          { cause },
        )
      }
    },
    async upload(path, file) {
      const { size } = await stat(file)
      const place = path.split('/').map(encodeURIComponent).join('/')
      const own = { ...headers, 'content-type': 'application/octet-stream', 'content-length': `${size}` }
      await answered(
        `/api/2.0/mlflow-artifacts/artifacts/${place}`,
        timeout + (UPLOAD_PER_MB * size) / 1e6,
        (url, signal) => putFile(url, own, file, signal),
      )
    },
    async retrying(work) {
      for (let attempt = 1; ; attempt++) {
        try {
          return await work()
        } catch (error) {
          if (!(error instanceof MlflowError && error.passing) || attempt >= tries || signal?.aborted)
            throw error
          // half of it drawn at random, so that many trainings do not come back at the same moment
          const backoff = firstWait * 2 ** (attempt - 1) * (0.5 + 0.5 * Math.random())
          const seconds = Math.min(LONGEST_WAIT, error.retryAfter ?? backoff)
          await wait(seconds * 1000, undefined, signal ? { signal } : {}).catch(() => {
            throw error
          })
        }
      }
    },
  }
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  if (cause.name === 'TimeoutError') return 'no answer in time'
  return cause.cause instanceof Error ? cause.cause.message || String(cause.cause) : cause.message
}

function refusal({ url }: MlflowServer, path: string, { status, headers, text }: Answer): MlflowError {
  const { error_code: errorCode = '', message = '' } = errorIn(text)
  const retryAfter = Number(headers.get('retry-after') ?? Number.NaN)
  const answer = { status, errorCode, ...(Number.isFinite(retryAfter) && { retryAfter }) }
  const words = (message || text).replaceAll(/\s+/g, ' ').slice(0, 300)
  const what = `${url} answers ${status} to ${path.split('?')[0]}${words ? `: ${words}` : ''}`
  if (status >= 300 && status < 400)
    return new MlflowError(
      `${url} redirects to ${headers.get('location') ?? 'another address'}.`,
      'Set MLFLOW_TRACKING_URI to the address that it redirects to.',
      answer,
    )
  return new MlflowError(what, remedyFor(status), answer)
}

function errorIn(text: string): { readonly error_code?: string; readonly message?: string } {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}

function remedyFor(status: number): string {
  switch (status) {
    case 401:
      return 'Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN.'
    case 403:
      return 'Ask for permission on the experiment; behind a proxy, start the server with --allowed-hosts.'
    case 413:
      return 'Raise the limit on the size of requests in the proxy before the server.'
    default:
      return status === 429 || status >= 500
        ? 'Try again later: `attune track send`.'
        : 'Check the address and version of the server.'
  }
}
