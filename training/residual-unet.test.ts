import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Cohort } from '../src/cohort/cohort.ts'
import { writeNifti } from '../src/formats/nifti/write.ts'
import { readBundle } from '../src/harmonizer/bundle.ts'
import { loadHarmonizer } from '../src/harmonizer/harmonizer.ts'
import type { ResidualUnetModel } from '../src/harmonizer/residual-unet-model.ts'
import { toFloat32, type Volume, volumeOf } from '../src/volume/volume.ts'
import { temporaryFolder } from '../test/fixtures/nifti.ts'
import { head } from '../test/head.ts'
import type { EngineName } from './engine/engine.ts'
import { nativeFolder } from './engine/native-folder.ts'
import { RESIDUAL_UNET_DEFAULTS, trainResidualUnet } from './residual-unet.ts'
import { train } from './train.ts'

const folder = await temporaryFolder()
const withNative = existsSync(nativeFolder())
const engine: EngineName = withNative ? 'native' : 'wasm'
if (!withNative) process.stdout.write('native engine is not installed: residual-unet is tested on wasm\n')

const source = head({ noise: 4, voxel: 6 })
const [nx, ny] = source.shape
/** On the target the lower half of the same head is brighter, which no curve can make. */
const target = volumeOf(
  source,
  toFloat32(source).map((value, i) => value * (Math.floor(i / nx / ny) * 2 < source.shape[2] ? 2.2 : 1.9)),
)
const cohortFile = join(folder, 'cohort.tsv')
beforeAll(async () => {
  const rows = ['subject\tdomain\timage']
  for (const [domain, volume] of [
    ['a', source],
    ['t', target],
    [
      'twice',
      volumeOf(
        source,
        toFloat32(source).map((value) => 2 * value),
      ),
    ],
  ] as [string, Volume][]) {
    await writeNifti(join(folder, `${domain}.nii`), volume)
    if (domain !== 'twice') rows.push(`1\t${domain}\t${domain}.nii`)
  }
  await writeFile(cohortFile, `${rows.join('\n')}\n`)
})

const bundleOf = async (name: string, method: 'tone' | 'residual-unet', config: object): Promise<string> => {
  const out = join(folder, `${name}.harmonizer`)
  await train({ cohort: cohortFile, target: 't', method, out, engine, config: { ...config } })
  return out
}
async function outputOf(bundle: string): Promise<Float32Array> {
  const harmonizer = await loadHarmonizer(bundle)
  const { volume } = await harmonizer.apply(source, { domain: 'a' })
  await harmonizer.close()
  return toFloat32(volume)
}

describe('attune train --method residual-unet', () => {
  it('writes a bundle that stays within its bound of the first stage, and a card that says what lies outside of the graph', async () => {
    // past the first checkpoint, which is written after step 25
    const settings = { first: 'tone', steps: 26, batch: 2 }
    const [before, bundle] = [
      await outputOf(await bundleOf('tone', 'tone', {})),
      await bundleOf('unet', 'residual-unet', settings),
    ]
    const after = await outputOf(bundle)
    const changes = after.map((value, i) => Math.abs(value - before[i]!))
    const { bound } = (await readBundle(bundle)).manifest.steps[0] as ResidualUnetModel
    const most = changes.reduce((a, b) => Math.max(a, b), 0)
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThanOrEqual(bound)
    expect((await readdir(folder)).filter((name) => name.startsWith('unet.'))).toEqual(['unet.harmonizer'])
    const card = await readFile(join(bundle, 'card.md'), 'utf8')
    expect(card).toMatch(/`residual-unet` \(rung 5 .*Outside of it: the first stage/s)
    const manifest = JSON.parse(await readFile(join(bundle, 'manifest.json'), 'utf8'))
    expect(manifest).toMatchObject({
      rung: 5,
      steps: [{ kind: 'residual-unet', stage: { kind: 'tone' } }],
      training: { options: { first: 'tone', bound: 0.25, batch: 2 } },
    })
  }, 300_000)

  it.each([
    [{ first: 'nyul' }, /first: "nyul"/],
    [{ depth: 3 }, /depth: 3/],
    [{ localTone: { steps: -1 } }, /steps: -1/],
  ])('refuses settings that it does not take: %j', async (config, message) => {
    await expect(bundleOf('wrong', 'residual-unet', config)).rejects.toThrow(message)
    expect(existsSync(join(folder, 'wrong.harmonizer'))).toBe(false)
  })
})

const cohortOfTwo = (target = 't'): Cohort => ({
  source: cohortFile,
  scans: ['a', target].map((domain) => ({
    ...{ subject: '1', domain, session: '1', image: join(folder, `${domain}.nii`) },
    truth: {},
    covariates: {},
  })),
})
const model = { kind: 'tone', referenceScale: 800, knots: [0, 1], tones: { a: [0, 1] } } as const

it.runIf(withNative)(
  'corrects a first stage whose contrast is off: little of the loss is left',
  async () => {
    // what comes from the first stage is 15 % too dark
    const stage = { model, apply: async (volume: Volume) => toFloat32(volume).map((value) => 1.7 * value) }
    const options = { ...RESIDUAL_UNET_DEFAULTS, engine, steps: 40, batch: 2, learningRate: 2e-3 } as const
    const { loss } = await trainResidualUnet(cohortOfTwo('twice'), 'twice', stage, options)
    expect(loss.at(-1)!.loss).toBeLessThan(0.6 * loss[0]!.loss)
  },
  120_000,
)

it.runIf(withNative)(
  'goes on from a checkpoint to exactly the weights of a training without interruption',
  async () => {
    const stage = { model, apply: async (volume: Volume) => toFloat32(volume).map((value) => 2 * value) }
    const options = { ...RESIDUAL_UNET_DEFAULTS, engine, steps: 26, batch: 2 } as const
    const place = (resume: boolean) => ({ path: join(folder, 'checkpoint'), resume, cohort: 'c'.repeat(64) })
    const whole = await trainResidualUnet(cohortOfTwo(), 't', stage, options, { checkpoint: place(false) })
    const lines: string[] = []
    const resumed = await trainResidualUnet(cohortOfTwo(), 't', stage, options, {
      checkpoint: place(true),
      log: (line) => lines.push(line),
    })
    expect(lines).toContain('resumed after step 25 of 26')
    for (const [name, values] of Object.entries(whole.weights))
      expect(
        Buffer.compare(Buffer.from(values.buffer), Buffer.from(resumed.weights[name]!.buffer)),
        name,
      ).toBe(0)
    const other = { ...options, bound: 0.3 }
    await expect(
      trainResidualUnet(cohortOfTwo(), 't', stage, other, { checkpoint: place(true) }),
    ).rejects.toThrow(/other settings/)
  },
)
