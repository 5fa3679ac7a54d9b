import { expect, it } from 'vitest'
import { bodyMask } from './body.ts'
import { type Grid, volumeOf } from './volume.ts'

const grid: Grid = { shape: [24, 24, 4], affine: [4, 0, 0, 0, 0, 4, 0, 0, 0, 0, 4, 0, 0, 0, 0, 1] }
/** A trunk with a lung that is open above and below, and a couch apart from it. */
const ct = Float32Array.from({ length: 24 * 24 * 4 }, (_, i) => {
  const [x, y] = [i % 24, Math.floor(i / 24) % 24]
  if (y === 1) return -100
  const radius = Math.hypot(x - 12, y - 13)
  return radius > 8 ? -1000 : radius < 4 ? -850 : 40
})

it('is the trunk with its lung, without air and couch', () => {
  const mask = bodyMask(volumeOf(grid, ct))
  const at = (x: number, y: number): number => mask[x + 24 * (y + 24 * 2)]!
  expect([at(12, 13), at(12, 19), at(1, 20), at(12, 1)]).toEqual([1, 1, 0, 0])
  const inside = ct.filter((_, i) => Math.hypot((i % 24) - 12, (Math.floor(i / 24) % 24) - 13) <= 8).length
  expect(mask.reduce((sum, value) => sum + value, 0)).toBe(inside)
})

it('leaves out what is no number, and is empty where all is air', () => {
  const hole = ct.slice()
  hole[12 + 24 * (19 + 24)] = Number.NaN
  expect(bodyMask(volumeOf(grid, hole))[12 + 24 * (19 + 24)]).toBe(0)
  expect(
    bodyMask(
      volumeOf(
        grid,
        ct.map(() => -1000),
      ),
    ).includes(1),
  ).toBe(false)
})
