import { describe, expect, it } from 'vitest'
import { classify, fitDiscriminant, shrunkCovariance } from './discriminant.ts'
import { random } from './random.ts'

const rows = (table: readonly (readonly number[])[]): readonly Float64Array[] =>
  table.map((row) => Float64Array.from(row))

it('shrinks as scikit-learn 1.9.1 does (ledoit_wolf_shrinkage, assume_centered)', () => {
  const a = [
    [2, 0, 1],
    [-1, 1, 0],
    [0, -2, 1],
    [-3, 1, -1],
    [2, 0, -1],
  ]
  const b = [
    [1, 2],
    [-1, -2],
    [2, 3.9],
    [-2, -3.9],
    [0.5, 1.1],
    [-0.5, -1.1],
  ]
  expect(shrunkCovariance(Float64Array.from(a.flat()), 3).share).toBeCloseTo(0.6087591240875909, 12)
  expect(shrunkCovariance(Float64Array.from(b.flat()), 2).share).toBeCloseTo(0.26807774065801426, 12)
})

describe('two classes, one feature', () => {
  it('cuts halfway between the means, whatever the number of rows of each', () => {
    const model = fitDiscriminant(rows([[0], [2], [0], [2], [9], [11]]), [0, 0, 0, 0, 1, 1], 2)
    expect(classify(model, Float64Array.of(5.49))).toBe(0)
    expect(classify(model, Float64Array.of(5.51))).toBe(1)
  })
})

it('is right as often as the closed form says: P(z < d / 2) for two unit normals d apart', () => {
  const rng = random(5, 'classes')
  const draw = (n: number): { rows: Float64Array[]; labels: number[] } => {
    const labels = Array.from({ length: n }, (_, i) => i % 2)
    return {
      labels,
      rows: labels.map((k) => Float64Array.of(rng.normal() + 2 * k, 3 * rng.normal(), rng.normal())),
    }
  }
  const training = draw(2000)
  const model = fitDiscriminant(training.rows, training.labels, 2)
  const test = draw(4000)
  const right = test.rows.filter((row, i) => classify(model, row) === test.labels[i]).length / 4000
  // Phi(1) = 0.8413; three standard errors are 0.017.
  expect(Math.abs(right - 0.8413)).toBeLessThan(0.02)
})

it('does not depend on the unit of a feature, and bears one that does not vary', () => {
  const rng = random(6, 'units')
  const labels = Array.from({ length: 30 }, (_, i) => i % 3)
  const table = labels.map((k) => [rng.normal() + k, rng.normal() - k, 7])
  const scaled = table.map(([a = 0, b = 0, c = 0]) => [1e6 * a + 3e6, 1e-3 * b, c])
  const [plain, other] = [rows(table), rows(scaled)].map((data) => {
    const model = fitDiscriminant(data, labels, 3)
    return data.map((row) => classify(model, row))
  })
  expect(other).toEqual(plain)
})

it('never names a class without rows', () => {
  const model = fitDiscriminant(rows([[0], [1], [5], [6]]), [0, 0, 2, 2], 3)
  for (const x of [-9, 0, 3, 6, 99]) expect(classify(model, Float64Array.of(x))).not.toBe(1)
})

it('decides by a feature that is constant within classes, and differs between them', () => {
  const rng = random(8, 'constant')
  const labels = Array.from({ length: 12 }, (_, i) => i % 2)
  const data = labels.map((k) => Float64Array.of(rng.normal(), 5 + 0.01 * k, rng.normal()))
  const model = fitDiscriminant(data, labels, 2)
  expect(classify(model, Float64Array.of(3, 5.01, -3))).toBe(1)
  expect(classify(model, Float64Array.of(-3, 5, 3))).toBe(0)
})
