import fc from 'fast-check'
import { expect, it } from 'vitest'
import { falseDiscoveryRate, holm } from './adjusted-p.ts'

// R 4.2.2: p.adjust(c(0.01, 0.04, 0.03, 0.005, 0.5), "holm" and "BH")
const p = Float64Array.of(0.01, 0.04, 0.03, 0.005, 0.5)
it('as p.adjust of R', () => {
  for (const [found, expected] of [
    [holm(p), [0.04, 0.09, 0.09, 0.025, 0.5]],
    [falseDiscoveryRate(p), [0.025, 0.05, 0.05, 0.025, 0.5]],
  ] as const)
    expected.forEach((value, k) => {
      expect(found[k]).toBeCloseTo(value, 14)
    })
})
it('a feature without a test does not count', () => {
  const found = holm(Float64Array.of(0.02, Number.NaN, 0.5))
  expect([...found]).toEqual([0.04, Number.NaN, 0.5])
})
it('order stays, nothing falls, and Holm is never below the false discovery rate', () => {
  const values = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 30 })
  fc.assert(
    fc.property(values, (list) => {
      const own = Float64Array.from(list)
      const [strict, lenient] = [holm(own), falseDiscoveryRate(own)]
      own.forEach((value, k) => {
        expect(lenient[k]).toBeGreaterThanOrEqual(value - 1e-15)
        expect(strict[k]).toBeGreaterThanOrEqual(lenient[k]! - 1e-15)
        own.forEach((other, j) => {
          if (value < other) expect(strict[k]).toBeLessThanOrEqual(strict[j]!)
        })
      })
    }),
  )
})
