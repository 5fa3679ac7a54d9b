import { join } from 'node:path'
import { expect, it } from 'vitest'
import { temporaryFolder } from '../../test/fixtures/nifti.ts'
import { head } from '../../test/head.ts'
import type { Cohort } from '../cohort/cohort.ts'
import { writeNifti } from '../formats/nifti/write.ts'
import { toFloat32 } from '../volume/volume.ts'
import { consistencyOf } from './consistency.ts'
import type { Mapping, SharedMapping } from './unguarded.ts'

const folder = await temporaryFolder()
const scans = await Promise.all(
  [1, 2].map(async (seed) => {
    const image = join(folder, `${seed}.nii`)
    await writeNifti(image, head({ seed, noise: 12, voxel: 6 }))
    return { subject: 's', domain: 'a', session: String(seed), image, truth: {}, covariates: {} }
  }),
)
const cohort: Cohort = { source: 'cohort.tsv', scans }

/** What evens out a coil: a gain from .5 to 2 over the head. */
const gain = (x: Float32Array, width: number): Float32Array =>
  x.map((value, i) => value * 4 ** ((i % width) / width - 0.5))
const even: Mapping = async (volume) => gain(toFloat32(volume), volume.shape[0])
const share: SharedMapping = async (visits) =>
  visits.map(({ volume }) => gain(toFloat32(volume), volume.shape[0]))
const ratio = async (...mappings: [Mapping, SharedMapping?]): Promise<number> => {
  const [row] = await consistencyOf(cohort, 'a', mappings[0], 1000, mappings[1])
  return row!.after / row!.before
}

it('of a gain that varies over space and is the same for both scans is 1 beside what they share', async () => {
  expect(await ratio(even, share)).toBe(1)
  // one mean curve takes noise that grows here and shrinks there for something new
  expect(Math.abs((await ratio(even)) - 1)).toBeGreaterThan(0.02)
})

it('is above 1 where a mapping makes more of one scan than of the other', async () => {
  let calls = 0
  const uneven: Mapping = async (volume, mask, origin) => {
    const own = 1 + 0.1 * calls++
    return (await even(volume, mask, origin)).map((value) => own * value)
  }
  expect(await ratio(uneven, share)).toBeGreaterThan(1.2)
})
