import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { random } from '../kernels/random.ts'
import { applyHistogram, type HistogramModel, measureQuantiles, poolQuantiles } from './histogram.ts'

const all = (n: number): Uint8Array => new Uint8Array(n).fill(1)
const modelOf = (x: Float32Array): HistogramModel =>
  poolQuantiles([{ ...measureQuantiles(x, all(x.length)), weight: 1 }])

const quantilesOf = (x: Float32Array): Float64Array => measureQuantiles(x, all(x.length)).quantiles

/** T(x) = F_t^-1(F_s(x)) from the definitions, by counting. */
function naive(x: Float32Array, quantiles: readonly number[]): number[] {
  return [...x].map((value) => {
    const below = x.filter((other) => other < value).length
    const ties = x.filter((other) => other === value).length
    const place = ((below + ties / 2) / x.length) * (quantiles.length - 1)
    const k = Math.min(quantiles.length - 2, Math.floor(place))
    return quantiles[k]! + (place - k) * (quantiles[k + 1]! - quantiles[k]!)
  })
}

const image = fc
  .array(fc.integer({ min: 1, max: 60 }), { minLength: 3, maxLength: 300 })
  .filter((values) => new Set(values).size > 1)
  .map((values) => Float32Array.from(values))
const reference = fc
  .array(fc.integer({ min: 0, max: 900 }), { minLength: 2, maxLength: 12 })
  .filter((values) => new Set(values).size > 1)
  .map((values) => ({ kind: 'histogram' as const, quantiles: values.sort((a, b) => a - b) }))

describe('matching', () => {
  it('maps 1 2 2 4 onto even ranks 0..80: mid-ranks 1/8, 1/2, 1/2, 7/8', () => {
    const model: HistogramModel = { kind: 'histogram', quantiles: [0, 20, 40, 60, 80] }
    const out = applyHistogram(model, Float32Array.of(1, 2, 2, 4), all(4))
    expect([...out]).toEqual([10, 40, 40, 70])
  })

  it('agrees with the definition, ties included', () => {
    fc.assert(
      fc.property(image, reference, (x, model) => {
        const expected = naive(x, model.quantiles)
        const found = applyHistogram(model, x, all(x.length))
        for (const [i, value] of found.entries()) expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-2)
      }),
    )
  })

  it('keeps the order of intensities, in and out of the mask', () => {
    fc.assert(
      fc.property(image, reference, (x, model) => {
        const wide = Float32Array.of(...x, 0.25, 0.5, 70, 100)
        const mask = Uint8Array.from(wide, (_, i) => (i < x.length ? 1 : 0))
        const out = applyHistogram(model, wide, mask)
        const order = [...wide.keys()].sort((a, b) => wide[a]! - wide[b]!)
        for (let k = 1; k < order.length; k++)
          expect(out[order[k]!]! - out[order[k - 1]!]!).toBeGreaterThanOrEqual(-1e-3)
      }),
    )
  })

  it('does not depend on gain and offset', () => {
    fc.assert(
      fc.property(image, reference, (x, model) => {
        const expected = applyHistogram(model, x, all(x.length))
        const found = applyHistogram(
          model,
          x.map((v) => 8 * v + 16),
          all(x.length),
        )
        for (const [i, value] of found.entries()) expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-2)
      }),
    )
  })

  it('changes nothing when an image is matched to itself', () => {
    const rng = random(3)
    const x = Float32Array.from({ length: 30_000 }, () => 100 + 20 * rng.normal())
    const out = applyHistogram(modelOf(x), x, all(x.length))
    const errors = x.map((v, i) => Math.abs(v - out[i]!)).sort()
    expect(errors[Math.floor(0.99 * errors.length)]).toBeLessThan(0.1)
  })

  it('gives a continuous image the quantiles of the reference', () => {
    const rng = random(4)
    const x = Float32Array.from({ length: 30_000 }, () => Math.exp(rng.normal()))
    const model: HistogramModel = { kind: 'histogram', quantiles: [10, 30, 40, 100] }
    const out = quantilesOf(applyHistogram(model, x, all(x.length)))
    expect(out[0]).toBeCloseTo(10, 1)
    expect(out[333]! / 30).toBeCloseTo(1, 2)
    expect(out[667]! / 40).toBeCloseTo(1, 2)
    expect(out[1000]).toBeCloseTo(100, 1)
  })

  it('leaves zeros exactly 0, NaN as it is, and background dark', () => {
    const x = Float32Array.of(0, Number.NaN, 1, 10, 11, 12)
    const model: HistogramModel = { kind: 'histogram', quantiles: [200, 300] }
    const out = applyHistogram(model, x, Uint8Array.of(0, 0, 0, 1, 1, 1))
    expect(out[0]).toBe(0)
    expect(out[1]).toBeNaN()
    expect(out[2]).toBeCloseTo((200 + 100 / 6) / 10, 3)
  })

  it('refuses an empty mask and a constant image', () => {
    expect(() => measureQuantiles(Float32Array.of(1, 2), Uint8Array.of(0, 0))).toThrow(/0 of 2/)
    expect(() => measureQuantiles(Float32Array.of(5, 5, Number.NaN), all(3))).toThrow(/All 2 .* 5/)
  })
})

describe('a pooled reference', () => {
  it('is the inverse of the mean distribution, not the mean of the inverses', () => {
    const low = quantilesOf(Float32Array.from({ length: 2001 }, (_, i) => i / 2000))
    const high = quantilesOf(Float32Array.from({ length: 2001 }, (_, i) => 10 + i / 2000))
    const { quantiles } = poolQuantiles([
      { quantiles: low, weight: 1 },
      { quantiles: high, weight: 1 },
    ])
    expect(quantiles[250]).toBeCloseTo(0.5, 2)
    expect(quantiles[750]).toBeCloseTo(10.5, 2)
    expect(quantiles[0]).toBe(0)
    expect(quantiles[1000]).toBe(11)
  })

  it('weighs people equally, however often one was scanned', () => {
    const person = (from: number) => quantilesOf(Float32Array.from({ length: 501 }, (_, i) => from + i / 500))
    const once = poolQuantiles([
      { quantiles: person(0), weight: 1 },
      { quantiles: person(5), weight: 1 },
    ])
    const twice = poolQuantiles([
      { quantiles: person(0), weight: 0.5 },
      { quantiles: person(0), weight: 0.5 },
      { quantiles: person(5), weight: 1 },
    ])
    for (const [level, value] of once.quantiles.entries())
      expect(Math.abs(value - twice.quantiles[level]!)).toBeLessThan(level > 495 && level < 505 ? 5 : 0.01)
  })
})
