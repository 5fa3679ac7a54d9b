import { expect, it } from 'vitest'
import { fuzzyClassMeans } from './fuzzy-classes.ts'
import { random } from './random.ts'

it('gives the values themselves where there are as many as classes', () => {
  const means = fuzzyClassMeans(Float64Array.of(1, 5, 20), Float64Array.of(3, 1, 2), 3)
  for (const [k, expected] of [1, 5, 20].entries()) expect(means[k]).toBeCloseTo(expected, 5)
})

it('is symmetric where the data are', () => {
  const values = Float64Array.of(-11, -10, -9, -1, 0, 1, 9, 10, 11)
  const [dark = 0, middle = 1, bright = 0] = fuzzyClassMeans(values, new Float64Array(9).fill(4), 3)
  expect(middle).toBeCloseTo(0, 6)
  expect(dark + bright).toBeCloseTo(0, 6)
})

it('stands at the fixed point of its definition, computed voxel by voxel', () => {
  const rng = random(8)
  const voxels = [100, 300, 450].flatMap((mean) =>
    Array.from({ length: 200 }, () => Math.round(mean + 25 * rng.normal())),
  )
  const values = [...new Set(voxels)].toSorted((p, q) => p - q)
  const counts = values.map((value) => voxels.filter((v) => v === value).length)
  const found = fuzzyClassMeans(Float64Array.from(values), Float64Array.from(counts), 3)
  // The textbook iteration on voxels, from the centres that the data were made with, long enough to stand still.
  let centers = [100, 300, 450]
  const share = (v: number, k: number): number =>
    1 / centers.reduce((sum, center) => sum + ((v - centers[k]!) / (v - center)) ** 2, 0)
  const mean = (k: number, power: number): number => {
    const weights = voxels.map((v) => (v === centers[k] ? 1 : share(v, k)) ** power)
    return voxels.reduce((sum, v, i) => sum + v * weights[i]!, 0) / weights.reduce((p, q) => p + q)
  }
  for (let round = 0; round < 150; round++) centers = centers.map((_, k) => mean(k, 2))
  for (const [k, value] of found.entries()) expect(value / mean(k, 1)).toBeCloseTo(1, 6)
})

it('refuses fewer values than classes', () => {
  expect(() => fuzzyClassMeans(Float64Array.of(1, 2), Float64Array.of(5, 5), 3)).toThrow(
    /2 different values.*3 tissues/s,
  )
})
