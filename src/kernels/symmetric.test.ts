import fc from 'fast-check'
import { expect, it } from 'vitest'
import { inverseRoot, invertPositive, times } from './symmetric.ts'
import { symmetricEigen } from './symmetric-eigen.ts'

const size = fc.integer({ min: 1, max: 7 })
const entries = size.chain((n) =>
  fc.tuple(
    fc.constant(n),
    fc.array(fc.integer({ min: -20, max: 20 }), { minLength: n * n, maxLength: n * n }),
  ),
)
/** A'A + 1: positive definite. */
const positive = entries.map(([n, a]): [number, Float64Array] => {
  const out = new Float64Array(n * n)
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      out[i * n + j] = i === j ? 1 : 0
      for (let k = 0; k < n; k++) out[i * n + j]! += a[k * n + i]! * a[k * n + j]!
    }
  return [n, out]
})
const column = (matrix: Float64Array, n: number, k: number): Float64Array =>
  Float64Array.from({ length: n }, (_, i) => matrix[i * n + k]!)

it('the inverse times the matrix is 1, and the determinant that of the eigenvalues', () => {
  fc.assert(
    fc.property(positive, ([n, a]) => {
      const { inverse, logDeterminant } = invertPositive(a, n)!
      const logs = symmetricEigen(a, n).values.reduce((sum, value) => sum + Math.log(value), 0)
      expect(logDeterminant).toBeCloseTo(logs, 6)
      for (let k = 0; k < n; k++)
        times(inverse, column(a, n, k)).forEach((value, i) => {
          expect(value).toBeCloseTo(i === k ? 1 : 0, 6)
        })
    }),
  )
})

it('says which matrices are not positive definite', () => {
  expect(inverseRoot(Float64Array.of(1, 2, 2, 1), 2)).toBeNull()
  expect(invertPositive(Float64Array.of(0), 1)).toBeNull()
})
