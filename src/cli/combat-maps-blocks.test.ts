/** Maps of several blocks: one with few voxels of the mask, one with none, one with many. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { temporaryFolder } from '../../test/fixtures/nifti.ts'
import { applyCombat } from '../combat/apply.ts'
import type { SampleTable } from '../combat/data.ts'
import { fitCombat } from '../combat/fit.ts'
import { appendedNifti } from '../formats/nifti/appended.ts'
import { readNifti } from '../formats/nifti/read.ts'
import { writeNifti } from '../formats/nifti/write.ts'
import { random } from '../kernels/random.ts'
import { volumeOf } from '../volume/volume.ts'
import { fitMaps } from './combat-maps-fit.ts'
import { blocksOf } from './combat-maps-images.ts'

const SHAPE = [50, 50, 60] as const
const VOXELS = 150_000
const mask = Uint8Array.from({ length: VOXELS }, (_, v) =>
  (v >= 10 && v < 100) || (v >= 140_000 && v < 145_000) ? 1 : 0,
)

it('blocks cover the grid once, in order, and hold the voxels of the mask', () => {
  for (const images of [1, 12, 5000]) {
    const found: number[] = []
    let next = 0
    for (const { start, count, inside } of blocksOf(mask, images)) {
      expect(start).toBe(next)
      expect(images * count * 8).toBeLessThanOrEqual(2 ** 26)
      next += count
      for (const place of inside) found.push(start + place)
    }
    expect(next).toBe(VOXELS)
    expect(found).toHaveLength(5090)
    expect(found.every((v, k) => mask[v] === 1 && (k === 0 || v > found[k - 1]!))).toBe(true)
  }
})
it('as a table of the same numbers', async () => {
  const folder = await temporaryFolder()
  await mkdir(folder, { recursive: true })
  const grid = { shape: SHAPE, affine: [2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1] } as const
  const path = join(folder, 'mask.nii.gz')
  await writeNifti(path, volumeOf(grid, mask), { dtype: 'same' })
  const { header } = await readNifti(path)
  const { normal } = random(2, 'blocks')
  const rows = 12
  const images = Array.from({ length: rows }, (_, k) =>
    Float64Array.from(
      { length: VOXELS },
      (_, v) => 50 + (k % 2) * (1 + (v % 7)) + (1 + (k % 2)) * (mask[v] === 1 ? normal() : 0),
    ),
  )
  for (const [k, values] of images.entries()) {
    const file = await appendedNifti(join(folder, `${k}.nii`), header, 'float64', false)
    await file.append(values)
    await file.end()
  }
  const batch = images.map((_, k) => (k % 2 === 0 ? 'A' : 'B'))
  await writeFile(
    join(folder, 'scans.tsv'),
    ['site\tmap', ...batch.map((site, k) => `${site}\t${k}.nii`)].join('\n'),
  )
  const options = { variant: 'eb', reference: null, compat: null, singleRow: 'refuse' } as const
  await fitMaps(
    {
      table: join(folder, 'scans.tsv'),
      images: 'map',
      imagesRoot: null,
      mask: path,
      roles: { batch: 'site', covariates: [], categorical: [], id: null, features: [] },
      options: {
        ...options,
        time: null,
        shrink: true,
        residual: null,
        share: null,
        components: null,
        smooth: null,
      },
      out: join(folder, 'model'),
      outputFolder: join(folder, 'out'),
    },
    { say: () => {}, show: () => {} },
  )
  const inside = [...mask.keys()].filter((v) => mask[v] === 1)
  const samples: SampleTable = { batchName: 'site', batch, covariates: [], rowName: String, source: 'table' }
  const features = {
    names: inside.map(String),
    rows,
    values: Float64Array.from(inside.flatMap((v) => images.map((image) => image[v]!))),
  }
  const expected = applyCombat(
    fitCombat(features, samples, { ...options, software: '' }),
    features,
    samples,
  ).values
  for (const [k, before] of images.entries()) {
    const after = (await readNifti(join(folder, 'out', `${k}.nii`))).volume.data
    let most = 0
    inside.forEach((v, f) => {
      most = Math.max(most, Math.abs(after[v]! / expected[f * rows + k]! - 1))
    })
    expect(most).toBeLessThan(1e-12)
    expect(before.every((value, v) => mask[v] === 1 || after[v] === value)).toBe(true)
  }
})
