import { describe, expect, it } from 'vitest'
import { evaluateCurve } from '../kernels/monotone.ts'
import { random } from '../kernels/random.ts'
import { applyTone, fitToneCurve, type ToneModel, toneKnots, toneScale } from './tone.ts'

const truth = (t: number): number => 1.1 * t - 0.18 * t * t

/** Three tissues with known spread, seen through `truth`, both sides with known noise. */
function pairs(noiseU: number, noiseY: number, n = 60_000): { u: Float32Array; y: Float32Array } {
  const rng = random(7, 'tone test')
  const u = new Float32Array(n)
  const y = new Float32Array(n)
  for (let i = 0; i < n; i++) {
    const tissue = [0.35, 1, 1, 1.5, 1.5][rng.integer(5)]!
    const t = Math.max(0.01, tissue + 0.12 * rng.normal())
    u[i] = t + noiseU * rng.normal()
    y[i] = truth(t) + noiseY * rng.normal()
  }
  return { u, y }
}

/** Slope inside the middle tissue relative to the truth: what least squares flattens. */
function slopeInTissue(at: (u: number) => number): number {
  return (at(1.12) - at(0.88)) / (truth(1.12) - truth(0.88))
}

/** Plain least squares in the same tissue: cov / var over 0.75-1.25. */
function leastSquaresSlope(u: Float32Array, y: Float32Array): number {
  const chosen = [...u.keys()].filter((i) => u[i]! > 0.75 && u[i]! < 1.25)
  const mean = (x: Float32Array): number => chosen.reduce((sum, i) => sum + x[i]!, 0) / chosen.length
  const [mu, my] = [mean(u), mean(y)]
  const covariance = chosen.reduce((sum, i) => sum + (u[i]! - mu) * (y[i]! - my), 0)
  const variance = chosen.reduce((sum, i) => sum + (u[i]! - mu) ** 2, 0)
  return covariance / variance / ((truth(1.12) - truth(0.88)) / 0.24)
}

describe('the fit of a tone curve', () => {
  it.each([
    ['source noisier', 0.12, 0.03],
    ['alike', 0.08, 0.06],
    ['target noisier', 0.03, 0.08],
  ])('recovers a known curve under known noise (%s)', (_, noiseU, noiseY) => {
    const { u, y } = pairs(noiseU, noiseY)
    const knots = toneKnots(u.slice().sort(), 12)
    const values = fitToneCurve(u, y, knots, { noise: { u: noiseU, y: noiseY } })
    const at = (t: number): number => evaluateCurve({ knots, values }, t)
    for (const tissue of [0.35, 1, 1.5]) expect(Math.abs(at(tissue) - truth(tissue))).toBeLessThan(0.02)
    expect(slopeInTissue(at)).toBeGreaterThan(0.9)
    expect(slopeInTissue(at)).toBeLessThan(1.12)
  })

  it('keeps the contrast that plain least squares shrinks', () => {
    const { u, y } = pairs(0.12, 0.03)
    expect(leastSquaresSlope(u, y)).toBeLessThan(0.7)
  })

  it('needs the noise ratio: taken as alike when it is not, contrast is wrong', () => {
    const { u, y } = pairs(0.12, 0.03)
    const knots = toneKnots(u.slice().sort(), 12)
    const values = fitToneCurve(u, y, knots)
    expect(slopeInTissue((t) => evaluateCurve({ knots, values }, t))).toBeLessThan(0.85)
  })

  it('starts at 0 and rises everywhere, also where the target does not', () => {
    const u = Float32Array.from({ length: 500 }, (_, i) => i / 250)
    const y = u.map((v) => Math.min(v, 1))
    const values = fitToneCurve(u, y, [0, 0.5, 1, 1.5, 2, 3])
    expect(values[0]).toBe(0)
    for (let k = 1; k < values.length; k++) expect(values[k]).toBeGreaterThan(values[k - 1]!)
    expect(values[2]).toBeCloseTo(1, 1)
  })

  it('is exact for a gain', () => {
    const u = Float32Array.from({ length: 1000 }, (_, i) => (i + 1) / 500)
    const values = fitToneCurve(
      u,
      u.map((v) => 3 * v),
      [0, 1, 2],
    )
    expect(values[1]).toBeCloseTo(3, 3)
    expect(values[2]).toBeCloseTo(6, 3)
  })

  it('leaves out pairs with NaN or infinity', () => {
    const { u, y } = pairs(0, 0, 3000)
    const clean = fitToneCurve(u, y, [0, 1, 2])
    const dirty = fitToneCurve(
      Float32Array.of(...u, Number.NaN, 1, Number.POSITIVE_INFINITY),
      Float32Array.of(...y, 1, Number.NaN, 1),
      [0, 1, 2],
    )
    expect([...dirty]).toEqual([...clean])
  })

  it.each([
    ['nothing', [], [], /0 usable pairs/],
    ['a constant source', [2, 2, 2], [1, 2, 3], /all with source 2/],
    ['a target below 0', [1, 2, 3], [-1, -2, -3], /no rising curve/],
    ['different lengths', [1, 2], [1], /2 source intensities but 1/],
  ])('refuses %s', (_, u, y, message) => {
    expect(() => fitToneCurve(Float32Array.from(u), Float32Array.from(y), [0, 1])).toThrow(message)
  })
})

describe('knots', () => {
  it('start at 0, increase, and end where nearly all intensities have ended', () => {
    const sorted = pairs(0.1, 0, 5000).u.sort()
    const knots = toneKnots(sorted, 10)
    expect(knots).toHaveLength(11)
    expect(knots[0]).toBe(0)
    for (let k = 1; k < knots.length; k++) expect(knots[k]).toBeGreaterThan(knots[k - 1]!)
    expect(knots[10]).toBeLessThan(sorted.at(-1)!)
    expect(knots[10]).toBeGreaterThan(sorted[4500]!)
  })
})

describe('applying it', () => {
  const model: ToneModel = {
    kind: 'tone',
    referenceScale: 100,
    knots: [0, 1, 2],
    tones: { a: [0, 1, 1.5] },
  }

  it('maps in units of both scales and goes straight on outside the knots', () => {
    const x = Float32Array.of(0, 10, 20, 30, 40, 60, -20)
    expect([...applyTone(model, x, 20, 'a')]).toEqual([0, 50, 100, 125, 150, 200, -100])
  })

  it('does not depend on the gain of the image', () => {
    const x = Float32Array.from({ length: 101 }, (_, i) => i)
    const mask = new Uint8Array(101).fill(1)
    const louder = x.map((v) => 4 * v)
    expect([...applyTone(model, louder, toneScale(louder, mask), 'a')]).toEqual([
      ...applyTone(model, x, toneScale(x, mask), 'a'),
    ])
  })

  it('refuses a domain without a curve, and an image without a positive median', () => {
    expect(() => applyTone(model, Float32Array.of(1), 1, 'b')).toThrow(/No tone curve for domain "b".*a/s)
    expect(() => toneScale(Float32Array.of(-1, -1, 3), Uint8Array.of(1, 1, 1))).toThrow(/median.*-1/)
  })
})
