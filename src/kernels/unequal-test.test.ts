import fc from 'fast-check'
import { expect, it } from 'vitest'
import { random } from './random.ts'
import { unequalTest } from './unequal-test.ts'
import { unequalVariances } from './unequal-variances.ts'

const group = fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 3, maxLength: 12 })
const variance = (values: readonly number[]): number => {
  const mean = values.reduce((a, b) => a + b) / values.length
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1)
}
/** An intercept and a column that is 1 in the second group. */
const twoGroups = (a: readonly number[], b: readonly number[]) => ({
  y: Float64Array.from([...a, ...b]),
  columns: Float64Array.from([...a.map(() => 0), ...b.map(() => 1), ...a.map(() => 1), ...b.map(() => 1)]),
  groupOf: Int32Array.from([...a.map(() => 0), ...b.map(() => 1)]),
})

it('two groups: their variances, and the t test of Welch', () => {
  fc.assert(
    fc.property(group, group, (a, b) => {
      fc.pre(variance(a) > 0.01 && variance(b) > 0.01)
      const { y, columns, groupOf } = twoGroups(a, b)
      const found = unequalVariances(y, columns, groupOf, 2)!.variances
      expect(found[0]! / variance(a)).toBeCloseTo(1, 8)
      expect(found[1]! / variance(b)).toBeCloseTo(1, 8)
      const test = unequalTest(y, columns, 1, groupOf, 2)!
      const parts = [variance(a) / a.length, variance(b) / b.length] as const
      const mean = (values: readonly number[]): number => values.reduce((x, z) => x + z) / values.length
      expect(test.f).toBeCloseTo((mean(b) - mean(a)) ** 2 / (parts[0] + parts[1]), 6)
      const welch =
        (parts[0] + parts[1]) ** 2 / (parts[0] ** 2 / (a.length - 1) + parts[1] ** 2 / (b.length - 1))
      expect(test.under / welch).toBeCloseTo(1, 6)
    }),
  )
})
it('keeps its level where sites of 18:2, 2:18 and 10:10 differ in noise, for one and for two columns', () => {
  const { normal } = random(7, 'unequal test')
  const sizes = [
    [18, 2],
    [2, 18],
    [10, 10],
  ] as const
  const people = sizes.flatMap(([c, p], site) =>
    Array.from({ length: c + p }, (_, k) => ({ site, patient: k >= c })),
  )
  const groupOf = Int32Array.from(people, ({ site }) => site)
  const extra = people.map(() => normal())
  const columns = Float64Array.from([
    ...people.map(({ patient }) => Number(patient)),
    ...extra,
    ...[0, 1, 2].flatMap((own) => people.map(({ site }) => Number(site === own))),
  ])
  const tables = 1500
  const positives = [0, 0]
  for (let k = 0; k < tables; k++) {
    const y = Float64Array.from(people, ({ site }) => (site === 2 ? 2 : 1) * normal())
    for (const q of [1, 2]) if (unequalTest(y, columns, q, groupOf, 3)!.p < 0.05) positives[q - 1]!++
  }
  const error = Math.sqrt((0.05 * 0.95) / tables)
  for (const count of positives) {
    expect(count / tables).toBeGreaterThan(0.05 - 4 * error)
    expect(count / tables).toBeLessThan(0.05 + 4 * error)
  }
})
it('a group whose rows are fitted exactly has no variance', () => {
  const { y, columns, groupOf } = twoGroups([1, 2, 4], [3])
  expect(unequalVariances(y, columns, groupOf, 2)).toBeNull()
  expect(unequalTest(y, columns, 1, groupOf, 2)).toBeNull()
})
