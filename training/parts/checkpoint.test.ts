import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/fixtures/nifti.ts'
import {
  checkpointKey,
  laterStage,
  readCheckpoint,
  removeCheckpoint,
  type TrainingState,
  writeCheckpoint,
} from './checkpoint.ts'

const folder = await temporaryFolder()
const path = join(folder, 'x.harmonizer.checkpoint')
const KEY = checkpointKey({ steps: 3 })
const tensor = (...values: number[]) => ({
  values: Float32Array.from(values),
  first: Float32Array.from(values, (v) => v / 3),
  second: Float32Array.from(values, (v) => v * v),
})
const state: TrainingState = {
  step: 25,
  recentLoss: 0.1 + 0.2,
  loss: [
    { step: 10, loss: 1 / 3 },
    { step: 20, loss: 1e-9 },
  ],
  tensors: { 'conv1/kernel': tensor(0.1, -0, 1e-42, 3e38, Number.NaN), gains: tensor(1) },
}
const bits = (x: Float32Array): number[] => [...new Uint32Array(x.slice().buffer)]

describe('a checkpoint', () => {
  it('gives back what was written, to the last bit', async () => {
    await writeCheckpoint(path, KEY, state)
    const found = await readCheckpoint(path, KEY)
    expect(found).toEqual(state)
    for (const [name, { values }] of Object.entries(state.tensors))
      expect(bits(found!.tensors[name]!.values)).toEqual(bits(values))
  })

  it('holds any floats, also a part of a larger buffer', async () => {
    const floats = fc.float32Array({ minLength: 1, maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(floats, floats, async (a, b) => {
        const whole = Float32Array.from([...a, ...b])
        const part = whole.subarray(a.length)
        const tensors = { t: { values: part, first: a, second: whole } }
        await writeCheckpoint(path, KEY, { ...state, tensors })
        const found = (await readCheckpoint(path, KEY))!.tensors['t']!
        expect([found.values, found.first, found.second].map(bits)).toEqual([part, a, whole].map(bits))
      }),
      { numRuns: 30 },
    )
  })

  it('is absent where nothing was written, and may be removed twice', async () => {
    await writeCheckpoint(path, KEY, state)
    await removeCheckpoint(path)
    await removeCheckpoint(path)
    expect(await readCheckpoint(path, KEY)).toBeUndefined()
  })

  it('of later stages lies beside the first, and goes with it', async () => {
    const place = { path, resume: true, cohort: '' }
    const places = [place, ...(['residual', 2, 3] as const).map((stage) => laterStage(place, stage))]
    expect(new Set(places.map((one) => one.path)).size).toBe(4)
    for (const one of places) await writeCheckpoint(one.path, KEY, state)
    await removeCheckpoint(path)
    for (const one of places) expect(await readCheckpoint(one.path, KEY)).toBeUndefined()
  })

  it('of another training is refused', async () => {
    await writeCheckpoint(path, KEY, state)
    await expect(readCheckpoint(path, checkpointKey({ steps: 4 }))).rejects.toMatchObject({
      code: 'E_CONFIG',
      message: expect.stringMatching(/checkpoint belongs to a training with other settings.*--resume/s),
    })
  })

  it('that is damaged is refused', async () => {
    await writeCheckpoint(path, KEY, state)
    const whole = await readFile(path, 'utf8')
    const broken = join(folder, 'broken')
    for (const [text, says] of [
      [whole.slice(0, -20), /cannot be read/],
      ['', /cannot be read/],
      [whole.replace('attune-checkpoint/1', 'attune-checkpoint/2'), /not a checkpoint of this version/],
      [whole.replace('"step":25', '"step":"25"'), /not a checkpoint of this version/],
      [whole.replace(/"gains":\{"values":"[^"]*"/, '"gains":{"values":"!"'), /not a checkpoint/],
      [whole.replace(/"gains":\{"values":"[^"]*"/, '"gains":{"values":"AAAA"'), /not a checkpoint/],
    ] as const) {
      expect(text).not.toBe(whole)
      await writeFile(broken, text)
      await expect(readCheckpoint(broken, KEY)).rejects.toThrow(says)
    }
  })

  it('that cannot be read is refused, not passed over', async () => {
    await mkdir(join(folder, 'a-folder'))
    await expect(readCheckpoint(join(folder, 'a-folder'), KEY)).rejects.toThrow(/cannot be read/)
  })
})

it('keys differ where any setting differs', () => {
  const key = checkpointKey({ settings: { steps: 3, rate: 0.1 } })
  expect(checkpointKey({ settings: { steps: 3, rate: 0.1 } })).toBe(key)
  expect(checkpointKey({ settings: { steps: 3, rate: 0.2 } })).not.toBe(key)
})
