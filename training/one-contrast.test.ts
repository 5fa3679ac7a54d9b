import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { writeNifti } from '../src/formats/nifti/write.ts'
import { temporaryFolder } from '../test/fixtures/nifti.ts'
import { head } from '../test/head.ts'
import { train } from './train.ts'

const folder = await temporaryFolder()
/** Two people scanned on a and b, under the names given. */
async function cohortOf(label: string, a: readonly string[], b: readonly string[]): Promise<string> {
  const rows = ['subject\tdomain\timage']
  for (const [person, names] of [a, b].entries())
    for (const [k, domain] of ['a', 'b'].entries()) {
      const image = `${label}-${person}${domain}_${names[k]}.nii`
      await writeNifti(join(folder, image), head({ seed: 10 * person + k, person }))
      rows.push(`s${person}\t${domain}\t${image}`)
    }
  const cohort = join(folder, `${label}.tsv`)
  await writeFile(cohort, `${rows.join('\n')}\n`)
  return cohort
}
const trained = (cohort: string): Promise<unknown> =>
  train({ cohort, target: 'b', method: 'tone', out: `${cohort}.harmonizer` })

it('refuses to make one contrast from another, and writes nothing', async () => {
  const cohort = await cohortOf('translation', ['T1w', 'T2w'], ['T1w', 'T2w'])
  await expect(trained(cohort)).rejects.toMatchObject({
    exitCode: 3,
    what: expect.stringMatching(/Scans of a are T1w, those of the target b T2w/),
  })
  expect((await readdir(folder)).filter((name) => name.includes('.harmonizer'))).toEqual([])
})

it('refuses a domain of several contrasts', async () => {
  const cohort = await cohortOf('several', ['T1w', 'T1w'], ['FLAIR', 'T1w'])
  await expect(trained(cohort)).rejects.toMatchObject({
    exitCode: 3,
    what: expect.stringMatching(/Scans of a are of several contrasts/),
  })
})

it('takes one contrast, and images that say nothing of theirs', async () => {
  await trained(await cohortOf('same', ['T1w', 'T1w'], ['T1w', 'T1w']))
  await trained(await cohortOf('silent', ['scan', 'T1w'], ['scan', 'T1w']))
})
