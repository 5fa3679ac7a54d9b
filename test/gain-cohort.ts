/** Small heads on a source `a` and a target `t` whose scans differ in gain from one to the next, which no harmonizer can foresee. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeNifti } from '../src/formats/nifti/write.ts'
import { random } from '../src/kernels/random.ts'
import type { Volume } from '../src/volume/volume.ts'
import { head } from './head.ts'

/** The SD of the gain of a scan is 4 %. */
export function scanWithGain(person: number, domain: string): Volume {
  const seed = 10 * person + domain.charCodeAt(0)
  const gain = Math.exp(0.04 * random(seed, 'gain').normal())
  const [fluid, grey, white] = domain === 'a' ? [120, 300, 450] : [500, 1900, 2400]
  return head({
    ...{ seed, person, voxel: 6, noise: domain === 'a' ? 6 : 40 },
    tissues: [gain * fluid, gain * grey, gain * white],
  })
}

/** @returns path of the manifest */
export async function gainCohort(home: string, people: readonly number[]): Promise<string> {
  await mkdir(home)
  const rows = ['subject\tdomain\timage']
  for (const person of people)
    for (const domain of ['a', 't']) {
      await writeNifti(join(home, `${person}${domain}.nii`), scanWithGain(person, domain))
      rows.push(`s${person}\t${domain}\t${person}${domain}.nii`)
    }
  const manifest = join(home, 'cohort.tsv')
  await writeFile(manifest, `${rows.join('\n')}\n`)
  return manifest
}
