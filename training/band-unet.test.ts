/** CT from manifest to report: what `band-unet` is trained on, what it refuses, and what validation says of it. */
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { simulateBodies } from '../data/generators/simulate-bodies.ts'
import { readNifti } from '../src/formats/nifti/read.ts'
import { writeNifti } from '../src/formats/nifti/write.ts'
import { loadHarmonizer } from '../src/harmonizer/harmonizer.ts'
import { toFloat32, volumeOf } from '../src/volume/volume.ts'
import { temporaryFolder } from '../test/fixtures/nifti.ts'
import { pairedFidelity } from '../validation/paired-fidelity.ts'
import { nativeFolder } from './engine/native-folder.ts'
import { train } from './train.ts'

const folder = await temporaryFolder()
const engine = existsSync(nativeFolder()) ? 'native' : 'wasm'
const bundle = join(folder, 'ct.harmonizer')
let cohort = ''
beforeAll(async () => {
  cohort = await simulateBodies(folder, { modality: 'ct', subjects: 2, scanners: 2, seed: 3, voxelMm: 4 })
  await train({
    ...{ cohort, target: 'ct-A', method: 'band-unet', out: bundle, engine },
    ...{ excludeSubjects: ['sub-02'], config: { steps: 6, batch: 1, learningRate: 0.01 } },
  })
}, 300_000)
const image = (subject: string, scanner: string): string =>
  join(folder, subject, `${subject}_acq-ct${scanner}_ct.nii.gz`)

describe('a bundle for CT', () => {
  it('says its unit, window and bound, and no curve', async () => {
    const manifest = JSON.parse(await readFile(join(bundle, 'manifest.json'), 'utf8'))
    expect(manifest).toMatchObject({
      rung: 5,
      sources: ['ct-B'],
      steps: [
        {
          kind: 'band-unet',
          unit: 'HU',
          window: { low: -950, ramp: 50 },
          most: { size: 150 },
          voxelMm: [4, 4, 6],
        },
      ],
      training: { options: { steps: 6, batch: 1 } },
    })
    expect(await readFile(join(bundle, 'card.md'), 'utf8')).toMatch(
      /Images must be in HU\. No voxel changes by more than 150 HU; voxels below -950 .*do not change at all/,
    )
  })

  it('takes CT by its declaration, keeps its unit, and refuses the rest', async () => {
    const harmonizer = await loadHarmonizer(bundle)
    const { volume } = await readNifti(image('sub-02', 'B'))
    const said = { unit: 'HU', by: 'its name' } as const
    const after = await harmonizer.apply(volume, { domain: 'ct-B', unit: said })
    expect(after.volume.unit).toBe('HU')
    expect(after.volume).not.toBe(volume)
    const suv = { ...volume, unit: 'SUVbw' as const }
    await expect(harmonizer.apply(suv, { domain: 'ct-B' })).rejects.toThrow(
      /in SUVbw; the bundle was trained on HU/,
    )
    const mr = volumeOf(
      volume,
      toFloat32(volume).map((value) => value + 1100),
    )
    await expect(harmonizer.apply(mr, { domain: 'ct-B' })).rejects.toThrow(
      /in no unit that is known; .*"Units": "HU"/,
    )
    const target = await readNifti(image('sub-02', 'A'))
    const passed = await harmonizer.apply(target.volume, { domain: 'ct-A', unit: said })
    expect(passed.volume).toBe(target.volume)
    await harmonizer.close()
  })

  it('is validated by its gates, which the report shows', async () => {
    const evidence = await pairedFidelity({
      ...{ bundle, cohort, command: 'test', date: '2026-11-21', attune: 'test' },
    })
    const gates = Object.fromEntries(evidence.gates.map(({ id, status }) => [id, status]))
    expect(gates).toMatchObject({ extremes: 'pass' })
    expect(Object.keys(gates)).toContain('regions')
    expect(evidence.units?.[0]).toMatchObject({ unit: 'HU', domain: 'ct-B', subject: 'sub-02' })
    const { parseEvidence } = await import('../src/evidence/schema.ts')
    expect(parseEvidence(JSON.parse(JSON.stringify(evidence)), 'test').units).toEqual(evidence.units)
    const { writeReport } = await import('../src/report/write.ts')
    const files = await writeReport(evidence, join(folder, 'report'))
    const markdown = files.find((path) => path.endsWith('.md')) as string
    expect(await readFile(markdown, 'utf8')).toMatch(/Is the unit kept\?.*soft tissue/s)
  }, 120_000)
})

describe('a cohort that cannot be trained on', () => {
  const attempt = async (rows: string): Promise<unknown> => {
    const path = join(dirname(cohort), 'wrong.tsv')
    await writeFile(path, `subject\tdomain\timage\n${rows}`)
    const out = join(folder, 'wrong.harmonizer')
    return train({ cohort: path, target: 't', method: 'band-unet', out, engine, config: { steps: 1 } })
  }
  const write = async (
    name: string,
    sidecar: object,
    change: (x: number) => number = (x) => x,
  ): Promise<string> => {
    const { volume } = await readNifti(image('sub-01', 'A'))
    await writeNifti(join(folder, `${name}.nii`), volumeOf(volume, toFloat32(volume).map(change)))
    await writeFile(join(folder, `${name}.json`), JSON.stringify(sidecar))
    return `${name}.nii`
  }

  it('is in no unit that is kept: exit code 3', async () => {
    const mr = await write('mr', { Modality: 'MR' }, (x) => x + 1100)
    const pet = await write('bq', { Modality: 'PT', Units: 'Bq/mL' }, (x) => x + 1100)
    await expect(attempt(`1\ta\t${mr}\n1\tt\tsub-01/sub-01_acq-ctA_ct.nii.gz\n`)).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringMatching(/in no unit that is known/),
    })
    await expect(attempt(`1\ta\t${pet}\n1\tt\tsub-01/sub-01_acq-ctA_ct.nii.gz\n`)).rejects.toThrow(
      /Convert it to SUV/,
    )
  })

  it('mixes units: exit code 2', async () => {
    const pet = await write('suv', { Units: 'SUVbw' }, (x) => x + 1100)
    await expect(attempt(`1\ta\t${pet}\n1\tt\tsub-01/sub-01_acq-ctA_ct.nii.gz\n`)).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(/in SUVbw.*in HU|in HU.*in SUVbw/s),
    })
  })
})
