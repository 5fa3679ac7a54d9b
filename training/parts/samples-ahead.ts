/** Samples made in other threads while the engine computes the steps before. */
import { availableParallelism } from 'node:os'
import { extname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { packageFile } from '../../src/package-root.ts'
import { type SampleSource, samplesOf } from './sample-source.ts'
import type { Sample } from './samples.ts'

export interface SamplesAhead {
  samplesAt(step: number): Promise<readonly Sample[]>
  close(): Promise<void>
}

/** Steps that are made ahead by each thread: one being made, the others waiting for when it falls behind (with 2 the engine waited 12 % of its time, with 4 8 %). */
const PER_THREAD = 4
/** More threads than this are never waited for: a step takes as long as four samples (measured on 2 cores: `npm run bench -- training`). */
const MOST_THREADS = 3
/** A thread takes about a second to start, which fewer steps would not bring back. */
const LEAST_STEPS = 30

/** What a thread answers: nothing where it failed. */
export interface MadeStep {
  readonly step: number
  readonly samples?: readonly Sample[]
}

/**
 * @param steps of the training: few are made in this thread
 * @param threads by default all cores but one; 0 makes every step when it is asked for
 */
export function samplesAhead(
  source: SampleSource,
  steps: number,
  threads: number = steps < LEAST_STEPS ? 0 : Math.min(MOST_THREADS, availableParallelism() - 1),
): SamplesAhead {
  const here = samplesOf(source)
  const asked = new Map<
    number,
    { readonly made: Promise<MadeStep>; readonly answer: (made: MadeStep) => void }
  >()
  const alive = new Set<Worker>()
  const workers = Array.from({ length: threads }, () => {
    const worker = startThread(source)
    alive.add(worker)
    worker.on('message', (made: MadeStep) => asked.get(made.step)?.answer(made))
    // whoever waits for a thread that died makes the step here, and learns why it cannot be made
    worker.on('exit', () => {
      alive.delete(worker)
      for (const [step, { answer }] of asked) answer({ step })
    })
    return worker
  })
  const ask = (step: number): Promise<MadeStep> => {
    const before = asked.get(step)
    if (before) return before.made
    const worker = workers[step % workers.length] as Worker
    let answer: (made: MadeStep) => void = () => {}
    const made = new Promise<MadeStep>((resolve) => {
      answer = resolve
    })
    asked.set(step, { made, answer })
    if (alive.has(worker)) worker.postMessage(step)
    else answer({ step })
    return made
  }
  return {
    samplesAt: async (step) => {
      if (workers.length === 0) return here(step)
      const last = Math.min(steps, step + PER_THREAD * workers.length)
      for (let next = step; next < last; next++) void ask(next)
      const { samples } = await ask(step)
      asked.delete(step)
      return samples ?? here(step)
    },
    close: async () => {
      await Promise.all(workers.map((worker) => worker.terminate()))
    },
  }
}

function startThread(source: SampleSource): Worker {
  const extension = extname(import.meta.url)
  const file = new URL(`./sample-worker${extension}`, import.meta.url)
  const worker =
    extension === '.ts'
      ? new Worker(importing(file), { eval: true, workerData: source })
      : new Worker(file, { workerData: source })
  worker.on('error', () => {}) // its exit follows
  return worker
}

/** What a thread runs where this one runs from TypeScript, for which Node 20 needs a loader in each. */
function importing(file: URL): string {
  const loader = pathToFileURL(packageFile('node_modules/tsx/dist/esm/api/index.mjs'))
  return `import('${loader}').then(({ tsImport }) => tsImport('${file}', '${file}'))`
}
