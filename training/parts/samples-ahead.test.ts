import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { sha256 } from '../../src/files.ts'
import { latticePair } from '../../test/lattice-pair.ts'
import { writeStored } from './lattice-store.ts'
import { type SampleSource, samplesOf } from './sample-source.ts'
import type { Sample } from './samples.ts'
import { samplesAhead } from './samples-ahead.ts'

const knots = [0, 0.5, 1, 1.5]
const model = {
  kind: 'local-tone',
  referenceScale: 100,
  knots,
  domains: ['A', 'B'],
  tones: { A: knots, B: knots },
  bounds: { slopeRatio: 4, perMm: 0.01 },
} as const
const drawing = {
  seed: 3,
  batch: 2,
  identity: 0.3,
  shading: 0.1,
  shiftMm: 4,
  mirror: 0.5,
  gain: 0.1,
  composition: 0,
}
const brighter = latticePair((u) => 80 * u)
const pairs: SampleSource = {
  kind: 'pairs',
  model,
  pairs: [
    { ...brighter, domain: 'A', targetScan: 'b' },
    { ...brighter, domain: 'B', targetScan: 'b' },
  ],
  drawing,
}

/** Stands for the samples; comparing millions of numbers one by one takes long. */
async function digest(samples: Promise<readonly Sample[]>): Promise<readonly unknown[]> {
  return (await samples).map(({ features, looks, domain, targetScan }) => [
    domain,
    targetScan,
    sha256(Buffer.from(features.buffer)),
    ...looks.map(({ ramps, beyond, goal, weight, start }) => [
      start,
      [ramps, beyond, goal, weight].map(({ buffer }) => sha256(Buffer.from(buffer))),
    ]),
  ])
}

it.each([1, 2])('gives what each step would see without threads, by %i of them', async (threads) => {
  const told = structuredClone(pairs)
  const ahead = samplesAhead(told, 6, threads)
  onTestFinished(ahead.close)
  // a step made in this thread would now differ
  Object.assign(told.drawing, { seed: 4 })
  const here = samplesOf(pairs)
  for (let step = 2; step < 6; step++)
    expect(await digest(ahead.samplesAt(step))).toEqual(await digest(here(step)))
})

it('says why a step cannot be made, wherever it was tried', async () => {
  const store = mkdtempSync(join(tmpdir(), 'attune-'))
  onTestFinished(() => rmSync(store, { recursive: true }))
  const source: SampleSource = { kind: 'store', model, store, key: 'k', total: 1, drawing }
  const ahead = samplesAhead(source, 3, 1)
  onTestFinished(ahead.close)
  await expect(ahead.samplesAt(0)).rejects.toThrow(/scan-00000.lattice was changed while training/)
  await writeStored(join(store, 'scan-00000.lattice'), 'k', { ...brighter, expected: brighter.image })
  expect(await ahead.samplesAt(2)).toHaveLength(2)
})

it('goes on without its threads', async () => {
  const ahead = samplesAhead(pairs, 4, 1)
  await ahead.samplesAt(0)
  await ahead.close()
  for (const step of [1, 2, 3])
    expect(await digest(ahead.samplesAt(step))).toEqual(await digest(samplesOf(pairs)(step)))
})
