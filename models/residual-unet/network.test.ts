import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { random } from '../../src/kernels/random.ts'
import { oracleResidual, sampleUnetWeights } from '../../test/residual-unet-oracle.ts'
import { startEngine } from '../../training/engine/engine.ts'
import { residual, type Weights, weightShapes } from './network.ts'

let tf: Awaited<ReturnType<typeof startEngine>>['tf']
beforeAll(async () => {
  tf = (await startEngine('cpu', () => {})).tf
})

const [HEIGHT, WIDTH, CODE] = [16, 24, 4]
const draw = (length: number, seed: number, size = 1): Float32Array => {
  const rng = random(seed, 'values')
  return Float32Array.from({ length }, () => size * rng.normal())
}
const run = (
  values: Readonly<Record<string, Float32Array>>,
  slices: Float32Array,
  code: Float32Array,
  bound: number,
) =>
  tf.tidy(() => {
    const shapes = weightShapes(CODE)
    const weights: Weights = Object.fromEntries(
      Object.entries(shapes).map(([name, shape]) => [name, tf.tensor(values[name]!, [...shape])]),
    )
    const x = tf.tensor4d(slices, [1, HEIGHT, WIDTH, 3])
    return residual(tf, weights, x, tf.tensor2d(code, [1, CODE]), bound).dataSync() as Float32Array
  })

describe('the network of residual-unet', () => {
  it.each([1, 2])('computes what its definition says (seed %i)', (seed) => {
    const weights = sampleUnetWeights(CODE, seed)
    const slices = draw(HEIGHT * WIDTH * 3, seed)
    const code = draw(CODE, seed + 10)
    const found = run(weights, slices, code, 0.3)
    const expected = oracleResidual(weights, slices, [HEIGHT, WIDTH], code, 0.3)
    expect(Math.max(...expected) - Math.min(...expected)).toBeGreaterThan(0.05)
    expect(Math.max(...found.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(3e-6)
  })

  it('never adds more than its bound, whatever the weights', () => {
    fc.assert(
      fc.property(fc.integer(), fc.double({ min: 0.1, max: 3, noNaN: true }), (seed, size) => {
        const weights = Object.fromEntries(
          Object.entries(sampleUnetWeights(CODE, seed)).map(([name, values]) => [
            name,
            values.map((v) => v * size),
          ]),
        )
        const found = run(weights, draw(HEIGHT * WIDTH * 3, seed, 5), draw(CODE, seed), 0.25)
        expect(Math.max(...found.map(Math.abs))).toBeLessThanOrEqual(0.25 * (1 + 1e-6))
      }),
      { numRuns: 8 },
    )
  })

  it('leaves almost nothing of what changes from pixel to pixel: of noise it can take or make 4 % of the SD at most', () => {
    // a residual that alternates with the largest possible size, before the band limit
    const band = [-3, -2, -1, 0, 1, 2, 3].map((d) => Math.exp((-d * d) / 2))
    const total = band.reduce((sum, weight) => sum + weight, 0)
    const passed = band.reduce((sum, weight, k) => sum + (weight / total) * (k % 2 === 0 ? 1 : -1), 0)
    expect(Math.abs(passed)).toBeLessThan(0.02)
    // white noise keeps this share of its variance: the square of the sum of squared weights
    const variance = band.reduce((sum, weight) => sum + (weight / total) ** 2, 0) ** 2
    // taking away all that passes leaves 1 - 2 share + share of what passes twice, at least
    expect(variance).toBeLessThan(0.081)
    expect(1 - Math.sqrt(1 - variance)).toBeLessThan(0.042)
  })
})
