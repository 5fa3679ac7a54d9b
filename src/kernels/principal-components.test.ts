import { expect, it } from 'vitest'
import { principalComponents } from './principal-components.ts'
import { random } from './random.ts'

function centred(rows: number, features: number): Float64Array {
  const { normal } = random(3, `components ${rows} ${features}`)
  const out = Float64Array.from({ length: rows * features }, normal)
  for (let f = 0; f < features; f++) {
    const column = out.subarray(f * rows, (f + 1) * rows)
    const mean = column.reduce((a, b) => a + b, 0) / rows
    for (let i = 0; i < rows; i++) column[i]! -= mean
  }
  return out
}

it('points on a line have one component, along the line', () => {
  // Feature 1: -1 0 1; feature 2: -2 0 2.
  const { squares, total, loadings } = principalComponents(Float64Array.of(-1, 0, 1, -2, 0, 2), 3, 2)
  expect(squares).toHaveLength(1)
  expect(squares[0]).toBeCloseTo(10, 13)
  expect(total).toBe(10)
  const [first, second] = loadings(1)
  expect(first).toBeCloseTo(1 / Math.sqrt(5), 14)
  expect(second).toBeCloseTo(2 / Math.sqrt(5), 14)
})
it.each([
  [30, 7],
  [7, 30],
  [12, 12],
])(
  '%i rows, %i features: uncorrelated scores of the squares that were promised, and all of the table',
  (rows, features) => {
    const values = centred(rows, features)
    const { squares, total, loadings } = principalComponents(values, rows, features)
    expect(squares).toHaveLength(Math.min(rows - 1, features))
    expect(squares.reduce((a, b) => a + b, 0)).toBeCloseTo(total, 9)
    const weights = loadings(squares.length)
    const scores = Array.from(squares, (_, k) =>
      Array.from({ length: rows }, (_, i) => {
        let sum = 0
        for (let f = 0; f < features; f++) sum += weights[k * features + f]! * values[f * rows + i]!
        return sum
      }),
    )
    scores.forEach((one, k) => {
      scores.forEach((other, l) => {
        const product = one.reduce((sum, value, i) => sum + value * other[i]!, 0)
        expect(product).toBeCloseTo(k === l ? squares[k]! : 0, 9)
      })
    })
    for (let f = 0; f < features; f++)
      for (let i = 0; i < rows; i++) {
        const back = scores.reduce((sum, score, k) => sum + weights[k * features + f]! * score[i]!, 0)
        expect(back).toBeCloseTo(values[f * rows + i]!, 9)
      }
  },
)
