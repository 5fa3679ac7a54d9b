import fc from 'fast-check'
import { expect, it } from 'vitest'
import { mae } from './mae.ts'
import { psnr } from './psnr.ts'

const x = Float32Array.of(1, 2, 3, 100)
const y = Float32Array.of(2, 4, 0, 0)
const mask = Uint8Array.of(1, 1, 1, 0)

it('averages |1-2|, |2-4|, |3-0| to 2 and leaves out what the mask does', () => {
  expect(mae(x, y, mask)).toBe(2)
})

it('gives 10 log10(100 / (14/3)) dB for squares 1, 4, 9 and a range of 10', () => {
  expect(psnr(x, y, mask, 10)).toBeCloseTo(13.30993219, 6)
})

it('has no value for an empty mask, and leaves out voxels that are not finite', () => {
  expect(mae(x, y, new Uint8Array(4))).toBeNaN()
  expect(psnr(x, y, new Uint8Array(4), 1)).toBeNaN()
  expect(mae(Float32Array.of(Number.NaN, 3), Float32Array.of(0, 1), Uint8Array.of(1, 1))).toBe(2)
})

it('is infinite for equal images', () => {
  expect(psnr(x, x, mask, 10)).toBe(Number.POSITIVE_INFINITY)
})

it('MAE scales with gain, PSNR does not when the range scales along', () => {
  const values = fc.array(fc.integer({ min: -99, max: 99 }), { minLength: 8, maxLength: 8 })
  fc.assert(
    fc.property(values, values, fc.integer({ min: 2, max: 9 }), (a, b, gain) => {
      fc.pre(a.some((v, i) => v !== b[i]))
      const [p, q, all] = [Float32Array.from(a), Float32Array.from(b), new Uint8Array(8).fill(1)]
      const [gp, gq] = [p.map((v) => gain * v), q.map((v) => gain * v)]
      expect(mae(gp, gq, all)).toBeCloseTo(gain * mae(p, q, all), 6)
      expect(psnr(gp, gq, all, gain * 50)).toBeCloseTo(psnr(p, q, all, 50), 6)
    }),
  )
})
