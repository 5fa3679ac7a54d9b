import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Tree, tsv, writeDataset } from '../../test/fixtures/bids.ts'
import { temporaryFolder } from '../../test/fixtures/nifti.ts'
import { head } from '../../test/head.ts'
import { ConfigError } from '../errors.ts'
import { writeNifti } from '../formats/nifti/write.ts'
import { readTable } from '../formats/tables/table.ts'
import { applyCohort } from './apply-cohort.ts'
import type { FileRecord } from './apply-file.ts'
import { harmonizerOf, loadHarmonizer } from './harmonizer.ts'

const folder = await temporaryFolder()
const shared = {
  dtype: 'float32',
  gzipLevel: 1,
  force: false,
  dryRun: false,
  overwrite: false,
  version: '1.2.3',
} as const
const zscore = await loadHarmonizer('zscore')
/** Brings the tissue median of images of `A` to 700. */
const tone = harmonizerOf({
  identity: { name: 'to-b', method: 'tone', rung: 2, target: 'B', sha256: 'ab'.repeat(32) },
  sources: ['A'],
  model: { kind: 'tone', referenceScale: 700, knots: [0, 1, 2], tones: { A: [0, 1, 2] } },
  guards: {},
})

let scan: Uint8Array
beforeAll(async () => {
  await writeNifti(join(folder, 'head.nii.gz'), head({ voxel: 10 }))
  scan = await readFile(join(folder, 'head.nii.gz'))
})

let count = 0
async function made(tree: Tree): Promise<{ root: string; out: string }> {
  const root = join(folder, `raw-${count++}`)
  await writeDataset(root, tree)
  return { root, out: join(root, 'derivatives', 'attune') }
}
const json = async (path: string): Promise<Record<string, unknown>> =>
  JSON.parse(await readFile(path, 'utf8'))
const filesIn = async (root: string): Promise<readonly string[]> =>
  (await readdir(root, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort()

const A = 'sub-01/ses-A/anat/sub-01_ses-A_T1w.nii.gz'
const HARMONIZED = 'sub-01/ses-A/anat/sub-01_ses-A_desc-harmonized_T1w'

describe('a harmonized dataset', () => {
  it('refuses an image that a sidecar of the whole dataset declares a phase image', async () => {
    const { root, out } = await made({
      'dataset_description.json': { Name: 'Phases', BIDSVersion: '1.8.0' },
      'T1w.json': { ImageType: ['ORIGINAL', 'PRIMARY', 'P', 'ND'] },
      [A]: scan,
    })
    const { results } = await applyCohort(zscore, root, out, shared)
    expect(results).toMatchObject([{ outcome: 'failed', error: { code: 'E_REFUSED' } }])
    expect(results[0]?.error?.message).toMatch(/phase/)
  })

  it('is a derivative: images, sidecars and texts where BIDS has them', async () => {
    const { root, out } = await made({
      'dataset_description.json': {
        Name: 'Travelers',
        BIDSVersion: '1.8.0',
        License: 'CC0',
        DatasetDOI: '10.18112/openneuro.ds1.v1.0.0',
      },
      'participants.tsv': tsv('participant_id age', 'sub-01 34'),
      'T1w.json': { EchoTime: 0.003, Manufacturer: 'GE', PatientName: 'Doe^Jane', RescaleSlope: 2 },
      [A]: scan,
      'sub-01/ses-A/anat/sub-01_ses-A_T1w.json': { EchoTime: 0.004, SkullStripped: true },
      'sub-01/ses-B/anat/sub-01_ses-B_acq-fast_desc-preproc_T1w.nii.gz': scan,
    })
    const { results } = await applyCohort(zscore, root, out, shared, undefined, { domainFrom: 'session' })
    expect(results.map(({ outcome }) => outcome)).toEqual(['harmonized', 'harmonized'])
    expect(await filesIn(out)).toEqual([
      '.bidsignore',
      'README.md',
      'dataset_description.json',
      'descriptions.json',
      'descriptions.tsv',
      'harmonized.tsv',
      `${HARMONIZED}.json`,
      `${HARMONIZED}.nii.gz`,
      'sub-01/ses-B/anat/sub-01_ses-B_acq-fast_desc-preprocHarmonized_T1w.json',
      'sub-01/ses-B/anat/sub-01_ses-B_acq-fast_desc-preprocHarmonized_T1w.nii.gz',
    ])
    const { Harmonization, ...sidecar } = await json(join(out, `${HARMONIZED}.json`))
    expect(sidecar).toEqual({
      Description: 'Intensities normalized image by image (attune zscore, rung 1).',
      Sources: [`bids:raw:${A}`],
      SkullStripped: true,
      Manufacturer: 'GE',
      EchoTime: 0.004,
    })
    expect(Harmonization).toMatchObject({
      schema: 'attune-record/1',
      domain: 'A',
      settings: { attune: '1.2.3' },
    })
    expect(await json(join(out, 'dataset_description.json'))).toEqual({
      Name: 'Travelers, harmonized',
      BIDSVersion: '1.10.0',
      DatasetType: 'derivative',
      License: 'CC0',
      GeneratedBy: [
        {
          Name: 'attune',
          Version: '1.2.3',
          Description: 'Intensities normalized image by image (attune zscore, rung 1).',
        },
      ],
      SourceDatasets: [{ DOI: 'doi:10.18112/openneuro.ds1.v1.0.0' }],
      DatasetLinks: { raw: '../..' },
    })
    expect((await readTable(join(out, 'descriptions.tsv'))).rows.map((row) => row['desc_id'])).toEqual([
      'desc-harmonized',
      'desc-preprocHarmonized',
    ])
    expect((await readTable(join(out, 'harmonized.tsv'))).rows[0]).toMatchObject({
      subject: 'sub-01',
      domain: 'A',
      session: 'A',
      image: `${HARMONIZED}.nii.gz`,
      age: '34',
    })
  })
  it('gives each image the mapping of its domain, and refuses those of other domains one by one', async () => {
    const { root, out } = await made({
      [A]: scan,
      [A.replaceAll('ses-A', 'ses-B')]: scan,
      [A.replaceAll('ses-A', 'ses-C')]: scan,
      'sub-02/anat/sub-02_T1w.nii.gz': scan,
    })
    const { results } = await applyCohort(tone, root, out, shared)
    expect(results.map(({ outcome, error }) => `${outcome} ${error?.code ?? ''}`)).toEqual([
      'harmonized ',
      'passed-through ',
      'failed E_REFUSED',
      'failed E_INPUT',
    ])
    expect(results[2]?.error?.what).toMatch(/not been trained on domain "C"/)
    expect(results[3]?.error?.message).toMatch(/sub-02_T1w\.nii\.gz: .*no session.*--domain-from/s)
    const { Harmonization: record } = await json(join(out, `${HARMONIZED}.json`))
    expect((record as FileRecord).after.percentiles.p50).toBeCloseTo(700, 1)
    expect((await readTable(join(out, 'harmonized.tsv'))).rows).toHaveLength(2)
  })
  it('needs no domain for a method that works on one image alone', async () => {
    const { root, out } = await made({ 'sub-02/anat/sub-02_T1w.nii.gz': scan })
    const { results } = await applyCohort(zscore, root, out, shared)
    expect(results.map(({ outcome }) => outcome)).toEqual(['harmonized'])
    const record = (await json(join(out, 'sub-02/anat/sub-02_desc-harmonized_T1w.json')))['Harmonization']
    expect(record).not.toHaveProperty('domain')
  })
  it('leaves out images that cannot be read, are not here, or have two sidecars, and goes on', async () => {
    const { root, out } = await made({
      [A]: scan,
      'sub-02/anat/sub-02_T1w.nii.gz': '<!doctype html>',
      'sub-03/anat/sub-03_T1w.nii.gz': { to: '../../.git/annex/objects/none' },
      'sub-04/anat/sub-04_run-1_T1w.nii.gz': scan,
      'sub-04/run-1_T1w.json': {},
      'sub-04/sub-04_T1w.json': {},
    })
    const { results } = await applyCohort(zscore, root, out, shared)
    expect(results.map(({ outcome }) => outcome)).toEqual(['harmonized', 'failed', 'failed', 'failed'])
    expect(results[2]?.error?.remedy).toMatch(/datalad get sub-03/)
    expect((await filesIn(out)).filter((path) => path.startsWith('sub-'))).toEqual([
      `${HARMONIZED}.json`,
      `${HARMONIZED}.nii.gz`,
    ])
  })
})

describe('a second run', () => {
  it('makes again only what changed: image, sidecar, or output', async () => {
    const others = ['B', 'C', 'D'].map((name) => A.replaceAll('ses-A', `ses-${name}`))
    const { root, out } = await made({ [A]: scan, ...Object.fromEntries(others.map((path) => [path, scan])) })
    const run = async (options = {}) =>
      (await applyCohort(zscore, root, out, { ...shared, ...options })).results.map(({ outcome }) => outcome)
    await run()
    expect(await run()).toEqual(Array(4).fill('up-to-date'))
    await rm(join(out, `${HARMONIZED}.json`)) // as where a run ended between image and sidecar
    expect(await run()).toEqual(['harmonized', 'up-to-date', 'up-to-date', 'up-to-date'])
    await writeFile(join(root, others[1]!.replace('.nii.gz', '.json')), '{"EchoTime": 0.005}')
    expect(await run()).toEqual(['up-to-date', 'up-to-date', 'failed', 'up-to-date']) // exists, and is not replaced unasked
    expect(await run({ overwrite: true })).toEqual(Array(4).fill('harmonized'))
  })
  it('refuses a folder of another harmonizer unless told to overwrite, and any that attune did not write', async () => {
    const { root, out } = await made({ [A]: scan })
    await applyCohort(zscore, root, out, shared)
    const again = applyCohort(tone, root, out, shared)
    await expect(again).rejects.toThrow(/holds a dataset of another harmonizer: .*zscore/)
    const { results } = await applyCohort(tone, root, out, { ...shared, overwrite: true })
    expect(results[0]?.outcome).toBe('harmonized')
    const foreign = join(root, 'derivatives', 'fmriprep')
    await mkdir(foreign)
    await writeFile(join(foreign, 'report.html'), '')
    for (const overwrite of [false, true])
      await expect(applyCohort(zscore, root, foreign, { ...shared, overwrite })).rejects.toThrow(ConfigError)
    expect(await filesIn(foreign)).toEqual(['report.html'])
    await expect(applyCohort(zscore, root, root, shared)).rejects.toThrow(/holds the inputs/)
  })
  it('writes nothing when dry, and refuses a dataset with a damaged table before the first image', async () => {
    const { root, out } = await made({ [A]: scan })
    const { results } = await applyCohort(zscore, root, out, { ...shared, dryRun: true })
    expect(results[0]?.outcome).toBe('harmonized')
    await writeFile(join(root, 'participants.tsv'), 'age\n3\n')
    await expect(applyCohort(zscore, root, out, shared)).rejects.toThrow(/no column participant_id/)
    expect(await readdir(root)).not.toContain('derivatives')
  })
})
