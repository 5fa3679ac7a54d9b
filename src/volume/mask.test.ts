import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AXIS_ORDERS } from '../kernels/matrix.ts'
import { random } from '../kernels/random.ts'
import { foregroundMask } from './mask.ts'
import { reorient } from './orientation.ts'
import { type Volume, volumeOf } from './volume.ts'

const SIDE = 3
const shape = [61, 74, 67] as const
const grid = {
  shape,
  affine: [SIDE, 0, 0, -90, 0, SIDE, 0, -110, 0, 0, SIDE, -100, 0, 0, 0, 1],
}

/** Millimetres from the middle of the grid. */
const place = (v: number): readonly [number, number, number] => [
  ((v % shape[0]) - shape[0] / 2) * SIDE,
  ((Math.floor(v / shape[0]) % shape[1]) - shape[1] / 2) * SIDE,
  (Math.floor(v / shape[0] / shape[1]) - shape[2] / 2) * SIDE,
]

/** An egg-shaped head with bone and ventricles, coil shading over a factor `shading`, Rician noise, and a defaced wedge. */
function phantom({ snr = 20, shading = 1, defaced = false, seed = 1 } = {}): {
  volume: Volume
  truth: Uint8Array
} {
  const draw = random(seed)
  const truth = new Uint8Array(shape[0] * shape[1] * shape[2])
  const data = Float32Array.from(truth, (_, v) => {
    const [x, y, z] = place(v)
    if (defaced && y - z > 60) return 0
    const r = Math.sqrt((x / 70) ** 2 + (y / 90) ** 2 + (z / 80) ** 2)
    truth[v] = r < 1 ? 1 : 0
    const tissue =
      r >= 1
        ? 0
        : r > 0.93
          ? 1.2
          : r > 0.87
            ? 0.1
            : r < 0.2
              ? 0.3
              : 0.8 + 0.2 * Math.sin(x / 9) * Math.cos(y / 7)
    const signal = tissue * shading ** (-(z + y) / 200)
    return Math.hypot(signal + draw.normal() / snr, draw.normal() / snr)
  })
  return { volume: volumeOf(grid, data), truth }
}

const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0
const dice = (a: Uint8Array, b: Uint8Array): number => {
  let [both, sum] = [0, 0]
  for (let v = 0; v < a.length; v++) {
    both += a[v]! & b[v]!
    sum += a[v]! + b[v]!
  }
  return (2 * both) / sum
}

describe('finds the head', () => {
  it.each([
    ['in little noise', {}],
    ['in noise of a fifth of the tissue', { snr: 5 }],
    ['under coil shading of a factor 10', { shading: 10, snr: 40 }],
    ['beside a defaced wedge of zeros', { defaced: true, shading: 4 }],
    ['in air of exact zeros', { snr: 1e9 }],
  ])('%s', (_, options) => {
    const { volume, truth } = phantom(options)
    const mask = foregroundMask(volume)
    expect(dice(mask, truth)).toBeGreaterThan(0.95)
    // bone and ventricles inside belong to the head
    let missed = 0
    let deep = 0
    for (let v = 0; v < mask.length; v++) {
      const [x, y, z] = place(v)
      if (!truth[v] || (x / 70) ** 2 + (y / 90) ** 2 + (z / 80) ** 2 > 0.6 || y - z > 40) continue
      deep++
      missed += 1 - mask[v]!
    }
    expect(missed / deep).toBeLessThan(0.001)
  })
})

describe('does not depend on', () => {
  const { volume } = phantom({ snr: 15, shading: 3 })
  const mask = foregroundMask(volume)
  it('gain, nor the stored type and its scaling', () => {
    for (const gain of [1 / 1024, 64]) {
      const data = (volume.data as Float32Array).map((value) => value * gain)
      expect(equal(foregroundMask(volumeOf(volume, data)), mask)).toBe(true)
    }
    const counts = Int16Array.from(volume.data, (value) => Math.round((value as number) * 4000))
    const stored = foregroundMask(volumeOf(volume, counts, { scale: { slope: 0.25, intercept: 0 } }))
    expect(dice(stored, mask)).toBeGreaterThan(0.999)
  })
  it('storage order: all 48', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...AXIS_ORDERS),
        fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
        (axes, flips) => {
          const there = foregroundMask(reorient(volume, axes, flips))
          expect(equal(there, reorient(volumeOf(volume, mask), axes, flips).data as Uint8Array)).toBe(true)
        },
      ),
      { numRuns: 12 },
    )
  })
})

it('never takes NaN or infinite voxels, and is not misled by them', () => {
  const { volume } = phantom()
  const clean = foregroundMask(volume)
  const data = (volume.data as Float32Array).slice()
  for (let v = 7; v < data.length; v += 13) data[v] = v % 2 ? Number.NaN : Number.POSITIVE_INFINITY
  const mask = foregroundMask(volumeOf(volume, data))
  expect(data.every((value, v) => Number.isFinite(value) || mask[v] === 0)).toBe(true)
  const finite = clean.map((value, v) => (Number.isFinite(data[v]) ? value : 0))
  expect(dice(mask, finite)).toBeGreaterThan(0.99)
})
it('takes all of an image cut inside the head', () => {
  const draw = random(5)
  const inside = Float32Array.from({ length: 40 ** 3 }, () => 800 + 60 * draw.normal())
  const mask = foregroundMask(volumeOf({ shape: [40, 40, 40], affine: grid.affine }, inside))
  expect(mask.every((value) => value === 1)).toBe(true)
})
it.each([
  ['zeros', 0],
  ['one value', 7],
  ['NaN', Number.NaN],
  ['negative values', -3],
])('is empty for an image of %s', (_, value) => {
  const data = new Float32Array(20 ** 3).fill(value)
  expect(foregroundMask(volumeOf({ shape: [20, 20, 20], affine: grid.affine }, data))).toEqual(
    new Uint8Array(20 ** 3),
  )
})
it('takes any size, down to one voxel', () => {
  fc.assert(
    fc.property(
      fc.tuple(
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
      ),
      (size) => {
        const draw = random(size[0])
        const data = Float32Array.from({ length: size[0] * size[1] * size[2] }, () => draw.uniform())
        expect(foregroundMask(volumeOf({ shape: size, affine: grid.affine }, data)).length).toBe(data.length)
      },
    ),
    { numRuns: 40 },
  )
})
