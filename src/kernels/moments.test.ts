import fc from 'fast-check'
import { expect, it } from 'vitest'
import { affineInto, moments } from './moments.ts'

it('of 2 4 4 4 5 5 7 9: mean 5, sd 2', () => {
  expect(moments(Float32Array.of(2, 4, 4, 4, 5, 5, 7, 9), null)).toEqual({
    n: 8,
    mean: 5,
    sd: 2,
    excluded: 0,
  })
})
it('counts only what the mask selects, and leaves NaN and infinities out', () => {
  const x = Float32Array.of(1, Number.NaN, 3, Number.POSITIVE_INFINITY, 100, Number.NaN)
  expect(moments(x, Uint8Array.of(1, 1, 7, 1, 0, 0))).toEqual({ n: 2, mean: 2, sd: 1, excluded: 2 })
})
it('has no mean where nothing is selected', () => {
  expect(moments(Float32Array.of(1, 2), Uint8Array.of(0, 0))).toEqual({
    n: 0,
    mean: Number.NaN,
    sd: Number.NaN,
    excluded: 0,
  })
})
it('keeps its precision far from 0: shifting moves the mean alone', () => {
  const small = fc.array(fc.integer({ min: -64, max: 64 }), { minLength: 2 }).map((v) => Float32Array.from(v))
  fc.assert(
    fc.property(small, (x) => {
      const here = moments(x, null)
      const there = moments(
        x.map((v) => v + 2 ** 20),
        null,
      )
      expect(there.sd).toBeCloseTo(here.sd, 9)
      expect(there.mean - 2 ** 20).toBeCloseTo(here.mean, 9)
    }),
  )
})
it('affineInto may write where it reads', () => {
  const x = Float32Array.of(1, 2, 3)
  affineInto(x, x, 2, -1)
  expect([...x]).toEqual([1, 3, 5])
})
