import { describe, expect, it } from 'vitest'
import { checkLimits, enforce, limitsOf } from './guards.ts'
import type { ImageFacts } from './image-facts.ts'

const facts = (change: Partial<ImageFacts> = {}, p50 = 100): ImageFacts => ({
  voxels: 1000,
  nonFinite: 0,
  maskedVoxels: 500,
  percentiles: { p1: 1, p5: 5, p25: 50, p50, p75: 150, p95: 200, p99: 300 },
  extentMm: [180, 240, 200],
  voxelMm: [1, 1, 1.2],
  maskMl: 3000,
  ...change,
})
const failed = (image: ImageFacts, limits: Parameters<typeof checkLimits>[1]): string[] =>
  checkLimits({ facts: image }, limits)
    .filter(({ status }) => status === 'failed')
    .map(({ guard }) => guard)

describe('limits', () => {
  const limits = { a: limitsOf([facts(), facts({}, 200)]) }

  it('are the range of the training scans, widened', () => {
    expect(limits.a).toMatchObject({
      scans: 2,
      median: [25, 800],
      extentMm: [
        [120, 270],
        [160, 360],
        [133, 300],
      ],
      maskMl: [1500, 6000],
    })
  })

  it('let training scans pass', () => {
    expect(failed(facts(), limits)).toEqual([])
    expect(failed(facts({}, 200), limits)).toEqual([])
  })

  it.each([
    ['intensity', facts({}, 5)],
    ['intensity', facts({}, 1000)],
    ['field-of-view', facts({ extentMm: [180, 240, 60] })],
    ['field-of-view', facts({ extentMm: [500, 240, 200] })],
    ['voxel-size', facts({ voxelMm: [1, 1, 8] })],
    ['voxel-size', facts({ voxelMm: [0.1, 1, 1] })],
    ['mask-volume', facts({ maskMl: 100 })],
    ['intensity', facts({}, Number.NaN)],
  ])('refuse by %s', (guard, image) => {
    expect(failed(image, limits)).toEqual([guard])
  })

  it('widen negative values outwards too', () => {
    const { median } = limitsOf([facts({}, -0.5)])
    expect(median).toEqual([-2, -0.125])
  })

  it('of several domains, one must fit when the domain is not known', () => {
    const two = { a: limitsOf([facts({}, 1)]), b: limitsOf([facts({}, 1000)]) }
    expect(failed(facts({}, 1200), two)).toEqual([])
    expect(failed(facts({}, 60), two)).toEqual(['intensity'])
  })

  it.each([
    [1.9, 'passed'],
    [2.4, 'failed'],
    [Number.NaN, 'failed'],
  ])('on what a network finds unlike training: %d, %s', (unlikeness, status) => {
    const own = { a: { ...limits.a, unlikeness: 2 } }
    const [finding] = checkLimits({ facts: facts(), unlikeness }, own).filter(
      ({ guard }) => guard === 'network',
    )
    expect(finding?.status).toBe(status)
    expect(checkLimits({ facts: facts(), unlikeness }, limits).map(({ guard }) => guard)).not.toContain(
      'network',
    )
  })

  it('do not exist for methods without training', () => {
    expect(checkLimits({ facts: facts() }, {})).toEqual([])
  })
})

describe('enforcing', () => {
  const no = (message: string) => ({ guard: 'intensity', status: 'failed', message }) as const

  it('names every guard that failed at once, with what is accepted', () => {
    const findings = checkLimits({ facts: facts({ maskMl: 10 }, 5) }, { a: limitsOf([facts()]) })
    expect(() => enforce(findings, false)).toThrow(
      /Median intensity is 5; accepted for a: 25 to 400 \(from 1 training scan\).*Mask volume in ml is 10/s,
    )
  })

  it('cannot be overruled where there is nothing to work on', () => {
    expect(() => enforce([{ ...no('empty'), guard: 'content' }], true)).toThrow(/^empty\nCheck the image/)
  })

  it('is overruled by force', () => {
    expect(() => enforce([no('x')], true)).not.toThrow()
    expect(() => enforce([no('x')], false)).toThrow(/x.*--force/s)
  })
})
