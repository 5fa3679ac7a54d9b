import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { link, writeDataset } from '../../../test/fixtures/bids.ts'
import { temporaryFolder } from '../../../test/fixtures/nifti.ts'
import { InputError } from '../../errors.ts'
import { isBidsDataset, readBidsDataset } from './dataset.ts'

const folder = await temporaryFolder()
const made = async (name: string, tree: Parameters<typeof writeDataset>[1]): Promise<string> => {
  await writeDataset(join(folder, name), tree)
  return join(folder, name)
}

describe('readBidsDataset', () => {
  it('lists the files of subjects and of the root, tables of phenotype, and derivatives', async () => {
    const root = await made('plain', {
      'T1w.json': {},
      'participants.tsv': '',
      'cohort.tsv': '',
      '.bidsignore': 'cohort.tsv\nsub-02/\n',
      'code/sub-01_T1w.nii.gz': '',
      'sourcedata/sub-01/anat/sub-01_T1w.nii.gz': '',
      'phenotype/moca.tsv': '',
      'phenotype/moca.json': {},
      'sub-01/ses-A/anat/sub-01_ses-A_T1w.nii.gz': '',
      'sub-01/ses-A/anat/IXI012.nii.gz': '',
      'sub-01/ses-A/anat/too/deep/sub-01_T1w.nii.gz': '',
      'sub-01/.git/sub-01_T1w.nii.gz': '',
      'sub-02/anat/sub-02_T1w.nii.gz': '',
      'derivatives/brains/dataset_description.json': { Name: 'Brains' },
      'derivatives/brains/sub-01/anat/sub-01_desc-brain_mask.nii.gz': '',
      'derivatives/no-dataset/sub-01/anat/sub-01_desc-brain_mask.nii.gz': '',
    })
    const dataset = await readBidsDataset(root)
    expect(dataset.files.map(({ path }) => path)).toEqual([
      'T1w.json',
      'participants.tsv',
      'sub-01/ses-A/anat/sub-01_ses-A_T1w.nii.gz',
    ])
    expect(dataset.phenotype).toEqual(['phenotype/moca.tsv'])
    expect(dataset.misnamed).toEqual(['sub-01/ses-A/anat/IXI012.nii.gz'])
    expect(dataset.derivatives.map(({ description, files }) => [description['Name'], files.length])).toEqual([
      ['Brains', 1],
    ])
  })
  it('follows links to files and folders, marks those that lead nowhere, and does not go in circles', async () => {
    const root = await made('links', {
      '.git/annex/objects/key': 'image',
      'sub-01/anat/sub-01_T1w.nii.gz': link('../../.git/annex/objects/key'),
      'sub-01/anat/sub-01_T2w.nii.gz': link('../../.git/annex/objects/not-fetched'),
      'sub-01/again': link('..'),
      'sub-02': link('sub-01'),
      'derivatives/self': link('..'),
    })
    const { files, derivatives } = await readBidsDataset(root)
    expect(files.map(({ path, present }) => [path, present])).toEqual([
      ['sub-01/anat/sub-01_T1w.nii.gz', true],
      ['sub-01/anat/sub-01_T2w.nii.gz', false],
      ['sub-02/anat/sub-01_T1w.nii.gz', true],
      ['sub-02/anat/sub-01_T2w.nii.gz', false],
    ])
    expect(derivatives).toHaveLength(1)
  })
  it('reads a derivative whose description is damaged', async () => {
    const root = await made('damaged-derivative', {
      'derivatives/brains/dataset_description.json': '',
      'derivatives/brains/sub-01/anat/sub-01_desc-brain_mask.nii.gz': '',
    })
    const [derivative] = (await readBidsDataset(root)).derivatives
    expect(derivative?.description).toEqual({})
    expect(derivative?.files).toHaveLength(1)
  })
  it('refuses a description that is damaged', async () => {
    const root = await made('damaged', { 'dataset_description.json': '{ "Name": ' })
    await expect(readBidsDataset(root)).rejects.toThrow(/dataset_description\.json: is not JSON/)
    await expect(readBidsDataset(root)).rejects.toBeInstanceOf(InputError)
  })
})

it('a dataset is a folder with a description', async () => {
  const root = await made('described', { 'sub-01/anat/sub-01_T1w.nii.gz': '' })
  expect(await isBidsDataset(root)).toBe(true)
  expect(await isBidsDataset(join(root, 'sub-01'))).toBe(false)
  expect(await isBidsDataset(join(root, 'dataset_description.json'))).toBe(false)
  expect(await isBidsDataset(join(root, 'none'))).toBe(false)
})
