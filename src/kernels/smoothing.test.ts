import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { groupedColumns, regressInPlace } from './grouped-regression.ts'
import { random } from './random.ts'
import {
  type Criterion,
  freedomOf,
  type PenalizedBlock,
  penalized,
  projected,
  type Smoother,
  smootherOf,
  solvedBy,
} from './smoothing.ts'
import { penaltyChooser } from './smoothing-choice.ts'
import { invertPositive } from './symmetric.ts'

interface Problem {
  readonly smoother: Smoother
  readonly blocks: readonly PenalizedBlock[]
  readonly y: Float64Array
  /** Dense columns: an indicator of each group, then the others; in the order of the smoother. */
  readonly dense: readonly Float64Array[]
  readonly groups: number
}

/** Two groups, a free column, and one or two blocks of four columns; y follows some of them. */
function draw(seed: number, terms: number, rows = 40): Problem {
  const { normal, between } = random(seed, 'smoothing')
  const groups = 2
  const count = 1 + 4 * terms
  const columns = Float64Array.from({ length: count * rows }, normal)
  const groupOf = Int32Array.from({ length: rows }, (_, i) => (i < 15 ? 0 : 1))
  const blocks = Array.from({ length: terms }, (_, j) => {
    const root = Float64Array.from({ length: 16 }, normal)
    const roughness = new Float64Array(16)
    for (let a = 0; a < 4; a++)
      for (let b = 0; b < 4; b++) {
        roughness[a * 4 + b] = a === b ? 0.3 : 0
        for (let k = 0; k < 4; k++) roughness[a * 4 + b]! += root[k * 4 + a]! * root[k * 4 + b]!
      }
    return { from: 1 + 4 * j, size: 4, roughness }
  })
  const smoother = smootherOf(groupedColumns(columns, groupOf, groups), count, blocks)!
  const slopes = Float64Array.from({ length: count }, () => between(0.1, 0.6) * normal())
  const { order } = smoother.design
  const ordered = (q: number): Float64Array => Float64Array.from(order, (row) => columns[q * rows + row]!)
  const dense = [
    Float64Array.from(order, (row) => (groupOf[row] === 0 ? 1 : 0)),
    Float64Array.from(order, (row) => (groupOf[row] === 1 ? 1 : 0)),
    ...Array.from({ length: count }, (_, q) => ordered(q)),
  ]
  const y = Float64Array.from(order, (_, i) => {
    const expected = dense.slice(2).reduce((sum, column, q) => sum + slopes[q]! * column[i]!, 0)
    return 3 * dense[0]![i]! + expected + normal()
  })
  return { smoother, blocks, y, dense, groups }
}

/** Penalized least squares by dense normal equations, with both criteria as textbooks have them. */
function naive({ dense, blocks, y, groups }: Problem, penalties: readonly number[]) {
  const [p, n] = [dense.length, y.length]
  const dot = (a: Float64Array, b: Float64Array): number =>
    a.reduce((sum, value, i) => sum + value * b[i]!, 0)
  const cost = new Float64Array(p * p)
  blocks.forEach(({ from, size, roughness }, j) => {
    for (let a = 0; a < size; a++)
      for (let b = 0; b < size; b++)
        cost[(groups + from + a) * p + groups + from + b]! += penalties[j]! * roughness[a * size + b]!
  })
  const gram = Float64Array.from({ length: p * p }, (_, at) =>
    dot(dense[Math.floor(at / p)]!, dense[at % p]!),
  )
  const { inverse, logDeterminant } = invertPositive(
    gram.map((value, at) => value + cost[at]!),
    p,
  )!
  const cross = dense.map((column) => dot(column, y))
  const beta = Array.from({ length: p }, (_, a) =>
    cross.reduce((sum, value, b) => sum + inverse[a * p + b]! * value, 0),
  )
  const residuals = y.map(
    (value, i) => value - dense.reduce((sum, column, a) => sum + beta[a]! * column[i]!, 0),
  )
  const squares = dot(residuals, residuals)
  const roughness = beta.reduce(
    (sum, a, k) => sum + a * beta.reduce((inner, b, l) => inner + cost[k * p + l]! * b, 0),
    0,
  )
  const freedom = inverse.reduce((sum, value, at) => sum + value * gram[at]!, 0)
  const penalized = blocks.reduce((sum, { size }) => sum + size, 0)
  // Restricted likelihood: the variance is (squares + roughness) / (n - p + penalized), and log|S|+ grows with size * log(penalty).
  const reml =
    (n - p + penalized) * Math.log(squares + roughness) +
    logDeterminant -
    blocks.reduce((sum, { size }, j) => sum + size * Math.log(penalties[j]!), 0)
  return { beta, residuals, freedom, reml, gcv: n * Math.log(squares / (n - freedom) ** 2) }
}

const seed = fc.integer({ min: 0, max: 2 ** 31 })
const terms = fc.integer({ min: 1, max: 3 })

it('coefficients, residuals and degrees of freedom are those of dense normal equations', () => {
  fc.assert(
    fc.property(seed, terms, fc.double({ min: -3, max: 3, noNaN: true }), (number, count, level) => {
      const problem = draw(number, count)
      const { smoother, y } = problem
      const penalties = Float64Array.from({ length: count }, (_, j) => 10 ** (level + j / 2))
      const found = penalized(smoother, penalties)
      const expected = naive(problem, [...penalties])
      const x = y.slice()
      regressInPlace(x, solvedBy(smoother, found))
      x.forEach((value, i) => {
        expect(value).toBeCloseTo(expected.residuals[i]!, 8)
      })
      const spent = freedomOf(smoother, found).reduce((a, b) => a + b, problem.groups + 1)
      expect(spent).toBeCloseTo(expected.freedom, 8)
    }),
    { numRuns: 40 },
  )
})

describe.each<Criterion>(['reml', 'gcv'])('%s', (criterion) => {
  it.each([1, 2, 3])(
    '%i terms: no place of a lattice, and none near the choice, is lower by dense algebra',
    (count) => {
      for (let number = 0; number < 4; number++) {
        const problem = draw(number, count)
        const choose = penaltyChooser(problem.smoother, criterion)
        const chosen = choose(projected(problem.y.slice(), problem.smoother))
        const least = naive(problem, [...chosen])[criterion]
        const { unit } = problem.smoother
        const steps = count === 3 ? [-4, 0, 4] : [-4, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 4]
        for (let k = 0; k < steps.length ** count; k++) {
          const place = Array.from(
            unit,
            (one, j) => one * 10 ** steps[Math.floor(k / steps.length ** j) % steps.length]!,
          )
          expect(naive(problem, place)[criterion]).toBeGreaterThan(least - 1e-6)
        }
        for (let j = 0; j < count; j++)
          for (const factor of [0.9, 0.99, 1.01, 1.1]) {
            const beside = [...chosen].map((value, k) => (k === j ? value * factor : value))
            expect(naive(problem, beside)[criterion]).toBeGreaterThan(least - 1e-6)
          }
      }
    },
  )
})

it('refuses a column that follows from others and costs nothing', () => {
  const columns = Float64Array.of(1, 2, 3, 4, 2, 4, 6, 8, 1, 0, 2, 0)
  const block = { from: 2, size: 1, roughness: Float64Array.of(1) }
  const grouped = groupedColumns(columns, Int32Array.of(0, 0, 1, 1), 2)
  expect(smootherOf(grouped, 3, [block])).toBeNull()
})
