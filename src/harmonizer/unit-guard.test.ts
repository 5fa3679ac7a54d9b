import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { dataFolder } from '../../test/fixtures/data.ts'
import { temporaryFolder } from '../../test/fixtures/nifti.ts'
import { head } from '../../test/head.ts'
import { train } from '../../training/train.ts'
import { hounsfieldLike } from '../domain/hounsfield.ts'
import { readNifti } from '../formats/nifti/read.ts'
import { writeNifti } from '../formats/nifti/write.ts'
import { toFloat32, type Unit, type Volume, volumeOf } from '../volume/volume.ts'
import { applyFile, type FileRequest } from './apply-file.ts'
import { loadHarmonizer } from './harmonizer.ts'
import { UNTRAINED } from './ladder.ts'

const CHANGING = UNTRAINED.filter((method) => method !== 'identity')
const folder = await temporaryFolder()
const mr = head()
/** The same head as a CT would show it: air at -1000, tissue near 0. */
const ct = volumeOf(
  mr,
  toFloat32(mr).map((value) => (value < 60 ? -1000 + value / 10 : value / 4)),
)
const REFUSED = { code: 'E_REFUSED', exitCode: 3 }
const request = (input: string, output: string): FileRequest => ({
  ...{ input, output: join(folder, output), dtype: 'float32', gzipLevel: 1, force: false, dryRun: false },
  ...{ overwrite: true, version: 'test' },
})

describe('in the library', () => {
  const units: readonly Unit[] = ['HU', 'SUVbw', 'Bq/ml', 'mm2/s', 'ms', 's', '1/s']
  it.each(CHANGING.flatMap((method) => units.map((unit) => [method, unit] as const)))(
    '%s refuses an image in %s, and says why',
    async (method, unit) => {
      const harmonizer = await loadHarmonizer(method)
      const attempt = harmonizer.apply({ ...mr, unit })
      await expect(attempt).rejects.toMatchObject(REFUSED)
      await expect(attempt).rejects.toThrow(`in ${unit}, a physical unit that \`${method}\` would destroy`)
    },
  )

  it('identity passes every unit through', async () => {
    const harmonizer = await loadHarmonizer('identity')
    for (const unit of units) {
      const volume = { ...mr, unit }
      expect((await harmonizer.apply(volume)).volume).toBe(volume)
    }
  })

  it('a CT that nobody says is one is known by its air and its soft tissue', async () => {
    const zscore = await loadHarmonizer('zscore')
    await expect(zscore.apply(ct)).rejects.toThrow(/in HU \(by its values: .*-1000/)
    expect((await zscore.apply(mr)).volume.unit).toBe('arbitrary')
  })

  it('forced, the result is no longer said to be in HU', async () => {
    const { volume, record } = await (await loadHarmonizer('zscore')).apply(
      { ...ct, unit: 'HU' },
      { force: true },
    )
    expect(volume.unit).toBe('arbitrary')
    expect(record.guards.some(({ guard, status }) => guard === 'unit' && status === 'failed')).toBe(true)
  })

  it('ADC and relaxation maps are refused by what is said of them, too', async () => {
    const zscore = await loadHarmonizer('zscore')
    await expect(zscore.apply(mr, { kind: 'parametric map' })).rejects.toMatchObject(REFUSED)
    const unit = { unit: 'ms', by: 'its name' } as const
    await expect(zscore.apply(mr, { unit })).rejects.toThrow(/in ms \(by its name\)/)
  })
})

describe('in files', () => {
  beforeAll(async () => {
    await writeNifti(join(folder, 'scan.nii'), mr)
    for (const [name, sidecar] of [
      ['declared', { Modality: 'CT' }],
      ['suv', { Modality: 'PT', Units: 'GML' }],
      ['relaxation', { Units: 's' }],
      ['adc', { Modality: 'MR', ImageType: ['DERIVED', 'PRIMARY', 'ADC'] }],
    ] as const) {
      await writeNifti(join(folder, `${name}.nii`), mr)
      await writeFile(join(folder, `${name}.json`), JSON.stringify(sidecar))
    }
    for (const name of ['sub-1_ct', 'sub-1_pet', 'sub-1_ADC', 'sub-1_T1map'])
      await writeNifti(join(folder, `${name}.nii`), mr)
  })

  it.each(['declared', 'suv', 'relaxation', 'adc', 'sub-1_ct', 'sub-1_pet', 'sub-1_ADC', 'sub-1_T1map'])(
    '%s.nii is refused by what lies beside it or by its name, in apply and in train',
    async (name) => {
      const harmonizer = await loadHarmonizer('kde')
      await expect(
        applyFile(harmonizer, request(join(folder, `${name}.nii`), 'out.nii')),
      ).rejects.toMatchObject(REFUSED)
      const cohort = join(folder, `${name}.tsv`)
      await writeFile(cohort, `subject\tdomain\timage\n1\ta\t${name}.nii\n1\tb\tscan.nii\n`)
      for (const method of ['lsq', 'nyul', 'tone', 'local-tone', 'residual-unet', 'auto'] as const)
        await expect(
          train({ cohort, target: 'b', method, out: join(folder, 'no.harmonizer'), singleReference: true }),
        ).rejects.toMatchObject(REFUSED)
    },
  )

  it('a dataset that says Modality CT once, above its images, says it of all', async () => {
    const root = join(folder, 'dataset')
    await mkdir(join(root, 'sub-1', 'anat'), { recursive: true })
    await writeFile(join(root, 'dataset_description.json'), '{"Name":"x","BIDSVersion":"1.10.0"}')
    await writeFile(join(root, 'T1w.json'), '{"Modality":"CT"}')
    await writeNifti(join(root, 'sub-1', 'anat', 'sub-1_T1w.nii.gz'), mr)
    const harmonizer = await loadHarmonizer('zscore')
    const { applyCohort } = await import('./apply-cohort.ts')
    const { input: _input, output: _output, uncertainty: _map, ...shared } = request('', '')
    const { results } = await applyCohort(harmonizer, root, join(folder, 'derivative'), shared)
    expect(results[0]?.error).toMatchObject(REFUSED)
    expect(results[0]?.error?.message).toMatch(/in HU \(by Modality "CT"/)
  })
})

describe.runIf(dataFolder !== undefined)('of real patients', () => {
  const images = ['008', '019', '024', '025', '041', '042'].flatMap((id) =>
    ['CT', 'PET'].map((kind) => [`STS_${id}`, kind] as const),
  )
  const read = async (id: string, kind: string): Promise<{ path: string; volume: Volume }> => {
    const path = join(dataFolder as string, 'ibsi-sts-multimodal', 'nifti', id, `${kind}_image.nii.gz`)
    return { path, volume: (await readNifti(path)).volume }
  }

  it.each(images)('%s %s is refused by its name, and the CT by its values', async (id, kind) => {
    const { path, volume } = await read(id, kind)
    const harmonizer = await loadHarmonizer('zscore')
    await expect(applyFile(harmonizer, request(path, 'real.nii'))).rejects.toMatchObject(REFUSED)
    expect(hounsfieldLike(volume)?.unit).toBe(kind === 'CT' ? 'HU' : undefined)
  })

  it.each(['002', '018', '023'])('STS_%s MR is not taken for CT', async (id) => {
    const { volume } = await read(`STS_${id}`, 'MR_T1')
    expect(hounsfieldLike(volume)).toBeUndefined()
  })
})
