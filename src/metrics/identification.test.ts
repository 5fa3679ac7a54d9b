import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { correlation, identification } from './identification.ts'

const comparison = (subject: string, similarities: Record<string, number>) => ({
  subject,
  similarities: new Map(Object.entries(similarities)),
})

describe('identification', () => {
  it('finds 2 of 3, with self (0.9 + 0.8 + 0.5) / 3 and others the mean of six', () => {
    const { rankOne, self, others } = identification([
      comparison('a', { a: 0.9, b: 0.4, c: 0.3 }),
      comparison('b', { a: 0.2, b: 0.8, c: 0.1 }),
      comparison('c', { a: 0.6, b: 0.2, c: 0.5 }),
    ])
    expect(rankOne).toBeCloseTo(2 / 3, 12)
    expect(self).toBeCloseTo(2.2 / 3, 12)
    expect(others).toBeCloseTo(1.8 / 6, 12)
  })

  it('does not count a tie', () => {
    expect(identification([comparison('a', { a: 0.5, b: 0.5 })]).rankOne).toBe(0)
  })
})

describe('correlation', () => {
  it('is 0.5 for 1 2 3 and 1 3 2, leaving out voxels that one image lacks', () => {
    const a = Float32Array.of(1, 2, 3, Number.NaN, 7)
    expect(correlation(a, Float32Array.of(1, 3, 2, 5, Number.NaN))).toBeCloseTo(0.5, 12)
  })

  it('lies in [-1, 1], is symmetric, and does not depend on gain and offset', () => {
    const image = fc.uniqueArray(fc.integer({ min: 0, max: 999 }), { minLength: 5, maxLength: 5 })
    fc.assert(
      fc.property(image, image, fc.integer({ min: 1, max: 9 }), (a, b, gain) => {
        const [x, y] = [Float32Array.from(a), Float32Array.from(b)]
        const r = correlation(x, y)
        expect(Math.abs(r)).toBeLessThanOrEqual(1 + 1e-12)
        expect(correlation(y, x)).toBeCloseTo(r, 12)
        expect(
          correlation(
            x.map((v) => gain * v - 5),
            y,
          ),
        ).toBeCloseTo(r, 6)
      }),
    )
  })

  it('is NaN where an image does not vary', () => {
    expect(correlation(Float32Array.of(1, 1), Float32Array.of(1, 2))).toBeNaN()
  })
})
