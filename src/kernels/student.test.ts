import { expect, it } from 'vitest'
import { studentQuantile } from './student.ts'

// Published tables of Student's t, for P = 0.975 and 0.999 (normal quantiles 1.959964 and 3.090232).
it.each([
  [1.959964, 6, 2.447],
  [1.959964, 20, 2.086],
  [3.090232, 6, 5.208],
  [3.090232, 10, 4.144],
  [3.090232, 30, 3.385],
])('has the tabulated quantile: z %s, %s degrees of freedom, %s', (z, freedom, tabulated) => {
  expect(Math.abs(studentQuantile(z, freedom) / tabulated - 1)).toBeLessThan(0.005)
})

it('tends to the normal quantile', () => {
  expect(studentQuantile(3.090232, 1e7)).toBeCloseTo(3.090232, 5)
})
