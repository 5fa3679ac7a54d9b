import fc from 'fast-check'
import { expect, it } from 'vitest'
import { betaBelow, betaQuantile, fTail, studentCritical, studentTails } from './tails.ts'

it.each([
  // R 4.2.2: pf(f, d1, d2, lower.tail = FALSE)
  [4.5, 2, 20, 0.024339966583586479],
  [1, 1, 5, 0.36321746764912255],
  [30, 3, 500, 7.550890372266722e-18],
  [0.2, 7, 3, 0.96332664578181348],
])('F = %d with %d and %d degrees of freedom, as R', (f, over, under, expected) => {
  expect(fTail(f, over, under) / expected).toBeCloseTo(1, 10)
})
it.each([
  // R 4.2.2: 2 * pt(-t, df)
  [2, 10, 0.073388034770740393],
  [12.7, 1, 0.050024327689344152],
  [6, 1000, 2.7553691733774752e-9],
])('t = %d with %d degrees of freedom, as R', (t, freedom, expected) => {
  expect(studentTails(t, freedom) / expected).toBeCloseTo(1, 10)
  expect(studentTails(-t, freedom)).toBe(studentTails(t, freedom))
})
it('critical values are those of printed tables', () => {
  expect(studentCritical(0.025, 10)).toBeCloseTo(2.228, 3)
  expect(studentCritical(0.025, 1)).toBeCloseTo(12.706, 3)
  expect(studentCritical(0.2, 38)).toBeCloseTo(0.851, 3)
})
it('for whole a and b, beta is an order statistic: a binomial sum', () => {
  const choose = (n: number, k: number): number => (k === 0 ? 1 : (choose(n, k - 1) * (n - k + 1)) / k)
  const shape = fc.integer({ min: 1, max: 12 })
  fc.assert(
    fc.property(shape, shape, fc.double({ min: 0.01, max: 0.99, noNaN: true }), (a, b, x) => {
      const n = a + b - 1
      let sum = 0
      for (let k = a; k <= n; k++) sum += choose(n, k) * x ** k * (1 - x) ** (n - k)
      expect(betaBelow(x, a, b)).toBeCloseTo(sum, 11)
    }),
  )
})
it('a quantile has its probability below it', () => {
  const shape = fc.double({ min: 0.5, max: 400, noNaN: true })
  fc.assert(
    fc.property(shape, shape, fc.double({ min: 0.01, max: 0.99, noNaN: true }), (a, b, p) => {
      expect(betaBelow(betaQuantile(p, a, b), a, b)).toBeCloseTo(p, 9)
    }),
  )
})
