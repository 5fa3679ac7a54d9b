import { expect, it } from 'vitest'
import { clusterBootstrap } from './bootstrap.ts'
import { random } from './random.ts'

const mean = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length

it('covers the mean of ten normals as often as the closed form says: P(|t_9| < 1.96 sqrt(9/10)) = 90.4 %', () => {
  const rng = random(3, 'coverage')
  const trials = 200
  let covered = 0
  for (let trial = 0; trial < trials; trial++) {
    const values = Array.from({ length: 10 }, () => [5 + 2 * rng.normal()])
    const { low, high } = clusterBootstrap(values, mean, trial)!
    if (low <= 5 && 5 <= high) covered++
  }
  // Three standard errors of a share of 200: 6.2 %.
  expect(Math.abs(covered / trials - 0.904)).toBeLessThan(0.062)
}, 30_000)

it('takes a repeated person for one: three copies of every item leave the interval as it is', () => {
  const values = [1, 4, 2, 8, 5, 7]
  const once = clusterBootstrap(
    values.map((v) => [v]),
    mean,
    1,
  )
  const thrice = clusterBootstrap(
    values.map((v) => [v, v, v]),
    mean,
    1,
  )
  expect(thrice?.low).toBeCloseTo(once?.low ?? Number.NaN, 12)
  expect(thrice?.high).toBeCloseTo(once?.high ?? Number.NaN, 12)
})

it('gives all of equal values no width, the same seed the same interval, and one cluster none', () => {
  expect(clusterBootstrap([[3], [3, 3], [3]], mean, 1)).toEqual({ low: 3, high: 3, clusters: 3 })
  const clusters = [[1], [2], [4], [9]]
  expect(clusterBootstrap(clusters, mean, 7)).toEqual(clusterBootstrap(clusters, mean, 7))
  expect(clusterBootstrap([[1, 2, 3]], mean, 1)).toBeUndefined()
  expect(clusterBootstrap(clusters, () => undefined, 1)).toBeUndefined()
})
