/** The methods that find tissues in the histogram: what they give on tissues that are known, and what they refuse. */
import { describe, expect, it } from 'vitest'
import { random } from '../kernels/random.ts'
import { applyFcm, measureTissue, measureTissues, poolTissue } from './fcm.ts'
import { applyKde, measureMode, poolModes } from './kde.ts'
import { applyLsq, poolTissues } from './lsq.ts'
import { applyWhiteStripe, measureStripe, poolStripes } from './whitestripe.ts'

const all = (n: number): Uint8Array => new Uint8Array(n).fill(1)
const rng = random(11)
/** Fluid 150, grey matter 420, white matter 640, with noise of SD 20; and fat, twice as bright. */
const brain = Float32Array.from({ length: 40_000 }, (_, i) => {
  const part = i % 100
  const mean = part < 15 ? 150 : part < 60 ? 420 : part < 98 ? 640 : 1300
  return mean + 20 * rng.normal()
})
const mask = all(brain.length)
const near = (found: number, expected: number, within: number): void =>
  expect(Math.abs(found / expected - 1)).toBeLessThan(within)

describe('kde', () => {
  it('finds the peak asked for, whatever is brighter', () => {
    near(measureMode(brain, mask, 'last').mode, 640, 0.01)
    near(measureMode(brain, mask, 'largest').mode, 420, 0.02)
    near(measureMode(brain, mask, 'first').mode, 150, 0.03)
  })

  it('brings it to where the model has it', () => {
    const model = poolModes([{ mode: 800, weight: 1 }], 'last')
    near(measureMode(applyKde(model, brain, mask), mask, 'last').mode, 800, 1e-4)
  })

  it('refuses images whose tissue is not brighter than 0', () => {
    const dark = brain.map((v) => v - 5000)
    expect(() => measureMode(dark, mask, 'last')).toThrow(/brighter than 0/)
  })
})

describe('whitestripe', () => {
  it('finds the mean of white matter, and less than its spread, since the stripe is cut out of it', () => {
    const { mean, sd } = measureStripe(brain, mask, 'last')
    near(mean, 640, 0.01)
    expect(sd).toBeLessThan(10)
  })

  it('gives the stripe the mean and spread of the model', () => {
    const model = poolStripes(
      [
        { mean: 900, sd: 3, weight: 1 },
        { mean: 1100, sd: 4, weight: 1 },
      ],
      'last',
    )
    expect(model).toEqual({ kind: 'whitestripe', peak: 'last', mean: 1000, sd: Math.sqrt(12.5) })
    const { mean, sd } = measureStripe(applyWhiteStripe(model, brain, mask), mask, 'last')
    near(mean, 1000, 1e-4)
    near(sd, model.sd, 1e-2)
  })

  it('refuses a stripe of one grey level, and says why', () => {
    const levels = brain.map((v) => 300 * Math.round(v / 300))
    expect(() => measureStripe(levels, mask, 'last')).toThrow(/one value only.*grey levels/s)
  })
})

describe('fcm and lsq', () => {
  it('find three tissues', () => {
    const { means } = measureTissues(
      brain.map((v) => Math.min(v, 700)),
      mask,
    )
    // Memberships of all tissues are above 0 everywhere, which draws the means towards the middle.
    near(means[0], 150, 0.1)
    near(means[1], 420, 0.05)
    near(means[2], 640, 0.05)
  })

  it('fcm brings the mean of the tissue asked for to that of the model', () => {
    for (const tissue of ['dark', 'middle', 'bright'] as const) {
      const model = poolTissue([{ mean: 800, weight: 1 }], tissue)
      near(measureTissue(applyFcm(model, brain, mask), mask, tissue).mean, 800, 1e-5)
    }
  })

  it('lsq takes the least-squares gain: tissues 1 2 3 to 4 4 6 by (4 + 8 + 18) / 14', () => {
    const model = poolTissues([{ means: [4, 4, 6], weight: 1 }])
    const out = applyLsq(model, Float32Array.of(1, 1, 2, 2, 3, 3), all(6))
    near(out[0]!, 30 / 14, 1e-5)
  })

  it('refuse fewer intensities than tissues, a constant image and an empty mask', () => {
    expect(() => measureTissues(Float32Array.of(1, 2, 2, 1), all(4))).toThrow(/2 different values/)
    expect(() => measureTissues(Float32Array.of(5, 5), all(2))).toThrow(/All 2 voxels in the mask equal 5/)
    expect(() => measureTissues(Float32Array.of(5, 6), new Uint8Array(2))).toThrow(/0 of 2 voxels/)
  })
})
