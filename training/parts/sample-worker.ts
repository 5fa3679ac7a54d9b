/** The other side of `samplesAhead`: makes the steps that it is asked for. */
import { parentPort, workerData } from 'node:worker_threads'
import { type SampleSource, samplesOf } from './sample-source.ts'
import type { Sample } from './samples.ts'
import type { MadeStep } from './samples-ahead.ts'

const samplesAt = samplesOf(workerData as SampleSource)

parentPort?.on('message', async (step: number) => {
  const samples = await samplesAt(step).catch(() => undefined)
  const made: MadeStep = { step, ...(samples && { samples }) }
  parentPort?.postMessage(made, samples?.flatMap(buffersOf) ?? [])
})

/** Handed over, not copied. */
function buffersOf({ features, looks }: Sample): ArrayBuffer[] {
  const arrays = [
    features,
    ...looks.flatMap(({ ramps, beyond, goal, weight }) => [ramps, beyond, goal, weight]),
  ]
  return arrays.map(({ buffer }) => buffer as ArrayBuffer)
}
