import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { writeNifti } from '../src/formats/nifti/write.ts'
import { readBundle } from '../src/harmonizer/bundle.ts'
import { seenInTraining } from '../src/harmonizer/manifest.ts'
import { temporaryFolder } from '../test/fixtures/nifti.ts'
import { head } from '../test/head.ts'
import { copyWithoutNames } from './nameless-bundle.ts'
import { train } from './train.ts'

const folder = await temporaryFolder()

it('names nobody, knows everybody again, and harmonizes alike', async () => {
  const people = ['Ann', 'Bob']
  const named = join(folder, 'ward-7')
  await mkdir(named)
  const rows = await Promise.all(
    people.map(async (name, k) => {
      await writeNifti(join(named, `${name}.nii`), head({ seed: k, person: k + 1, voxel: 6 }))
      return `${name}\tt\t${name}.nii\n`
    }),
  )
  const cohort = join(named, 'ward-7.tsv')
  await writeFile(cohort, `subject\tdomain\timage\n${rows.join('')}`)
  const { path } = await train({
    ...{ cohort, target: 't', method: 'zscore', out: join(folder, 'x.harmonizer'), engine: 'cpu' },
  })
  const to = join(folder, 'copy', 'x.harmonizer')
  const original = await readBundle(path)
  expect(await copyWithoutNames(path, to)).toBe(original.sha256)
  const copy = await readBundle(to)
  for (const file of ['manifest.json', ...Object.keys(copy.manifest.files)]) {
    const text = await readFile(join(to, file), 'latin1')
    for (const word of [...people, 'ward-7', folder]) expect(text).not.toContain(word)
  }
  expect(seenInTraining(copy.manifest.training, ['Zoe', 'Bob', 'bob', 'Ann'])).toEqual(['Bob', 'Ann'])
  expect(seenInTraining(original.manifest.training, ['Zoe', 'Bob', 'bob', 'Ann'])).toEqual(['Bob', 'Ann'])
  expect({ ...copy.manifest, training: null, files: null }).toEqual({
    ...{ ...original.manifest, training: null, files: null },
  })
  expect(copy.files['evidence.json']).toEqual(original.files['evidence.json'])
})
