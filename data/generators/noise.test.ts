import { expect, it } from 'vitest'
import { random } from '../../src/kernels/random.ts'
import { gFactorMap, noisyMagnitude } from './noise.ts'

const shape = [40, 40, 40] as const
const grid = { shape, affine: [2, 0, 0, -39, 0, 2, 0, -39, 0, 0, 2, -39, 0, 0, 0, 1] }
const even = (value: number): Float32Array => new Float32Array(40 ** 3).fill(value)
const mean = (x: Float32Array): number => x.reduce((sum, v) => sum + v, 0) / x.length
const meanSquare = (x: Float32Array): number => x.reduce((sum, v) => sum + v * v, 0) / x.length

/** Gamma(n + 1/2) / Gamma(n). */
const gammaRatio = (n: number): number => {
  let ratio = Math.sqrt(Math.PI) / 2
  for (let k = 1; k < n; k++) ratio *= (k + 0.5) / k
  return ratio
}
/** 1F1(a; b; -x) by Kummer: exp(-x) 1F1(b - a; b; x), whose terms are all positive. */
function confluent(a: number, b: number, x: number): number {
  let term = 1
  let sum = 1
  for (let k = 0; k < 400; k++) {
    term *= ((b - a + k) * x) / ((b + k) * (k + 1))
    sum += term
  }
  return Math.exp(-x) * sum
}

it.each([1, 4, 8])('%i channels: mean and mean square of the non-central chi distribution', (channels) => {
  for (const amplitude of [0, 3, 12]) {
    const x = noisyMagnitude(even(amplitude), grid, 2, { channels, gFactor: 1 }, undefined, random(channels))
    // 1F1 form of sd sqrt(pi / 2) times the generalised Laguerre function of order 1/2
    const expected =
      2 * Math.SQRT2 * gammaRatio(channels) * confluent(-0.5, channels, amplitude ** 2 / (2 * 2 ** 2))
    expect(mean(x) / expected).toBeCloseTo(1, 2)
    expect(meanSquare(x) / (amplitude ** 2 + 2 * channels * 2 ** 2)).toBeCloseTo(1, 1.7)
  }
})
it('the g-factor is largest at the isocentre and multiplies the noise there', () => {
  const map = gFactorMap(grid, 3)
  const centre = (20 * 40 + 20) * 40 + 20
  expect(map[centre]).toBeCloseTo(3, 1)
  expect(map[0]).toBeLessThan(map[centre]!)
  let [found, expected] = [0, 0]
  for (const seed of [1, 2, 3, 4]) {
    const noise = noisyMagnitude(even(1000), grid, 2, { channels: 1, gFactor: 3 }, undefined, random(seed))
    for (let v = 0; v < noise.length; v++) {
      found += (noise[v]! - 1000) ** 2
      expected += (2 * map[v]!) ** 2
    }
  }
  expect(found / expected).toBeCloseTo(1, 1.5)
})
it('windowed sampling correlates noise between neighbours and keeps the stated SD', () => {
  const kSpace = { acquiredMm: [4, 4, 4], window: 'hann' } as const
  const x = noisyMagnitude(even(1000), grid, 2, { channels: 1, gFactor: 1 }, kSpace, random(4))
  const centred = x.map((v) => v - 1000)
  expect(Math.sqrt(meanSquare(centred)) / 2).toBeCloseTo(1, 1)
  let along = 0
  for (let v = 1; v < x.length; v++) along += centred[v]! * centred[v - 1]!
  expect(along / x.length / meanSquare(centred)).toBeGreaterThan(0.6)
})
