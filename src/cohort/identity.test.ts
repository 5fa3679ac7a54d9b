import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { image, tsv, writeDataset } from '../../test/fixtures/bids.ts'
import { temporaryFolder } from '../../test/fixtures/nifti.ts'
import { sha256 } from '../files.ts'
import { cohortFolder, cohortHash } from './identity.ts'
import { readCohort } from './manifest.ts'

const folder = await temporaryFolder()
const dataset = async (name: string, age: number): Promise<string> => {
  const root = join(folder, name)
  await writeDataset(root, {
    'sub-01/ses-A/anat/sub-01_ses-A_T1w.nii': image(),
    'participants.tsv': tsv('participant_id age', `sub-01 ${age}`),
  })
  return root
}

it('a manifest is its bytes, and its paths start in its folder', async () => {
  const text = tsv('subject domain image', '01 a none.nii')
  await writeFile(join(folder, 'cohort.tsv'), text)
  const { cohort } = await readCohort(join(folder, 'cohort.tsv'))
  expect(cohortFolder(cohort)).toBe(folder)
  expect(await cohortHash(cohort)).toBe(sha256(text))
})

it('a dataset is what it says of its scans, wherever it lies, and its paths start at its root', async () => {
  const [here, there, other] = await Promise.all(
    [dataset('here', 30), dataset('there', 30), dataset('other', 31)].map(
      async (root) => (await readCohort(await root)).cohort,
    ),
  )
  expect(cohortFolder(here!)).toBe(join(folder, 'here'))
  expect(await cohortHash(here!)).toBe(await cohortHash(there!))
  expect(await cohortHash(here!)).not.toBe(await cohortHash(other!))
})
