import fc from 'fast-check'
import { expect, it } from 'vitest'
import { addMoments, streamedMoments, varianceOf } from './streamed-moments.ts'

it('2 4 4 4 | 5 5 | NaN 7 9: mean 5, squares 32', () => {
  const moments = streamedMoments()
  for (const piece of [[2, 4, 4, 4], [5, 5], [], [Number.NaN, 7, 9]])
    addMoments(moments, Float64Array.from(piece))
  expect(moments).toEqual({ count: 8, mean: 5, squares: 32 })
  expect(varianceOf(moments)).toBe(32 / 7)
})
it('one number has no variance', () => {
  const moments = streamedMoments()
  addMoments(moments, Float64Array.of(3))
  expect(varianceOf(moments)).toBeNaN()
})
it('pieces far from 0, however they are cut, give what two passes over all give', () => {
  const values = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 2, maxLength: 60 })
  fc.assert(
    fc.property(values, fc.integer({ min: 1, max: 20 }), (whole, length) => {
      const x = Float64Array.from(whole, (value) => 1e9 + value / 8)
      const moments = streamedMoments()
      for (let at = 0; at < x.length; at += length) addMoments(moments, x.subarray(at, at + length))
      const mean = whole.reduce((a, b) => a + b / 8, 0) / whole.length
      const squares = whole.reduce((sum, value) => sum + (value / 8 - mean) ** 2, 0)
      expect(moments.mean - 1e9).toBeCloseTo(mean, 5)
      expect(Math.abs(moments.squares - squares)).toBeLessThan(1e-4 * (1 + squares))
    }),
  )
})
