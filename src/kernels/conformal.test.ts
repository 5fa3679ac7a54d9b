import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { conformalFactor, countScore, type ScoreCounts, scoreCounts } from './conformal.ts'
import { random } from './random.ts'

function counted(scores: readonly number[]): ScoreCounts {
  const counts = scoreCounts()
  for (const score of scores) countScore(counts, score)
  return counts
}
/** What bins of 1 % can be off. */
const BIN = 1.011

describe('conformalFactor', () => {
  it('covers nine of the scores 1 to 10 of one person', () => {
    const factor = conformalFactor([counted([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])], 0.9)
    expect(factor).toBeGreaterThanOrEqual(9)
    expect(factor).toBeLessThan(9 * BIN)
  })

  it('weighs people alike, however many voxels they have', () => {
    // one person's scores fill 0 to 1, the other's 1 to 2: of both together, half lie below 1 and nine tenths below 1.8
    const people = [
      counted(Array.from({ length: 1000 }, (_, i) => (i + 1) / 1000)),
      counted(Array.from({ length: 10 }, (_, i) => 1 + (i + 1) / 10)),
    ]
    for (const [level, expected] of [
      [0.5, 1],
      [0.9, 1.8],
    ] as const) {
      expect(conformalFactor(people, level)).toBeGreaterThanOrEqual(expected)
      expect(conformalFactor(people, level)).toBeLessThan(expected * BIN)
    }
  })

  it('grows with the level, and in proportion to the scores', () => {
    const score = fc.double({ min: 0.01, max: 50, noNaN: true })
    const people = fc.array(fc.array(score, { minLength: 5, maxLength: 40 }), { minLength: 1, maxLength: 7 })
    fc.assert(
      fc.property(people, fc.double({ min: 0.3, max: 0.9, noNaN: true }), (scores, level) => {
        const factor = conformalFactor(scores.map(counted), level)
        expect(conformalFactor(scores.map(counted), level + 0.05)).toBeGreaterThanOrEqual(factor)
        const tenfold = conformalFactor(
          scores.map((own) => counted(own.map((value) => 10 * value))),
          level,
        )
        expect(tenfold / factor / 10).toBeGreaterThan(1 / BIN)
        expect(tenfold / factor / 10).toBeLessThan(BIN)
        // everyone pooled is covered at least as asked, counted one by one
        const covered = scores.map((own) => own.filter((value) => value <= factor).length / own.length)
        expect(covered.reduce((sum, share) => sum + share, 0) / scores.length).toBeGreaterThanOrEqual(
          level - 1e-9,
        )
      }),
      { numRuns: 60 },
    )
  })

  it.each([5, 6, 10])('covers nine tenths of a new person on average, having seen %i', (n) => {
    // Each person has a scale of its own (SD 20 %) on normal errors. Few people fall short by 0.4 % at most (see conformal.ts); the mean over
    // 300 studies has a standard error of about 0.3 %, which is estimated beside it.
    const rng = random(n, 'conformal people')
    const person = (): { scale: number; counts: ScoreCounts } => {
      const scale = Math.exp(0.2 * rng.normal())
      return { scale, counts: counted(Array.from({ length: 300 }, () => Math.abs(scale * rng.normal()))) }
    }
    let [sum, squares] = [0, 0]
    const studies = 300
    for (let study = 0; study < studies; study++) {
      const factor = conformalFactor(
        Array.from({ length: n }, () => person().counts),
        0.9,
      )
      const { scale } = person()
      const share =
        Array.from({ length: 300 }, () => (Math.abs(scale * rng.normal()) <= factor ? 1 : 0)).reduce(
          (total: number, one) => total + one,
          0,
        ) / 300
      sum += share
      squares += share * share
    }
    const mean = sum / studies
    const error = Math.sqrt((squares / studies - mean * mean) / studies)
    expect(mean).toBeGreaterThan(0.896 - 3 * error)
    expect(mean).toBeLessThan(0.9 + 3 * error)
  })

  it('gives NaN without people, and its widest where errors are infinite', () => {
    expect(conformalFactor([], 0.9)).toBeNaN()
    expect(conformalFactor([counted([Number.POSITIVE_INFINITY, 1])], 0.9)).toBeGreaterThan(9000)
  })
})
