import fc from 'fast-check'
import { expect, it } from 'vitest'
import { boundaryShift, shifted } from './boundary-shift.ts'
import { gaussianSmooth } from './gaussian.ts'

const n = 48
const shape = [n, n, n] as const
const ball = Uint8Array.from({ length: n ** 3 }, (_, i) => {
  const r = Math.hypot((i % n) - 23.5, (Math.floor(i / n) % n) - 23.5, Math.floor(i / n ** 2) - 23.5)
  return r < 9 ? 1 : 0
})
const volume = (x: Float32Array): number => x.reduce((sum, value) => sum + value, 0)

it('changes the volume of the region by what is asked for, whatever the softness of its border', () => {
  fc.assert(
    fc.property(fc.double({ min: -8, max: 8, noNaN: true }), (percent) => {
      const shift = boundaryShift(ball, shape, percent)
      for (const [softness, off] of [
        [0.7, 1e-3], // the border that the change is defined on
        [1.2, 0.05],
      ] as const) {
        const soft = gaussianSmooth(Float32Array.from(ball), shape, [softness, softness, softness])
        const found = 100 * (volume(shifted(soft, shape, shift)) / volume(soft) - 1)
        expect(Math.abs(found - percent)).toBeLessThan(Math.abs(percent) * off + 1e-3)
      }
    }),
    { numRuns: 6 },
  )
})

it('moves the border of a ball along its radius, by a third of the change of volume', () => {
  // V ~ r^3: 3 % of volume are 1 % of a radius of 9 voxels
  const [dx] = boundaryShift(ball, shape, 3)
  const row = n * (24 + n * 24)
  const border = dx[row + 32] as number // 8.5 from the centre
  expect(border).toBeLessThan(-0.07)
  expect(border).toBeGreaterThan(-0.12)
})

it('leaves alone what is far from the region', () => {
  const x = Float32Array.from({ length: n ** 3 }, (_, i) => i % 17)
  const out = shifted(x, shape, boundaryShift(ball, shape, -5))
  expect(out[0]).toBe(x[0])
  expect(out[24 + n * (24 + n * 2)]).toBe(x[24 + n * (24 + n * 2)])
  expect(out.some((value, i) => value !== x[i])).toBe(true)
})
