/** Sends a run to an MLflow server while it happens. The server may be away at any time: the run folder holds everything. */
import { setTimeout as wait } from 'node:timers/promises'
import { AttuneError } from '../errors.ts'
import { mlflowHttp } from './mlflow-http.ts'
import type { MlflowServer } from './mlflow-server.ts'
import type { RunFolder } from './run-folder.ts'
import { sendRun } from './send.ts'

/** Seconds between two sendings; chosen: a curve that grows while one looks, and a call or two each time. */
const PAUSE = 5
/** Of a server that is away. */
const LONGEST_PAUSE = 60
/** Of one call while training computes, s: between two of its steps, which may take seconds each, one exchange goes on. */
const TIMEOUT = 120
/** Of one call at the end, s. Chosen: somebody waits for it. */
const LAST_TIMEOUT = 20

export interface Follower {
  /** Sends what is left. Never fails: says what could not be sent. */
  stop(): Promise<void>
}

/**
 * @param runId go on with this run of the server
 * @param say   hears of a server that goes away, comes back, or refuses
 */
export function followRun(
  run: RunFolder,
  server: MlflowServer,
  runId: string | undefined,
  say: (line: string) => void,
): Follower {
  const stopped = new AbortController()
  const once = mlflowHttp(server, { tries: 1, timeout: TIMEOUT, signal: stopped.signal })
  const patient = mlflowHttp(server, { tries: 3, timeout: LAST_TIMEOUT })
  let refused = 0
  let away = false
  const send = async (http: typeof once): Promise<boolean> => {
    try {
      const sent = await sendRun(run, http, runId)
      for (const line of sent.refused.slice(refused)) say(`not taken by ${server.url}: ${line}`)
      refused = sent.refused.length
      if (away) say(`${server.url} is back; the run is sent there again.`)
      away = false
      return true
    } catch (error) {
      if (http === once && stopped.signal.aborted) return false // given up for the last sending, which says more
      if (!away) say(`${wordsOf(error)} The run is kept in ${run.path}, and sent when the server takes it.`)
      away = true
      return false
    }
  }
  const loop = (async () => {
    let pause = PAUSE
    while (!stopped.signal.aborted) {
      pause = (await send(once)) ? PAUSE : Math.min(LONGEST_PAUSE, 2 * pause)
      await wait(1000 * pause, undefined, { signal: stopped.signal, ref: false }).catch(() => {})
    }
  })()
  return {
    async stop() {
      stopped.abort()
      await loop
      if (!(await send(patient)))
        say(
          `The run is not, or not wholly, on ${server.url}. Send it with: attune track send ${run.facts.id.slice(0, 8)}`,
        )
    },
  }
}

function wordsOf(error: unknown): string {
  return error instanceof AttuneError ? error.what : error instanceof Error ? error.message : String(error)
}
