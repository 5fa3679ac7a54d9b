import { describe, expect, it } from 'vitest'
import { random } from '../kernels/random.ts'
import type { Descriptors } from '../metrics/descriptors.ts'
import { checkDescriptors, descriptorLimitsOf } from './descriptor-guard.ts'

const usual: Descriptors = {
  histogram: Array.from({ length: 19 }, (_, k) => (k + 1) / 10),
  radial: [1.4, 1.3, 1.2, 1, 0.9, 0.8, 0.7, 0.7],
  cut: [0, 0, 0, 0, 0.5, 0],
  noise: 0.05,
  fwhmMm: 2,
}
const scan = (subject: string, change: Partial<Descriptors> = {}) => ({
  subject,
  descriptors: { ...usual, ...change },
})
const shifted = (by: number): Partial<Descriptors> => ({ histogram: usual.histogram.map((q) => q + by) })
const failed = (image: Partial<Descriptors>, limits = descriptorLimitsOf([scan('a'), scan('b')])): string[] =>
  checkDescriptors({ ...usual, ...image }, 'siteA', limits)
    .filter(({ status }) => status === 'failed')
    .map(({ guard }) => guard)

describe('limits from few people', () => {
  it('are the predictive interval: for one person, t(20) at 0.999 times the prior SD times the root of 2', () => {
    const { histogram, noise } = descriptorLimitsOf([scan('a')])
    // 3.552 is the tabulated 99.9 % quantile of t with 20 degrees of freedom.
    expect(histogram.most).toBeCloseTo(3.552 * 0.035 * Math.SQRT2, 2)
    expect(Math.log((noise as [number, number])[1] / 0.05)).toBeCloseTo(3.552 * 0.2 * Math.SQRT2, 1)
  })

  it('narrow with more people that are alike, and widen with people that differ', () => {
    const most = (shifts: readonly number[]): number =>
      descriptorLimitsOf(shifts.map((by, k) => scan(String(k), shifted(by)))).histogram.most
    expect(most([0, 0, 0, 0])).toBeLessThan(most([0]))
    expect(most([-0.2, 0.2, -0.2, 0.2])).toBeGreaterThan(most([0, 0, 0, 0]))
  })

  it('count people, not scans', () => {
    const twice = [scan('a', shifted(0.1)), scan('a', shifted(0.1)), scan('b', shifted(-0.1))]
    expect(descriptorLimitsOf(twice)).toEqual(descriptorLimitsOf(twice.slice(1)))
  })

  it('leave noise and smoothness out where training could not measure them', () => {
    const limits = descriptorLimitsOf([scan('a', { noise: Number.NaN, fwhmMm: Number.NaN })])
    expect(failed({ noise: 9, fwhmMm: 90 }, limits)).toEqual([])
  })

  it('refuse fewer than 1 of 50 normal draws of the same domain, whatever the number of people', () => {
    for (const people of [1, 2, 5, 20]) {
      const rng = random(7, `people ${people}`)
      let refused = 0
      const draw = (): Partial<Descriptors> => ({
        ...shifted(0.035 * rng.normal()),
        noise: 0.05 * Math.exp(0.2 * rng.normal()),
        fwhmMm: 2 * Math.exp(0.08 * rng.normal()),
      })
      for (let trial = 0; trial < 1000; trial++) {
        const limits = descriptorLimitsOf(Array.from({ length: people }, (_, k) => scan(String(k), draw())))
        if (failed(draw(), limits).length > 0) refused++
      }
      expect(refused).toBeLessThan(20)
    }
  })
})

describe('an image', () => {
  it('like those of training passes', () => {
    expect(failed({})).toEqual([])
  })

  it.each([
    ['histogram', shifted(0.3)],
    ['histogram', shifted(Number.NaN)],
    ['contrast', { radial: usual.radial.toReversed() }],
    ['noise', { noise: 0.5 }],
    ['noise', { noise: 0 }],
    ['resolution', { fwhmMm: 4 }],
    ['field-of-view', { cut: [0, 0, 0, 0, 0.5, 0.6] }],
  ] as const)('is refused by %s', (guard, change) => {
    expect(failed(change)).toEqual([guard])
  })

  it('whose neck is cut higher passes', () => {
    expect(failed({ cut: [0, 0, 0, 0, 0.9, 0.1] })).toEqual([])
  })

  it('is told where its head is cut off, with what is accepted', () => {
    const limits = descriptorLimitsOf([scan('a')])
    const [message] = checkDescriptors({ ...usual, cut: [0.9, 0, 0, 0, 0, 0] }, 'siteA', limits).flatMap(
      ({ status, message: text }) => (status === 'failed' ? [text] : []),
    )
    expect(message).toBe(
      'The head is cut off at the left (90 % of its cross-section, accepted 30 %), more than in siteA (from 1 person).',
    )
  })

  it('too small to measure noise is noted', () => {
    const findings = checkDescriptors(
      { ...usual, noise: Number.NaN },
      'siteA',
      descriptorLimitsOf([scan('a')]),
    )
    expect(findings.find(({ guard }) => guard === 'noise')?.status).toBe('noted')
  })
})
