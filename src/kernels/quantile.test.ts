import fc from 'fast-check'
import { expect, it } from 'vitest'
import { maskedQuantiles, sortedMasked } from './quantile.ts'

it('of 1 2 3 4: quartiles 1.75, 2.5, 3.25, as numpy.quantile gives', () => {
  expect([...maskedQuantiles(Float32Array.of(4, 1, 3, 2), null, [0, 0.25, 0.5, 0.75, 1])]).toEqual([
    1, 1.75, 2.5, 3.25, 4,
  ])
})
it('leaves out NaN and what the mask leaves out', () => {
  const x = Float32Array.of(9, Number.NaN, -1, 5, Number.NEGATIVE_INFINITY)
  expect([...sortedMasked(x, Uint8Array.of(1, 1, 3, 0, 1))]).toEqual([Number.NEGATIVE_INFINITY, -1, 9])
  expect([...maskedQuantiles(x, Uint8Array.of(1, 1, 1, 0, 0), [0.5])]).toEqual([4])
})
it('of nothing is NaN, of one value that value', () => {
  expect([...maskedQuantiles(Float32Array.of(Number.NaN), null, [0.5])]).toEqual([Number.NaN])
  expect([...maskedQuantiles(Float32Array.of(7), null, [0, 0.3, 1])]).toEqual([7, 7, 7])
})
it('lie within the range and never decrease', () => {
  const values = fc.array(fc.float({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 1 })
  fc.assert(
    fc.property(values, fc.array(fc.double({ min: 0, max: 1, noNaN: true })), (x, probabilities) => {
      const p = [0, ...probabilities.sort((a, b) => a - b), 1]
      const q = [...maskedQuantiles(Float32Array.from(x), null, p)]
      expect(q[0]).toBe(Math.min(...x))
      expect(q.at(-1)).toBe(Math.max(...x))
      for (let k = 1; k < q.length; k++) expect(q[k]).toBeGreaterThanOrEqual(q[k - 1]! - 1e-6)
    }),
  )
})
