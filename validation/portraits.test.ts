import { expect, it } from 'vitest'
import { random } from '../src/kernels/random.ts'
import { identify, portraitGrid, portraitOf } from './portraits.ts'

const shape = [24, 24, 24] as const
const grid = { shape, affine: [0, -2, 0, 24, 2, 0, 0, -24, 0, 0, 2, -24, 0, 0, 0, 1] }
const size = 24 ** 3
const mask = new Uint8Array(size).fill(1)

it('the coarse grid fills the field of view: 46 mm in steps of 4 are 12 voxels, whatever the axes', () => {
  const coarse = portraitGrid(grid)
  expect(coarse.shape).toEqual([12, 12, 12])
  expect(coarse.affine.slice(0, 12)).toEqual([4, 0, 0, -22, 0, 4, 0, -24, 0, 0, 4, -24])
})

it('a portrait keeps a constant, and is NaN outside the mask', () => {
  const half = mask.map((_, i) => (i < size / 2 ? 1 : 0))
  const pixels = portraitOf(new Float32Array(size).fill(7), grid, half, portraitGrid(grid))
  const known = pixels.filter((v) => !Number.isNaN(v))
  expect(known.length / pixels.length).toBeCloseTo(0.5, 1)
  for (const value of known) expect(value).toBeCloseTo(7, 4)
})

const rng = random(9, 'people')
const people = ['a', 'b', 'c', 'd'].map((subject) => ({
  subject,
  pixels: Float32Array.from({ length: 500 }, () => rng.normal()),
}))
const blurredBy = (share: number) =>
  people.map(({ subject, pixels }) => ({
    subject,
    pixels: pixels.map((v) => (1 - share) * v + share * rng.normal()),
  }))

it('everyone is found in scans with gain, offset and noise; nobody in noise, more than by chance', () => {
  const scans = new Map([
    [
      'identity',
      blurredBy(0.3).map(({ subject, pixels }) => ({ subject, pixels: pixels.map((v) => 3 * v + 9) })),
    ],
    ['noise', blurredBy(1)],
  ])
  const { subjects, results } = identify(people, scans, (subject) => subject)
  const [clear, lost] = results
  expect(subjects).toBe(4)
  expect(clear).toMatchObject({
    method: 'identity',
    scans: 4,
    rankOne: 1,
    confidence: { low: 1, high: 1, families: 4 },
  })
  expect(clear?.self).toBeGreaterThan(0.85)
  expect(Math.abs(clear?.others ?? 1)).toBeLessThan(0.1)
  expect(Math.abs(lost?.self ?? 1)).toBeLessThan(0.1)
})

it('one subject has nobody to be taken for', () => {
  const { results, note } = identify(people.slice(0, 1), new Map(), (subject) => subject)
  expect(results).toEqual([])
  expect(note).toMatch(/One subject/)
})
