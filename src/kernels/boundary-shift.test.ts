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

/** Tenths of a percent, evenly: `fc.double` would draw next to nothing, for which every shift is right. */
const percents = fc.integer({ min: -80, max: 80 }).map((tenths) => tenths / 10)
const changeOf = (percent: number, softness: number): number => {
  const soft = gaussianSmooth(Float32Array.from(ball), shape, [softness, softness, softness])
  return 100 * (volume(shifted(soft, shape, boundaryShift(ball, shape, percent))) / volume(soft) - 1)
}

it('changes the volume of the region by what is asked for, its border as soft as partial volume', () => {
  fc.assert(
    fc.property(percents, (percent) => {
      expect(Math.abs(changeOf(percent, 0.7) - percent)).toBeLessThan(2e-4)
    }),
    { numRuns: 6 },
  )
})

it('changes a softer region by less, as far as its border reaches beyond the field that moves it', () => {
  // across a flat border of SD s, a field of SD 2 moves the mean by 1 / sqrt(1 + s^2 / 4) of its height
  const mean = (s: number): number => 1 / Math.sqrt(1 + s ** 2 / 4)
  for (const percent of [-5, 5]) {
    const kept = changeOf(percent, 1.2) / percent
    expect(Math.abs(kept - mean(1.2) / mean(0.7))).toBeLessThan(0.02)
  }
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
