import fc from 'fast-check'
import { expect, it } from 'vitest'
import { random } from './random.ts'
import { symmetricEigen } from './symmetric-eigen.ts'

/** Rotations that take out one number beside the diagonal at a time (Jacobi 1846): slow, and nothing to get wrong. */
function jacobiValues(matrix: Float64Array, n: number): number[] {
  const a = matrix.slice()
  for (let sweep = 0; sweep < 60; sweep++)
    for (let p = 0; p < n; p++)
      for (let q = p + 1; q < n; q++) {
        if (a[p * n + q] === 0) continue
        const angle = 0.5 * Math.atan2(2 * a[p * n + q]!, a[q * n + q]! - a[p * n + p]!)
        const [c, s] = [Math.cos(angle), Math.sin(angle)]
        for (let k = 0; k < n; k++) {
          const [x, y] = [a[k * n + p]!, a[k * n + q]!]
          a[k * n + p] = c * x - s * y
          a[k * n + q] = s * x + c * y
        }
        for (let k = 0; k < n; k++) {
          const [x, y] = [a[p * n + k]!, a[q * n + k]!]
          a[p * n + k] = c * x - s * y
          a[q * n + k] = s * x + c * y
        }
      }
  return Array.from({ length: n }, (_, k) => a[k * n + k]!).sort((x, y) => y - x)
}

it('2 1 1 2 has 3 along (1, 1) and 1 along (1, -1)', () => {
  const { values, vectors } = symmetricEigen(Float64Array.of(2, 1, 1, 2), 2)
  expect(values[0]).toBeCloseTo(3, 14)
  expect(values[1]).toBeCloseTo(1, 14)
  expect(Math.abs(vectors[0]! + vectors[1]!)).toBeCloseTo(Math.SQRT2, 14)
  expect(vectors[2]! + vectors[3]!).toBeCloseTo(0, 14)
})
it('the chain of n springs has 2 - 2 cos(pi k / (n + 1))', () => {
  const n = 60
  const chain = Float64Array.from({ length: n * n }, (_, at) => {
    const apart = Math.abs(Math.floor(at / n) - (at % n))
    return apart === 0 ? 2 : apart === 1 ? -1 : 0
  })
  const { values } = symmetricEigen(chain, n)
  for (let k = 1; k <= n; k++)
    expect(values[n - k]).toBeCloseTo(2 - 2 * Math.cos((Math.PI * k) / (n + 1)), 12)
})

const symmetric = fc.integer({ min: 1, max: 12 }).chain((n) =>
  fc.array(fc.integer({ min: -9, max: 9 }), { minLength: n * n, maxLength: n * n }).map((values) => ({
    n,
    // Small whole numbers: repeated eigenvalues, zeros and blocks occur.
    matrix: Float64Array.from(values, (_, at) => {
      const [i, j] = [Math.floor(at / n), at % n]
      return values[Math.max(i, j) * n + Math.min(i, j)]!
    }),
  })),
)
it('A v = value * v, vectors are orthonormal, values are those of rotations one by one', () => {
  fc.assert(
    fc.property(symmetric, ({ n, matrix }) => {
      const { values, vectors } = symmetricEigen(matrix, n)
      const limit = 1e-12 * (1 + Math.max(...values.map(Math.abs)))
      jacobiValues(matrix, n).forEach((value, k) => {
        expect(Math.abs(values[k]! - value)).toBeLessThan(limit)
      })
      for (let k = 0; k < n; k++)
        for (let i = 0; i < n; i++) {
          let image = 0
          let product = 0
          for (let j = 0; j < n; j++) {
            image += matrix[i * n + j]! * vectors[k * n + j]!
            product += vectors[k * n + j]! * vectors[i * n + j]!
          }
          expect(Math.abs(image - values[k]! * vectors[k * n + i]!)).toBeLessThan(limit)
          expect(Math.abs(product - (i === k ? 1 : 0))).toBeLessThan(1e-12)
        }
    }),
  )
})

it.each([1, 2, 5, 40])(
  'of rank %i in 130 dimensions: so many values are not 0, and the vectors are orthonormal',
  (rank) => {
    const n = 130
    const rng = random(rank, 'low rank')
    const matrix = new Float64Array(n * n)
    for (let r = 0; r < rank; r++) {
      // most rows and columns are 0 altogether
      const v = Float64Array.from({ length: n }, (_, i) => (i % 3 === 0 ? rng.normal() : 0))
      for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) matrix[i * n + j]! += v[i]! * v[j]!
    }
    const { values, vectors } = symmetricEigen(matrix, n)
    const limit = 1e-12 * values[0]!
    expect(values.filter((value) => value > limit)).toHaveLength(rank)
    for (let k = 0; k < n; k++) {
      let squared = 0
      for (let i = 0; i < n; i++) {
        let image = 0
        for (let j = 0; j < n; j++) image += matrix[i * n + j]! * vectors[k * n + j]!
        expect(Math.abs(image - values[k]! * vectors[k * n + i]!)).toBeLessThan(limit)
        squared += vectors[k * n + i]! ** 2
      }
      expect(squared).toBeCloseTo(1, 12)
    }
  },
)
