import { beforeAll, expect, it } from 'vitest'
import { evaluateCurve } from '../../src/kernels/monotone.ts'
import { random } from '../../src/kernels/random.ts'
import { startEngine } from '../engine/engine.ts'
import { EVEN_FEATURES } from './even-blocks.ts'
import { toneCurve } from './tone-curve.ts'
import { BINS, DECILES, type ToneExample } from './tone-examples.ts'
import { trainTone } from './tone-steps.ts'

const SETTINGS = {
  ...{ seed: 1, steps: 400, batch: 8, learningRate: 0.01, hidden: 8, noise: 0.1, slopeRatio: 4 },
}

/** The truth of an image is one of two powers of it; which of them one feature tells, among others that tell nothing. */
function exampleOf(index: number): ToneExample & { readonly exponent: number } {
  const rng = random(index, 'example')
  const exponent = index % 2 === 0 ? 0.8 : 1.5
  const features = Float32Array.from({ length: EVEN_FEATURES }, (_, f) => (f < 10 ? 0.1 * rng.normal() : 0))
  features[7] = exponent
  const table = new Float32Array(2 * BINS * (2 + DECILES))
  for (let at = 0; at < 2 * BINS; at++) {
    const mean = ((at % BINS) + 0.5) / BINS + 0.1
    table.set(
      [1 / BINS, mean, ...Array.from({ length: DECILES }, () => mean ** exponent)],
      at * (2 + DECILES),
    )
  }
  return { features, table, box: { values: new Float32Array(1), mask: new Uint8Array(1) }, ml: 1, exponent }
}

const examples = Array.from({ length: 200 }, (_, index) => exampleOf(index))
let trained: Awaited<ReturnType<typeof trainTone>>
beforeAll(async () => {
  trained = await trainTone(await startEngine('wasm', () => {}), examples, SETTINGS, 1000, {}, {})
}, 60_000)

it('learns which curve belongs to what it reads, and reads it from examples that it has not seen', () => {
  for (const index of [100, 101]) {
    const { features, exponent } = exampleOf(index)
    const curve = toneCurve(trained, features)
    for (const value of [0.3, 0.5, 0.8, 1])
      expect(
        Math.abs(evaluateCurve({ knots: trained.model.knots, values: curve }, value) - value ** exponent),
      ).toBeLessThan(0.04)
  }
})

it('says what its curves are: one for all places, in units of the canonical level', () => {
  const { model, loss } = trained
  expect(model).toMatchObject({ referenceScale: 1000, domains: ['*'], bounds: { slopeRatio: 4, perMm: 0 } })
  expect(loss.at(-1)!.loss).toBeLessThan(loss[0]!.loss / 2)
})

it('takes the same steps again', async () => {
  const few = { ...SETTINGS, steps: 20 }
  const engine = await startEngine('wasm', () => {})
  const [one, other] = [
    await trainTone(engine, examples, few, 1000, {}, {}),
    await trainTone(engine, examples, few, 1000, {}, {}),
  ]
  expect(other.weights).toEqual(one.weights)
})
