import fc from 'fast-check'
import { expect, it } from 'vitest'
import { toFloat32, volumeOf } from '../volume/volume.ts'
import { changeMapOf } from './change-map.ts'

const affine = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
const row = (values: readonly number[]) =>
  volumeOf({ shape: [values.length, 1, 1], affine }, Float32Array.from(values))
const all = (n: number): Uint8Array => new Uint8Array(n).fill(1)

it('is what is left of the output after the regression line', () => {
  // Through (0, 1), (1, 3), (2, 2): slope 1/2, intercept 3/2, residuals -1/2, 1, -1/2.
  const { map, gain } = changeMapOf(row([0, 1, 2]), row([1, 3, 2]), all(3))
  expect([...toFloat32(map)]).toEqual([-0.5, 1, -0.5])
  expect(gain.gain).toBeCloseTo(0.5)
  expect(gain.offset).toBeCloseTo(1.5)
  expect(gain.rms).toBeCloseTo(Math.sqrt(0.5))
})

it('is 0 for any gain and offset, and shows what was done outside the mask', () => {
  fc.assert(
    fc.property(fc.double({ min: 0.1, max: 10, noNaN: true }), fc.integer({ min: -50, max: 50 }), (a, b) => {
      const input = row([1, 5, 9, 30])
      const output = row([1, 5, 9, 30].map((v, i) => a * v + b + (i === 3 ? 7 : 0)))
      const { map } = changeMapOf(input, output, Uint8Array.of(1, 1, 1, 0))
      const [x, y, z, outside] = toFloat32(map) as unknown as [number, number, number, number]
      for (const value of [x, y, z]) expect(Math.abs(value)).toBeLessThan(1e-3)
      expect(outside).toBeCloseTo(7, 2)
    }),
  )
})

it('leaves out what is not finite', () => {
  const { map, gain } = changeMapOf(row([0, 1, 2, Number.NaN]), row([0, 2, 4, Number.NaN]), all(4))
  expect(gain).toEqual({ gain: 2, offset: 0, rms: 0 })
  expect([...toFloat32(map)]).toEqual([0, 0, 0, Number.NaN])
})

it.each([[all(2)], [new Uint8Array(2)]])('has gain 1 where the mask holds no two values', (mask) => {
  expect(changeMapOf(row([3, 3]), row([3, 3]), mask).gain).toEqual({ gain: 1, offset: 0, rms: 0 })
})
