/** What holds of `band-unet` whatever its weights are: drawn at random here, so that no training could have made it so. */

import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BODY_TISSUES, drawBody, paintBody } from '../../data/generators/bodies.ts'
import { CT_SCANNERS, PET_SCANNERS, scanBody } from '../../data/generators/body-scanners.ts'
import { bodyGrid } from '../../data/generators/simulate-bodies.ts'
import { sampleBandUnet } from '../../test/band-unet-oracle.ts'
import { dataFolder } from '../../test/fixtures/data.ts'
import { exportBandUnet } from '../../training/parts/onnx-band-unet.ts'
import { readNifti } from '../formats/nifti/read.ts'
import { gaussianSmooth } from '../kernels/gaussian.ts'
import { random } from '../kernels/random.ts'
import { coresOf, huClasses, regionMeans } from '../metrics/regions.ts'
import { frameOf } from '../volume/frame.ts'
import { type Grid, toFloat32, type Volume, volumeOf, voxelSize } from '../volume/volume.ts'
import { balance, openBandUnet } from './band-unet.ts'
import type { KeptUnit } from './band-unet-model.ts'

/** Six slices in the middle of a body. */
const whole = bodyGrid(3)
const grid: Grid = { shape: [whole.shape[0], whole.shape[1], 6], affine: withHeight(whole.affine, -11) }
const voxel = voxelSize(grid)

function withHeight(affine: Grid['affine'], z: number): Grid['affine'] {
  return affine.map((value, i) => (i === 11 ? z : value)) as unknown as Grid['affine']
}

const body = (unit: KeptUnit) => paintBody(drawBody(random(5, 'body')), grid, unit)
const apply = async (unit: KeptUnit, seed: number, x: Float32Array): Promise<Float32Array> => {
  const parts = sampleBandUnet(unit, seed, [voxel[0], voxel[1], voxel[2]])
  const network = await openBandUnet(parts.model, exportBandUnet(parts), { threads: 1 })
  try {
    return await network.apply(volumeOf(grid, x, { unit }), x, Float32Array.of(0.3, -0.5))
  } finally {
    await network.close()
  }
}

describe.each([1, 2, 3, 4])('CT with the weights of seed %i', (seed) => {
  const { values, labels } = body('HU')
  const x = scanBody(values, grid, CT_SCANNERS[1]!, random(seed, 'scan'))

  it('moves no mean by 2 HU further than five pixels from a border, changes no air and no metal, and nothing by more than 150 HU', async () => {
    const y = await apply('HU', seed, x)
    const most = y.reduce((largest, value, i) => Math.max(largest, Math.abs(value - x[i]!)), 0)
    expect(most).toBeGreaterThan(20)
    expect(most).toBeLessThanOrEqual(150.01)
    const outside = [...x.keys()].filter((i) => x[i]! <= -950 || x[i]! >= 1500)
    expect(outside.length).toBeGreaterThan(1000)
    expect(outside.every((i) => y[i] === x[i])).toBe(true)
    const regions = regionMeans(x, y, coresOf(labels, grid.shape, voxel, 5 * voxel[0]))
    expect(regions.map(({ region }) => BODY_TISSUES[region])).toEqual(
      expect.arrayContaining(['muscle', 'liver', 'water', 'lung']),
    )
    for (const { before, after, voxels } of regions)
      if (voxels >= 50) expect(Math.abs(after - before)).toBeLessThan(2)
  })
})

describe.each([1, 2, 3])('PET with the weights of seed %i', (seed) => {
  const { values } = body('SUVbw')
  const x = scanBody(values, grid, PET_SCANNERS[1]!, random(seed, 'scan'))
  x[100] = -0.3
  x[200] = 45

  it('keeps the sum, leaves what is not above 0 and what is above the range, and turns nothing negative', async () => {
    const y = await apply('SUVbw', seed, x)
    const sum = (image: Float32Array): number => image.reduce((total, value) => total + value, 0)
    expect(Math.max(...y.map((value, i) => Math.abs(value - x[i]!)))).toBeGreaterThan(0.3)
    expect(Math.abs(sum(y) / sum(x) - 1)).toBeLessThan(1e-6)
    expect([y[100], y[200]]).toEqual([x[100], x[200]])
    expect(y.every((value, i) => x[i]! <= 0 || value >= 0)).toBe(true)
  })
})

describe.runIf(dataFolder !== undefined)('real images with weights that nobody trained', () => {
  const read = async (id: string, kind: string): Promise<Volume> =>
    (await readNifti(join(dataFolder as string, 'ibsi-sts-multimodal', 'nifti', id, `${kind}_image.nii.gz`)))
      .volume
  const correct = async (unit: KeptUnit, image: Volume): Promise<readonly [Float32Array, Float32Array]> => {
    const { voxel: size } = frameOf(image)
    const parts = sampleBandUnet(unit, 6, [size[0], size[1], size[2]])
    const network = await openBandUnet(parts.model, exportBandUnet(parts), { threads: 1 })
    const x = toFloat32(image)
    const y = await network.apply(image, x, Float32Array.of(0.3, -0.5))
    await network.close()
    return [x, y]
  }

  it.each(['STS_008', 'STS_019', 'STS_041'])(
    'CT %s: air stays as it is, and no fat or muscle moves by 2 HU',
    async (id) => {
      const image = await read(id, 'CT')
      const [x, y] = await correct('HU', image)
      expect(y.some((value, i) => Math.abs(value - x[i]!) > 10)).toBe(true)
      expect([...x.keys()].every((i) => (x[i]! > -950 && x[i]! < 1500) || y[i] === x[i])).toBe(true)
      const classes = huClasses(gaussianSmooth(x, image.shape, [1.7, 1.7, 0]))
      const regions = regionMeans(x, y, coresOf(classes, image.shape, voxelSize(image), 8))
      const large = regions.filter(({ voxels }) => voxels >= 100)
      expect(large.length).toBeGreaterThan(0)
      for (const { before, after } of large) expect(Math.abs(after - before)).toBeLessThan(2)
    },
  )

  it.each(['STS_008', 'STS_019', 'STS_024'])('PET %s: the activity stays', async (id) => {
    const [x, y] = await correct('SUVbw', await read(id, 'PET'))
    const sum = (image: Float32Array): number => image.reduce((total, value) => total + value, 0)
    expect(y.some((value, i) => value !== x[i])).toBe(true)
    expect(Math.abs(sum(y) / sum(x) - 1)).toBeLessThan(1e-6)
    expect(y.every((value) => value >= 0)).toBe(true)
  })
})

describe('voxels', () => {
  it('that are no number stay, and do not spread', async () => {
    const x = body('HU').values.slice()
    const middle = Math.floor(x.length / 2)
    x[middle] = Number.NaN
    x[middle + 3] = Number.POSITIVE_INFINITY
    const y = await apply('HU', 1, x)
    expect([y[middle], y[middle + 3]]).toEqual([Number.NaN, Number.POSITIVE_INFINITY])
    expect(y.filter((value) => !Number.isFinite(value)).length).toBe(2)
  })

  it('of another size than in training are refused, with both sizes', async () => {
    const parts = sampleBandUnet('HU', 1, [1, 1, 3])
    const network = await openBandUnet(parts.model, exportBandUnet(parts), { threads: 1 })
    const x = new Float32Array(grid.shape[0] * grid.shape[1] * grid.shape[2])
    await expect(network.apply(volumeOf(grid, x), x, Float32Array.of(0, 0))).rejects.toThrow(
      /voxels of 3 x 3 x 4.5 mm; the bundle was trained on 1 x 1 x 3 mm/,
    )
    await network.close()
  })
})

it('balancing makes changes add up to 0, keeps their signs and zeros, and doubles none', () => {
  // below 1e-6 float32 has fewer digits, and images no meaning
  const finite = fc.double({ min: -1e3, max: 1e3, noNaN: true }).map((v) => Math.round(v * 1e6) / 1e6)
  fc.assert(
    fc.property(fc.array(finite, { minLength: 1, maxLength: 50 }), (values) => {
      const change = Float32Array.from(values)
      const before = change.slice()
      balance(change)
      const both = before.some((v) => v > 0) && before.some((v) => v < 0)
      const [sum, size] = change.reduce(([s, a], v) => [s + v, a + Math.abs(v)] as const, [0, 0] as readonly [
        number,
        number,
      ])
      if (both || before.every((v) => v === 0)) expect(Math.abs(sum)).toBeLessThanOrEqual(1e-5 * size + 1e-20)
      for (const [i, value] of change.entries()) {
        expect(value * before[i]!).toBeGreaterThanOrEqual(0)
        expect(Math.abs(value)).toBeLessThanOrEqual(2.0001 * Math.abs(before[i]!))
      }
    }),
  )
})
