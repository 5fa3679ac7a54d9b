/** The parts of cross-validated classifiers: components, accuracy, ranks. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { balancedAccuracy, balancedAccuracyInterval, classCounts } from './balanced-accuracy.ts'
import { componentRows } from './component-rows.ts'
import { leadingComponents } from './leading-components.ts'
import { random } from './random.ts'
import { rankedSeparation } from './ranked-separation.ts'

describe('leading components', () => {
  it('of two features along and across a diagonal: shares 0.9 and 0.1', () => {
    // Scores 3, -3, 3, -3 along (1, 1) / root 2 and 1, 1, -1, -1 across: squares 36 and 4.
    const r = Math.SQRT1_2
    const [along, across] = [
      [3, -3, 3, -3],
      [1, 1, -1, -1],
    ] as const
    const x = Float64Array.from([
      ...along.map((a, i) => r * (a + across[i]!)),
      ...along.map((a, i) => r * (a - across[i]!)),
    ])
    const { axes, scores, shares } = leadingComponents(x, 4, 2)
    expect(shares[0]).toBeCloseTo(0.9, 12)
    expect(shares[1]).toBeCloseTo(0.1, 12)
    expect(Math.abs(axes[0]!)).toBeCloseTo(r, 10)
    along.forEach((a, i) => {
      expect(Math.abs(scores[i]!)).toBeCloseTo(Math.abs(a), 10)
    })
  })
  it('put together again are the table, where all are taken', () => {
    const { normal } = random(2, 'components')
    const [rows, features] = [12, 30]
    const x = Float64Array.from({ length: rows * features }, normal)
    const { axes, scores, count } = leadingComponents(x, rows, 12)
    for (let f = 0; f < features; f++)
      for (let i = 0; i < rows; i++) {
        let sum = 0
        for (let c = 0; c < count; c++) sum += scores[c * rows + i]! * axes[c * features + f]!
        expect(sum).toBeCloseTo(x[f * rows + i]!, 8)
      }
  })
})
it('component rows come from the training rows: a held-out row changes none of the others', () => {
  const { normal } = random(3, 'rows')
  const x = Float64Array.from({ length: 20 * 8 }, normal)
  const training = Array.from({ length: 15 }, (_, i) => i)
  const before = componentRows(x, 20, training, 3)
  const changed = x.slice()
  for (let f = 0; f < 8; f++) changed[f * 20 + 19] = 50
  const after = componentRows(changed, 20, training, 3)
  expect(after.slice(0, 19)).toEqual(before.slice(0, 19))
  expect(after[19]).not.toEqual(before[19])
})
describe('balanced accuracy', () => {
  it('9 of 10 and 1 of 2: 0.7', () => {
    const labels = [...Array(10).fill(0), 1, 1]
    const named = [1, ...Array(9).fill(0), 1, 0]
    expect(balancedAccuracy(classCounts(named, labels, 2))).toBeCloseTo(0.7, 12)
  })
  it('its interval is that of drawn posteriors: beta variables as order statistics of uniforms', () => {
    // Beta(a, b) for whole a, b is the a-th smallest of a + b - 1 uniforms; Jeffreys' halves lie between two whole ones.
    const counts = { rows: Float64Array.of(20, 12, 40), right: Float64Array.of(15, 4, 30) }
    const { uniform } = random(4, 'posteriors')
    const ends = (plus: number): readonly [number, number] => {
      const drawn = Array.from({ length: 4000 }, () => {
        let sum = 0
        for (const k of [0, 1, 2]) {
          const [a, b] = [counts.right[k]! + plus, counts.rows[k]! - counts.right[k]! + plus]
          sum += Array.from({ length: a + b - 1 }, uniform).sort((x, y) => x - y)[a - 1]! / 3
        }
        return sum
      }).sort((x, y) => x - y)
      return [drawn[100]!, drawn[3899]!]
    }
    const found = balancedAccuracyInterval(counts)
    const wide = ends(1)
    expect(found.low).toBeCloseTo(wide[0], 1)
    expect(found.high).toBeCloseTo(wide[1], 1)
  })
  it('holds the accuracy itself, and 95 % of binomial draws cover the truth', () => {
    const { uniform } = random(5, 'coverage')
    let covered = 0
    for (let draw = 0; draw < 1000; draw++) {
      const right = Float64Array.from(
        [0.8, 0.5, 0.6],
        (p) => Array.from({ length: 25 }, uniform).filter((u) => u < p).length,
      )
      const counts = { rows: Float64Array.of(25, 25, 25), right }
      const { low, high } = balancedAccuracyInterval(counts)
      expect(low).toBeLessThanOrEqual(balancedAccuracy(counts))
      expect(high).toBeGreaterThanOrEqual(balancedAccuracy(counts))
      if (low < 1.9 / 3 && 1.9 / 3 < high) covered++
    }
    expect(covered / 1000).toBeGreaterThan(0.925)
    expect(covered / 1000).toBeLessThan(0.98)
  })
})
describe('ranked separation', () => {
  it('1 2 4 against 0 1 3: 6.5 of 9 pairs', () => {
    expect(rankedSeparation([1, 2, 4], [0, 1, 3]).area).toBeCloseTo(6.5 / 9, 12)
  })
  it('turns round with the sign of the score', () => {
    const list = fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 2, maxLength: 12 })
    fc.assert(
      fc.property(list, list, (a, b) => {
        const [one, two] = [
          rankedSeparation(a, b),
          rankedSeparation(
            a.map((v) => -v),
            b.map((v) => -v),
          ),
        ]
        expect(one.area + two.area).toBeCloseTo(1, 12)
        expect(one.error).toBeCloseTo(two.error, 12)
      }),
    )
  })
})
