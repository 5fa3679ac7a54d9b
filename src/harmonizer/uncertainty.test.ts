import { describe, expect, it } from 'vitest'
import { RefusedError } from '../errors.ts'
import { encodeFloats } from '../kernels/float-text.ts'
import { DEPTHS_MM, LAYER_LEVELS, LAYER_TABLE_SIZE } from '../kernels/layer-table.ts'
import { TABLE_SIZE } from '../kernels/place-table.ts'
import { type Grid, toFloat32, type Volume, volumeOf } from '../volume/volume.ts'
import { harmonizerOf } from './harmonizer.ts'
import type { Model } from './method.ts'
import { type UncertaintyModel, uncertaintySchema } from './uncertainty-model.ts'

const grid: Grid = { shape: [12, 10, 8], affine: [2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1] }
const size = 12 * 10 * 8
/** A ramp of 5 a voxel, 2.5 a mm, along the first axis. */
const ramp: Volume = volumeOf(
  grid,
  Float32Array.from({ length: size }, (_, i) => 100 + 5 * (i % 12)),
)
const mask = new Uint8Array(size).fill(1)
/** `zscore` to SD 20 and this mean: models that differ by a shift. */
const shifted = (mean: number): Model => ({ kind: 'zscore', mean, sd: 20 })
const nothing = { spread: 0, edges: 0, places: 0, layers: 0, gain: 0, rest: 1e-12 }

const plain: UncertaintyModel = {
  ...{ level: 0.9, people: 6, domains: ['a'] },
  models: [shifted(203), shifted(196)],
  weights: nothing,
  places: { a: encodeFloats(new Float32Array(TABLE_SIZE).fill(9)) },
  layers: { a: encodeFloats(new Float32Array(LAYER_TABLE_SIZE).fill(16)) },
  ...{ brightest: 300, noise: { a: 1e9 }, tissues: [0, 1], edge: 1e9 },
  factors: [1, 1, 1, 1, 2, 3],
}

function harmonizer(change: Partial<UncertaintyModel> = {}) {
  const model = { ...plain, ...change }
  return harmonizerOf({
    identity: { name: 'to-b', method: 'zscore', rung: 1, target: 'b' },
    sources: ['a'],
    model: shifted(200),
    guards: {},
    uncertainty: {
      model: uncertaintySchema.parse(model),
      folds: model.models.map((own) => ({ model: own, graphs: {} })),
    },
  })
}

async function widths(change: Partial<UncertaintyModel>, volume = ramp): Promise<Float32Array> {
  const { uncertainty } = await harmonizer(change).apply(volume, { domain: 'a', mask, uncertainty: true })
  return toFloat32(uncertainty!.map)
}

describe('the half width of a voxel', () => {
  it('is the spread of the folds: shifts of 3 and -4 are sqrt((9 + 16) / 2), times the factor of bright tissue', async () => {
    for (const width of await widths({ weights: { ...nothing, spread: 1 } }))
      expect(width).toBeCloseTo(2 * Math.sqrt(12.5), 3)
  })

  it('is a length times the gradient of the output, and takes the factor of edges from the edge on', async () => {
    // the output's SD is 20, the ramp's 5 sqrt(143 / 12): the gradient is 2.5 mm^-1 times their quotient
    const slope = (2.5 * 20) / (5 * Math.sqrt(143 / 12))
    const weights = { ...nothing, edges: 0.04 }
    for (const width of await widths({ weights })) expect(width).toBeCloseTo(2 * 0.2 * slope, 3)
    for (const width of await widths({ weights, edge: 0.9 * slope }))
      expect(width).toBeCloseTo(3 * 0.2 * slope, 3)
  })

  it('is a share of the output, and what was found at its place', async () => {
    const { volume } = await harmonizer().apply(ramp, { domain: 'a', mask })
    const output = toFloat32(volume)
    const found = await widths({ weights: { ...nothing, gain: 0.01 } })
    found.forEach((width, i) => {
      expect(width).toBeCloseTo(2 * 0.1 * output[i]!, 3)
    })
    for (const width of await widths({ weights: { ...nothing, places: 1 } }))
      expect(width).toBeCloseTo(2 * 3, 4)
  })

  it('is what was found at its depth, in mm below the surface of the mask', async () => {
    for (const width of await widths({ weights: { ...nothing, layers: 1 } }))
      expect(width).toBeCloseTo(2 * 4, 4)
    // the squared error is the depth, and the surface is the first slice of the second axis: voxels are 2 mm
    const byDepth = Float32Array.from(
      { length: LAYER_TABLE_SIZE },
      (_, i) => DEPTHS_MM[Math.floor(i / LAYER_LEVELS)]!,
    )
    const inside = mask.map((_, i) => (Math.floor(i / 12) % 10 === 0 ? 0 : 1))
    const { uncertainty } = await harmonizer({
      weights: { ...nothing, layers: 1 },
      layers: { a: encodeFloats(byDepth) },
    }).apply(ramp, { domain: 'a', mask: inside, uncertainty: true })
    toFloat32(uncertainty!.map).forEach((width, i) => {
      const row = Math.floor(i / 12) % 10
      if (row > 0) expect(width).toBeCloseTo(2 * Math.sqrt(2 * row), 3)
    })
  })

  it('grows with noise beyond the usual, and not without', async () => {
    const noisy = volumeOf(
      { ...grid, shape: [24, 20, 16] },
      Float32Array.from(
        { length: 8 * size },
        (_, i) => 1000 + 40 * Math.sin(i * 12.9898) * Math.cos(i * 78.233),
      ),
    )
    const whole = new Uint8Array(8 * size).fill(1)
    const width = async (usual: number): Promise<number> => {
      const { uncertainty } = await harmonizer({
        noise: { a: usual },
        weights: { ...nothing, rest: 4 },
      }).apply(noisy, { domain: 'a', mask: whole, uncertainty: true })
      return uncertainty!.meanHalfWidth
    }
    expect(await width(1e6)).toBeCloseTo(4, 5)
    // the output's SD is 20 by construction, and all of it is noise: factor 2 times sqrt(4 + about 400 - 100)
    const more = await width(100)
    expect(more).toBeGreaterThan(2 * Math.sqrt(150))
    expect(more).toBeLessThan(2 * Math.sqrt(600))
  })

  it('is NaN outside the mask and beside voxels that are not finite, and only there', async () => {
    const values = toFloat32(ramp).slice()
    const middle = 5 + 12 * (5 + 10 * 4)
    values[middle] = Number.NaN
    const inside = Uint8Array.from(mask, (_, i) => (i === 0 ? 0 : 1))
    const { uncertainty } = await harmonizer({ weights: { ...nothing, rest: 1 } }).apply(
      volumeOf(grid, values),
      { domain: 'a', mask: inside, uncertainty: true, force: true },
    )
    const unknown = [...toFloat32(uncertainty!.map)].flatMap((width, i) => (Number.isNaN(width) ? [i] : []))
    const around = [-120, -12, -1, 0, 1, 12, 120].map((step) => middle + step)
    expect(unknown).toEqual([0, ...around])
    expect(uncertainty!.meanHalfWidth).toBeCloseTo(2, 5)
  })
})

describe('what is said of a map', () => {
  it('is how many people it was calibrated on, and below five that it is not', async () => {
    const of = async (people: number) =>
      (await harmonizer({ people }).apply(ramp, { domain: 'a', mask, uncertainty: true })).uncertainty
    expect(await of(5)).toMatchObject({ level: 0.9, people: 5, calibrated: true })
    expect(await of(4)).toMatchObject({ people: 4, calibrated: false })
    expect(harmonizer().calibration).toMatchObject({ calibrated: true, domains: ['a'] })
  })

  it('is nothing where it was not asked for', async () => {
    expect((await harmonizer().apply(ramp, { domain: 'a', mask })).uncertainty).toBeUndefined()
  })

  it.each([
    [undefined, /domain is not named.*--source/s],
    ['c', /no errors of people left out.*"c"/s],
    ['b', /target domain b.*Leave out --uncertainty/s],
  ])('refuses images from %s', async (domain, message) => {
    const asked = harmonizer().apply(ramp, { domain, mask, uncertainty: true })
    await expect(asked).rejects.toThrow(RefusedError)
    await expect(asked).rejects.toThrow(message)
  })

  it('refuses where the bundle holds no folds, and says how to train with them', async () => {
    const without = harmonizerOf({
      identity: { name: 'to-b', method: 'zscore', rung: 1, target: 'b' },
      sources: [],
      model: shifted(200),
      guards: {},
    })
    await expect(without.apply(ramp, { mask, uncertainty: true })).rejects.toThrow(
      /to-b holds no models of folds.*Train with --uncertainty/s,
    )
  })

  it('cannot be read from a manifest whose tables are cut short or hold what is no number', () => {
    expect(uncertaintySchema.safeParse(plain).success).toBe(true)
    for (const table of [
      new Float32Array(TABLE_SIZE - 1),
      new Float32Array(TABLE_SIZE).fill(Number.NaN),
      new Float32Array(TABLE_SIZE).fill(-1),
    ])
      expect(uncertaintySchema.safeParse({ ...plain, places: { a: encodeFloats(table) } }).success).toBe(
        false,
      )
    expect(uncertaintySchema.safeParse({ ...plain, domains: ['a', 'z'] }).success).toBe(false)
    const weighed = { ...plain, weights: { ...nothing, layers: 1 } }
    expect(uncertaintySchema.safeParse({ ...weighed, layers: {} }).success).toBe(false)
  })

  it('is read from bundles that know nothing of layers', () => {
    const { layers: _layers, weights, ...earlier } = plain
    const { layers: _weight, ...others } = weights
    expect(uncertaintySchema.parse({ ...earlier, weights: others })).toEqual({ ...plain, layers: {} })
  })
})
