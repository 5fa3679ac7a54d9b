import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { temporaryFolder } from '../../test/fixtures/nifti.ts'
import { loadScan } from '../cohort/images.ts'
import { writeNifti } from '../formats/nifti/write.ts'
import { volumeOf } from '../volume/volume.ts'
import { type ApplyOptions, bare, type Harmonizer, harmonizerOf } from './harmonizer.ts'
import { closedMapping, forcedMapping, unguarded } from './unguarded.ts'

const SIZE = 8
const values = Float32Array.from({ length: SIZE ** 3 }, (_, i) => 100 + (i % 50))
const grid = { shape: [SIZE, SIZE, SIZE], affine: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1] } as const
const mask = new Uint8Array(SIZE ** 3).fill(1)

const folder = await temporaryFolder()
await writeNifti(join(folder, 'scan.nii'), volumeOf(grid, values))
await writeFile(join(folder, 'scan.json'), '{"RepetitionTime": 2.3, "MagneticFieldStrength": 3}')

it('reads how an image was acquired, as apply does', async () => {
  const scan = await loadScan({
    subject: '1',
    domain: 'b',
    session: '',
    image: join(folder, 'scan.nii'),
    truth: {},
    covariates: {},
  })
  const seen: ApplyOptions[] = []
  const identity = harmonizerOf(bare({ kind: 'identity' }))
  const watched: Harmonizer = {
    ...identity,
    apply: (volume, options = {}) => {
      seen.push(options)
      return identity.apply(volume, options)
    },
  }
  await forcedMapping(watched)(scan.volume, mask, scan.origin)
  expect(seen).toMatchObject([
    { domain: 'b', acquisition: { repetitionTime: 2.3, fieldStrength: 3 }, force: true, evenTarget: true },
  ])
})

it('is the method, whether a harmonizer applies it or a model alone', async () => {
  const model = { kind: 'tone', referenceScale: 100, knots: [0, 1, 2], tones: { b: [0, 0.8, 2.4] } } as const
  const origin = { domain: 'b', acquisition: {} }
  const image = volumeOf(grid, values)
  const harmonizer = unguarded(model, 'a', {}, 'fold')
  const byHarmonizer = await forcedMapping(harmonizer)(image, mask, origin)
  expect(byHarmonizer).toEqual(await closedMapping(model)(image, mask, origin))
  await expect(forcedMapping(harmonizer)(image, mask, { ...origin, domain: 'c' })).rejects.toThrow('"c"')
})
