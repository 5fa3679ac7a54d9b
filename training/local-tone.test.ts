import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Cohort } from '../src/cohort/cohort.ts'
import { writeNifti } from '../src/formats/nifti/write.ts'
import { toFloat32, type Volume, volumeOf } from '../src/volume/volume.ts'
import { temporaryFolder } from '../test/fixtures/nifti.ts'
import { head } from '../test/head.ts'
import type { EngineName } from './engine/engine.ts'
import { nativeFolder } from './engine/native-folder.ts'
import {
  LOCAL_TONE_DEFAULTS,
  type LocalToneOptions,
  type TrainedLocalTone,
  trainLocalTone,
} from './local-tone.ts'
import type { StepProgress } from './parts/optimize.ts'

const folder = await temporaryFolder()
const installed: readonly EngineName[] = existsSync(nativeFolder()) ? ['native', 'wasm'] : ['wasm']
if (installed.length === 1) process.stdout.write('native engine is not installed: its tests are skipped\n')

const source = head({ noise: 4, voxel: 6 })
/** On the target the same head is brighter, and more so on the right. */
const [nx] = source.shape
const target = volumeOf(
  source,
  toFloat32(source).map((v, i) => v * (2 + (0.5 * (i % nx)) / nx)),
)
const scan = async (name: string, volume: Volume) => {
  const image = join(folder, `${name}.nii`)
  await writeNifti(image, volume)
  return { subject: '1', domain: name, session: '1', image, truth: {}, covariates: {} }
}
const cohort: Cohort = { source: 'cohort.tsv', scans: [await scan('a', source), await scan('t', target)] }

const options = (change: Partial<LocalToneOptions>): LocalToneOptions => ({
  ...LOCAL_TONE_DEFAULTS,
  engine: 'wasm',
  steps: 3,
  batch: 1,
  bins: 3,
  ...change,
})
/** Every weight, as bytes. */
const bytesOf = ({ weights: { context, place, ...layers } }: TrainedLocalTone): Buffer =>
  Buffer.concat(
    [context, place, ...Object.values(layers).flatMap(({ kernel, bias }) => [kernel, bias])].map((x) =>
      Buffer.from(x.buffer, x.byteOffset, x.byteLength),
    ),
  )
const place = (name: string, resume: boolean) => ({
  path: join(folder, `${name}.checkpoint`),
  resume,
  cohort: 'c'.repeat(64),
})

/** Past the first checkpoint, which is written after step 25 and is all that an interrupted training leaves. */
const STEPS = 26

it.each(installed)(
  'on %s, goes on from a checkpoint to exactly the weights of a training without interruption',
  async (engine) => {
    const settings = options({ engine, steps: STEPS })
    const whole = await trainLocalTone(cohort, 't', settings, { checkpoint: place(engine, false) })
    const lines: string[] = []
    const steps: number[] = []
    const resumed = await trainLocalTone(cohort, 't', settings, {
      checkpoint: place(engine, true),
      log: (line) => lines.push(line),
      onStep: ({ step }) => steps.push(step),
    })
    expect(lines).toContain('resumed after step 25 of 26')
    expect(steps).toEqual([26])
    expect(bytesOf(resumed).equals(bytesOf(whole))).toBe(true)
    expect(resumed.loss).toEqual(whole.loss)
    expect(resumed.model).toEqual(whole.model)
    expect(whole.loss.map(({ step }) => step)).toEqual([10, 20, 26])
    expect(whole.loss.at(-1)!.loss).toBeLessThan(whole.loss[0]!.loss)
  },
)

it('refuses to resume with other settings or scans, and leaves the checkpoint', async () => {
  const checkpoint = place('wasm', true)
  const before = await readFile(checkpoint.path)
  const otherSettings = trainLocalTone(cohort, 't', options({ steps: STEPS + 1 }), { checkpoint })
  await expect(otherSettings).rejects.toThrow(/other settings, scans or another engine/)
  const otherScans = { ...checkpoint, cohort: 'd'.repeat(64) }
  await expect(
    trainLocalTone(cohort, 't', options({ steps: STEPS }), { checkpoint: otherScans }),
  ).rejects.toThrow(/other settings, scans/)
  expect(await readFile(checkpoint.path)).toEqual(before)
})

it('gives the same bytes for the same seed, and others for another', async () => {
  const train = (seed: number) => trainLocalTone(cohort, 't', options({ seed, steps: 2 }))
  const [one, again, other] = [await train(1), await train(1), await train(2)]
  expect(bytesOf(again).equals(bytesOf(one))).toBe(true)
  expect(bytesOf(other).equals(bytesOf(one))).toBe(false)
})

describe('what training prepares', () => {
  it('is global tones through the origin that increase, the identity for the target, and a bound in its unit', async () => {
    const progress: StepProgress[] = []
    const pairs: string[] = []
    const { model, engine } = await trainLocalTone(cohort, 't', options({ steps: 1 }), {
      onPair: (done, total) => pairs.push(`${done}/${total}`),
      onStep: (step) => progress.push(step),
    })
    expect(engine).toMatch(/^wasm \(.+\)$/)
    expect(pairs).toEqual(['1/2', '2/2'])
    expect(progress).toEqual([{ step: 1, steps: 1, loss: expect.any(Number), secondsLeft: 0 }])
    expect(model.domains).toEqual(['a', 't'])
    expect(model.knots.length).toBe(4)
    expect(model.tones['t']).toEqual(model.knots)
    const tone = model.tones['a']!
    expect(tone[0]).toBe(0)
    for (let k = 1; k < tone.length; k++) expect(tone[k]!).toBeGreaterThan(tone[k - 1]!)
    // Between grey and white matter, 300 and 450, which are 2 to 2.5 times as bright on the target.
    const tissueMedian = (model.bounds.perMm * model.referenceScale) / LOCAL_TONE_DEFAULTS.changePerMm
    expect(tissueMedian).toBeGreaterThan(2 * 300)
    expect(tissueMedian).toBeLessThan(2.5 * 450)
  })

  it('refuses a learning rate that destroys the loss', async () => {
    await expect(trainLocalTone(cohort, 't', options({ learningRate: 1e38, steps: 9 }))).rejects.toThrow(
      /The loss is (NaN|Infinity).*learningRate/s,
    )
  })
})
