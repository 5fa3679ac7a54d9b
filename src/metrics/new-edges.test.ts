import { expect, it } from 'vitest'
import { random } from '../kernels/random.ts'
import type { Shape } from '../volume/volume.ts'
import { newEdges } from './new-edges.ts'

const shape: Shape = [36, 36, 36]
const size = 36 ** 3
const mask = new Uint8Array(size).fill(1)
const at = (i: number): readonly [number, number, number] => [
  i % 36,
  Math.floor(i / 36) % 36,
  Math.floor(i / 1296),
]

/** A step of 100 in the middle, noise of SD 5. */
const rng = random(1, 'edges')
const x = Float32Array.from({ length: size }, (_, i) => (at(i)[0] < 18 ? 100 : 200) + 5 * rng.normal())
const ratio = (map: (value: number, i: number) => number): number => newEdges(x, x.map(map), shape, mask)

it('finds none in what a gain, an offset or a curve makes of the image', () => {
  expect(ratio((v) => v)).toBeCloseTo(1, 6)
  expect(ratio((v) => 0.01 * v - 7)).toBeCloseTo(1, 3)
  expect(Math.abs(ratio((v) => 2 * Math.sqrt(300 * v)) - 1)).toBeLessThan(0.01)
  expect(Math.abs(ratio((v) => 300 - v) - 1)).toBeLessThan(0.01)
})

it('finds an edge of two noise SDs that was drawn into flat tissue, and more of it where more was drawn', () => {
  const wall = (height: number) => ratio((v, i) => v + (at(i)[1] % 12 < 6 ? height : 0))
  expect(wall(10)).toBeGreaterThan(1.25)
  expect(wall(20)).toBeGreaterThan(wall(10))
})

it('does not take a slow slope over the whole image for an edge', () => {
  // 0.02 noise SDs a voxel
  expect(ratio((v, i) => v + 0.1 * at(i)[2])).toBeLessThan(1.1)
})

it('adds the energy of noise that is added: 1 + 0.75 for half the amplitude and a place chosen where the own noise is low', () => {
  // In F the own gradient is on average below the noise's: what is added counts against less than its own energy, so more than 1 + 1/4.
  const more = random(2, 'more')
  const found = ratio((v) => v + 2.5 * more.normal())
  expect(found).toBeGreaterThan(1.25)
  expect(found).toBeLessThan(2.25)
})

it('cannot be said of an image without noise, or of too few voxels', () => {
  const clean = x.map((_, i) => (at(i)[0] < 18 ? 100 : 200))
  expect(newEdges(clean, clean, shape, mask)).toBeNaN()
  expect(newEdges(x, x, shape, new Uint8Array(size).fill(1, 0, 100))).toBeNaN()
})
