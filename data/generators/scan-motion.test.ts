import { expect, it } from 'vitest'
import { random } from '../../src/kernels/random.ts'
import { volumeOf } from '../../src/volume/volume.ts'
import { movedDuringScan } from './scan-motion.ts'

/** A block of 20 x 16 x 12 mm in 40 x 40 x 24 mm. */
const shape = [20, 20, 12] as const
const affine = [2, 0, 0, -20, 0, 2, 0, -20, 0, 0, 2, -12, 0, 0, 0, 1]
const inBlock = (x: number, y: number, z: number): boolean =>
  Math.abs(x - 9.5) < 5 && Math.abs(y - 9.5) < 4 && Math.abs(z - 5.5) < 3
const voxels = Float32Array.from({ length: 20 * 20 * 12 }, (_, v) =>
  inBlock(v % 20, Math.floor(v / 20) % 20, Math.floor(v / 400)) ? 100 : 0,
)
const block = volumeOf({ shape, affine }, voxels)
const STILL = { degrees: 0, mm: 0, poses: 4 }
const largest = (a: ArrayLike<number>, b: ArrayLike<number>, where: (v: number) => boolean): number =>
  Array.from(a).reduce(
    (most, value, v) => (where(v) ? Math.max(most, Math.abs(value - (b[v] as number))) : most),
    0,
  )

it('gives back the image of a head that lies still', () => {
  const { data } = movedDuringScan(block, STILL, random(1, 'still'))
  expect(largest(data, voxels, () => true)).toBeLessThan(1e-3)
})

it('leaves the signal in its lines along the phase-encoding axis, up to what moves across them', () => {
  // Motion spreads ghosts along the second axis; the sum over a slice of k-space's middle line is kept.
  const { data } = movedDuringScan(block, { degrees: 0, mm: 3, poses: 4 }, random(2, 'moved'))
  const line = (x: ArrayLike<number>, at: number): number =>
    Array.from({ length: 20 }, (_, y) => x[at + 20 * y] as number).reduce((a, b) => a + b)
  // The middle line of k-space lies in the part without motion: the complex sum is unchanged, that of magnitudes is no smaller.
  for (const at of [10 + 400 * 5, 7 + 400 * 6])
    expect(line(data, at)).toBeGreaterThanOrEqual(line(voxels, at) - 1e-3)
  const outside = (v: number): boolean => Math.abs((Math.floor(v / 20) % 20) - 9.5) > 6
  expect(largest(data, voxels, outside)).toBeGreaterThan(2)
})

it('ghosts more the more the head moves', () => {
  const error = (mm: number): number => {
    const { data } = movedDuringScan(block, { degrees: 0, mm, poses: 4 }, random(3, 'more'))
    return Array.from(data).reduce((sum, value, v) => sum + Math.abs(value - voxels[v]!), 0)
  }
  expect(error(1)).toBeGreaterThan(0)
  expect(error(4)).toBeGreaterThan(2 * error(1))
})
