import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { gaussianSmooth } from '../kernels/gaussian.ts'
import { random } from '../kernels/random.ts'
import { fisherRatio as ratioOf, tissueMoments } from './fisher-ratio.ts'

const fisherRatio = (x: Float32Array, labels: Uint8Array, a: number, b: number): number => {
  const moments = tissueMoments(x, labels)
  return ratioOf(moments[a]!, moments[b]!)
}

it('is (5 - 1)^2 / (1 + 1) = 8 for 0 0 2 2 against 4 4 6 6', () => {
  const labels = Uint8Array.of(1, 1, 1, 1, 2, 2, 2, 2, 0)
  const x = Float32Array.of(0, 0, 2, 2, 4, 4, 6, 6, 99)
  expect(fisherRatio(x, labels, 1, 2)).toBe(8)
  expect(fisherRatio(x, labels, 2, 1)).toBe(8)
})

it('does not depend on gain and offset, nor on voxels that are not finite', () => {
  const x = Float32Array.of(1, 2, 4, 8, 9, 13)
  const labels = Uint8Array.of(1, 1, 1, 2, 2, 2)
  const plain = fisherRatio(x, labels, 1, 2)
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: -99, max: 99 }), (gain, offset) => {
      const scaled = x.map((v) => gain * v + offset)
      expect(fisherRatio(scaled, labels, 1, 2)).toBeCloseTo(plain, 9)
    }),
  )
  const withHole = Float32Array.of(...x, Number.NaN)
  expect(fisherRatio(withHole, Uint8Array.of(...labels, 1), 1, 2)).toBe(plain)
})

it('is NaN for a tissue without voxels, or for tissues that do not vary', () => {
  expect(fisherRatio(Float32Array.of(1, 2), Uint8Array.of(1, 1), 1, 2)).toBeNaN()
  expect(fisherRatio(Float32Array.of(1, 2), Uint8Array.of(1, 2), 1, 2)).toBeNaN()
})

describe('two slabs, 100 and 200, with noise of SD 20', () => {
  const shape = [32, 32, 32] as const
  const rng = random(1, 'slabs')
  const labels = Uint8Array.from({ length: 32 ** 3 }, (_, i) => (i < 32 ** 3 / 2 ? 1 : 2))
  const truth = Float32Array.from(labels, (label) => 100 * label)
  const noisy = (sd: number): Float32Array => truth.map((v) => v + sd * rng.normal())

  it('is 100^2 / (2 sd^2), so it falls with noise', () => {
    expect(fisherRatio(noisy(20), labels, 1, 2) / 12.5).toBeCloseTo(1, 1)
    expect(fisherRatio(noisy(40), labels, 1, 2) / 3.125).toBeCloseTo(1, 1)
  })

  it('rises with smoothing', () => {
    const x = noisy(20)
    const smoothed = gaussianSmooth(x, shape, [0.7, 0.7, 0.7])
    expect(fisherRatio(smoothed, labels, 1, 2)).toBeGreaterThan(1.5 * fisherRatio(x, labels, 1, 2))
  })
})
