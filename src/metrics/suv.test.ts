import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PEAK_RADIUS_MM, suvMax, suvPeak } from './suv.ts'

const shape = [15, 15, 15] as const
const everywhere = new Uint8Array(15 ** 3).fill(1)
const voxel = [2, 2, 2] as const
const image = (value: (x: number, y: number, z: number) => number): Float32Array =>
  Float32Array.from({ length: 15 ** 3 }, (_, i) =>
    value(i % 15, Math.floor(i / 15) % 15, Math.floor(i / 225)),
  )
const middle = 7 + 15 * (7 + 15 * 7)

describe('SUVmax', () => {
  it('is the highest finite value of the region', () => {
    const x = Float32Array.from([1, 9, Number.NaN, 4, Number.POSITIVE_INFINITY])
    expect(suvMax(x, Uint8Array.from([1, 0, 1, 1, 1]))).toBe(4)
    expect(suvMax(x, Uint8Array.from([0, 0, 1, 0, 0]))).toBeNaN()
  })
})

describe('SUVpeak', () => {
  it('averages 1 cm³: 6.2 mm around a voxel, the published 1.2 cm in diameter', () => {
    expect(PEAK_RADIUS_MM).toBeCloseTo(6.2035, 4)
    const { volumeMl } = suvPeak(
      image(() => 1),
      shape,
      everywhere,
      voxel,
    )
    expect(volumeMl).toBeGreaterThan(0.97)
    expect(volumeMl).toBeLessThan(1.03)
  })

  it('of one hot voxel is its value times its volume over that of the sphere', () => {
    const x = new Float32Array(15 ** 3)
    x[middle] = 100
    const { value } = suvPeak(x, shape, everywhere, voxel)
    expect(value).toBeGreaterThan((0.97 * 100 * 8) / 1000)
    expect(value).toBeLessThan((1.03 * 100 * 8) / 1000)
  })

  it('of a parabola is known: the top less the mean squared radius, 3/5 r²', () => {
    const top = 20
    const fall = 0.05 // per mm²
    const x = image((a, b, c) => top - fall * 4 * ((a - 7) ** 2 + (b - 7) ** 2 + (c - 7) ** 2))
    const { value, centre } = suvPeak(x, shape, everywhere, voxel)
    expect(centre).toBe(middle)
    // a voxel stands for its centre, which the sum over voxels takes instead of the integral
    expect(value).toBeCloseTo(top - fall * 0.6 * PEAK_RADIUS_MM ** 2, 1)
  })

  it('lies where the mean is highest, not where the hottest voxel is', () => {
    const x = image((a, b, c) => (a <= 6 && b > 3 && b < 11 && c > 3 && c < 11 ? 10 : 0))
    x[11 + 15 * (7 + 15 * 7)] = 50
    const { value, centre } = suvPeak(x, shape, everywhere, voxel)
    expect(value).toBeCloseTo(10, 5)
    expect(centre % 15).toBeLessThan(6)
    const { value: near } = suvPeak(
      x,
      shape,
      Uint8Array.from(x, (v) => (v === 50 ? 1 : 0)),
      voxel,
    )
    expect(near).toBeLessThan(1)
  })

  it('does not look beyond the image: where no sphere fits there is none', () => {
    const corner = Uint8Array.from({ length: 15 ** 3 }, (_, i) => (i === 0 ? 1 : 0))
    expect(
      suvPeak(
        image(() => 3),
        shape,
        corner,
        voxel,
      ),
    ).toMatchObject({ value: Number.NaN, centre: -1 })
  })

  it('is never above SUVmax nor below the lowest value, and goes with the gain', () => {
    fc.assert(
      fc.property(fc.integer(), fc.double({ min: 0.1, max: 50, noNaN: true }), (seed, gain) => {
        let state = seed | 1
        const x = Float32Array.from({ length: 15 ** 3 }, () => {
          state = (Math.imul(state, 1664525) + 1013904223) | 0
          return (state >>> 8) / 2 ** 22
        })
        const { value } = suvPeak(x, shape, everywhere, voxel)
        const scaled = suvPeak(
          x.map((v) => gain * v),
          shape,
          everywhere,
          voxel,
        ).value
        expect(value).toBeLessThanOrEqual(suvMax(x, everywhere))
        expect(value).toBeGreaterThanOrEqual(0)
        expect(Math.abs(scaled / (gain * value) - 1)).toBeLessThan(1e-5)
      }),
      { numRuns: 10 },
    )
  })
})
