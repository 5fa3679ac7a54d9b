/**
 * What independent software makes of two synthetic brains (methods.json, written by make_methods.py with the versions that it names),
 * beside what attune makes of them. Where attune differs on purpose, the difference itself is tested.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { applyFcm, FCM, measureTissue } from '../../src/intensity/fcm.ts'
import { applyHistogram, measureQuantiles, poolQuantiles } from '../../src/intensity/histogram.ts'
import { measureMode } from '../../src/intensity/kde.ts'
import { applyLsq } from '../../src/intensity/lsq.ts'
import { applyNyul, measureLandmarks, type NyulModel, poolLandmarks } from '../../src/intensity/nyul.ts'
import { tissuePeak } from '../../src/intensity/tissue-peak.ts'
import { measureStripe } from '../../src/intensity/whitestripe.ts'
import { applyZScore, STANDARD } from '../../src/intensity/zscore.ts'
import { scottBandwidth } from '../../src/kernels/density.ts'
import { histogramOf } from '../../src/kernels/histogram.ts'
import { packageFile } from '../../src/package-root.ts'

interface Golden {
  readonly versions: Readonly<Record<string, string>>
  /** Results are kept at every so many-th voxel. */
  readonly every: number
  readonly a: readonly number[]
  readonly b: readonly number[]
  readonly zscore: readonly number[]
  readonly whitestripe: {
    readonly mean: number
    readonly sd: number
    readonly peak: number
    readonly gridStep: number
  }
  readonly kde: { readonly asShipped: number; readonly peak: number }
  readonly fcm: { readonly mean: number }
  readonly lsq: { readonly standard: readonly [number, number, number]; readonly gain: number }
  readonly nyul: {
    readonly percentiles: readonly number[]
    readonly standard: readonly number[]
    readonly landmarks: readonly number[]
    readonly out: readonly number[]
  }
  readonly torchio: { readonly landmarks: readonly number[]; readonly out: readonly number[] }
  readonly simpleitk: readonly number[]
  readonly skimage: readonly number[]
}

const golden = JSON.parse(readFileSync(packageFile('test/goldens/methods.json'), 'utf8')) as Golden
const a = Float32Array.from(golden.a)
const b = Float32Array.from(golden.b)
const all = new Uint8Array(a.length).fill(1)
const probed = (x: Float32Array): Float32Array => x.filter((_, i) => i % golden.every === 0)
const relative = (found: number, expected: number): number => Math.abs(found / expected - 1)

it('names the versions of its peers as the requirements do', () => {
  const lines = readFileSync(packageFile('test/goldens/methods.requirements.txt'), 'utf8').trim().split('\n')
  expect(lines).toEqual(Object.entries(golden.versions).map(([name, version]) => `${name}==${version}`))
})

describe('intensity-normalization', () => {
  it('zscore: equal but for float32', () => {
    const out = probed(applyZScore(STANDARD, a, all))
    for (const [i, expected] of golden.zscore.entries())
      expect(Math.abs(out[i]! - expected)).toBeLessThan(1e-4)
  })

  it("whitestripe: the peak that scipy's density has on a fine grid, to a tenth of the peer's grid step", () => {
    const { peak, gridStep } = golden.whitestripe
    expect(Math.abs(tissuePeak(histogramOf(a, all), 'last', scottBandwidth) - peak)).toBeLessThan(
      gridStep / 10,
    )
  })

  it('whitestripe: its stripe follows from that peak by the definition', () => {
    const sorted = a.toSorted()
    const rank = sorted.filter((v) => v < golden.whitestripe.peak).length / sorted.length
    const at = (p: number): number => sorted[Math.round(p * (sorted.length - 1))]!
    const stripe = sorted.filter((v) => v >= at(rank - 0.05) && v <= at(rank + 0.05))
    const mean = stripe.reduce((sum, v) => sum + v, 0) / stripe.length
    const sd = Math.sqrt(stripe.reduce((sum, v) => sum + (v - mean) ** 2, 0) / stripe.length)
    const found = measureStripe(a, all, 'last')
    // The peak is known to a fraction of a grid step: a few voxels of 430 enter or leave the stripe.
    expect(relative(found.mean, mean)).toBeLessThan(1e-3)
    expect(relative(found.sd, sd)).toBeLessThan(0.03)
  })

  it("whitestripe: the peer's own stripe, as near as its grid of 80 points lets it be", () => {
    const { mean, sd, gridStep } = golden.whitestripe
    const found = measureStripe(a, all, 'last')
    expect(Math.abs(found.mean - mean)).toBeLessThan(gridStep)
    expect(relative(found.sd, sd)).toBeLessThan(0.1)
  })

  it("kde: the peak of scipy's density with the bandwidth meant, not that of 3.0.1, which lies between tissues", () => {
    const { mode } = measureMode(a, all, 'last')
    expect(relative(mode, golden.kde.peak)).toBeLessThan(1e-3)
    // White matter was made at 640, grey matter at 420.
    expect(relative(mode, 640)).toBeLessThan(0.01)
    expect(relative(golden.kde.asShipped, 640)).toBeGreaterThan(0.2)
  })

  it('fcm: the mean of white matter where the peer iterates to the end, to the width of 4096 values', () => {
    expect(relative(measureTissue(a, all, 'bright').mean, golden.fcm.mean)).toBeLessThan(1e-5)
    const out = applyFcm(FCM, a, all)
    expect(relative(out[0]!, a[0]! / golden.fcm.mean)).toBeLessThan(1e-5)
  })

  it('lsq: the gain to a given standard, to where the peer stops iterating (memberships within 0.005)', () => {
    const out = applyLsq({ kind: 'lsq', means: golden.lsq.standard }, a, all)
    expect(relative(out[0]! / a[0]!, golden.lsq.gain)).toBeLessThan(1e-3)
  })
})

/** Landmarks of both images on a common scale from `low` to `high`, as peers give them. */
function standardScale(percentiles: readonly number[], low: number, high: number): readonly number[] {
  const { landmarks } = poolLandmarks([a, b].map((x) => ({ ...measureLandmarks(x, all), weight: 1 })))
  const [first, last] = [landmarks[0]!, landmarks.at(-1)!]
  expect(percentiles).toEqual([1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 99])
  return landmarks.map((value) => low + ((value - first) / (last - first)) * (high - low))
}

/** Between the outer landmarks equal to the peer; beyond them to (0, 0), and with the mean slope. */
function comparePiecewise(model: NyulModel, peer: readonly number[]): void {
  const { landmarks } = measureLandmarks(a, all)
  const [p1, p99] = [landmarks[0]!, landmarks.at(-1)!]
  const [s1, s99] = [model.landmarks[0]!, model.landmarks.at(-1)!]
  const [x, out] = [probed(a), probed(applyNyul(model, a, all))]
  let beyond = 0
  for (const [i, expected] of peer.entries()) {
    const value = x[i]!
    if (value >= p1 && value <= p99) expect(Math.abs(out[i]! - expected)).toBeLessThan(1e-3)
    else {
      beyond++
      const ours =
        value > p99
          ? s99 + ((value - p99) * (s99 - s1)) / (p99 - p1)
          : s1 > 0
            ? (value / p1) * s1
            : s1 + ((value - p1) * (s99 - s1)) / (p99 - p1)
      expect(Math.abs(out[i]! - ours)).toBeLessThan(1e-3)
    }
  }
  expect(beyond).toBeGreaterThan(3)
}

describe('nyul', () => {
  const { nyul, torchio } = golden

  it("has NumPy's percentiles", () => {
    const { landmarks } = measureLandmarks(a, all)
    for (const [k, value] of landmarks.entries())
      expect(relative(value, nyul.landmarks[k]!)).toBeLessThan(1e-6)
  })

  it('learns the scale of intensity-normalization, and maps as it does between the outer landmarks', () => {
    const scale = standardScale(nyul.percentiles, 1, 100)
    for (const [k, value] of scale.entries()) expect(Math.abs(value - nyul.standard[k]!)).toBeLessThan(1e-4)
    comparePiecewise({ kind: 'nyul', percentiles: nyul.percentiles, landmarks: nyul.standard }, nyul.out)
  })

  it('learns the scale of TorchIO, and maps as it does between the outer landmarks', () => {
    // TorchIO learns the quartiles too, but does not use them.
    const used = torchio.landmarks.filter((_, k) => k !== 3 && k !== 9)
    const scale = standardScale(nyul.percentiles, 0, 100)
    for (const [k, value] of scale.entries()) expect(Math.abs(value - used[k]!)).toBeLessThan(1e-3)
    comparePiecewise({ kind: 'nyul', percentiles: nyul.percentiles, landmarks: used }, torchio.out)
  })
})

describe('histogram', () => {
  const model = poolQuantiles([{ ...measureQuantiles(b, all), weight: 1 }])
  const out = probed(applyHistogram(model, a, all))
  const sorted = b.toSorted()
  /** Share of the reference at or below a value, between its neighbours by interpolation: peers are compared in ranks. */
  const rankOf = (value: number): number => {
    const k = sorted.findIndex((v) => v > value)
    if (k <= 0) return k < 0 ? 1 : 0
    return (k - 1 + (value - sorted[k - 1]!) / (sorted[k]! - sorted[k - 1]!)) / (sorted.length - 1)
  }
  const worst = (peer: readonly number[]): number =>
    Math.max(...peer.map((value, i) => Math.abs(rankOf(value) - rankOf(out[i]!))))

  it('is that of scikit-image, to one of the 1001 stored levels (it counts ties as below, we half of them)', () => {
    expect(worst(golden.skimage)).toBeLessThan(1 / 1000 + 1 / sorted.length)
  })

  it('is that of SimpleITK, to the distance of its 512 match points', () => {
    expect(worst(golden.simpleitk)).toBeLessThan(1 / 512 + 1 / 1000)
  })
})
