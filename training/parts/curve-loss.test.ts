import { existsSync } from 'node:fs'
import type * as TensorFlow from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { type WeightName, type Weights, weightShapes } from '../../models/local-tone/network.ts'
import { random } from '../../src/kernels/random.ts'
import { curveAt, latticePair } from '../../test/lattice-pair.ts'
import { sampleModel } from '../../test/local-tone-oracle.ts'
import { type Engine, type EngineName, startEngine } from '../engine/engine.ts'
import { nativeFolder } from '../engine/native-folder.ts'
import { constants, curveLoss, type LossWeights } from './curve-loss.ts'
import { featureCount } from './features.ts'
import { drawSample, type Look, type Sample } from './samples.ts'

const model = sampleModel(5, ['a', 't'])
const tone = model.tones['a']!
const STILL = { shading: 0, shiftMm: 0, mirror: 0, gain: 0, composition: 0 }
const draw = (target: (u: number, r: number) => number): Sample =>
  drawSample(latticePair(target), 0, model, STILL, random(1, 'loss'))
/** Related by the global tone of its domain, and by nothing else. */
const byTone = draw((u) => model.referenceScale * curveAt(model.knots, tone, u))
/** The left half as the tone has it, the right half brighter. */
const shaded = draw((u, r) => model.referenceScale * curveAt(model.knots, tone, u) * (r < 48 ? 1 : 1.2))

const PLAIN: LossWeights = { ...model.bounds, gradient: 2, smoothness: 0, gainPrior: 0 }

let tf: Engine['tf']
beforeAll(async () => {
  tf = (await startEngine('wasm', () => {})).tf
})

/** As training starts: random convolutions, and nothing that they lead to. */
function startingWeights(size = 0): Weights {
  const shapes = weightShapes(featureCount(model.knots.length, 2), 5, 2)
  const rng = random(1, 'loss weights')
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const sd = name.startsWith('conv') && name.endsWith('kernel') ? 0.1 : size
      const count = shape.reduce((product, n) => product * n, 1)
      const values = Float32Array.from({ length: count }, () => sd * rng.normal())
      return [name, tf.variable(tf.tensor(values, [...shape]))]
    }),
  ) as Record<WeightName, TensorFlow.Variable>
}

interface Found {
  readonly loss: number
  /** By weight; `gains` among them. */
  readonly gradients: Readonly<Record<string, Float32Array>>
}

async function lossOf(
  samples: readonly Sample[],
  settings: Partial<LossWeights> = {},
  { logGains = [0], weightSize = 0 } = {},
): Promise<Found> {
  const weights = startingWeights(weightSize)
  const gains = tf.variable(tf.tensor1d(logGains))
  const fixed = constants(tf, model)
  const { value, grads } = tf.variableGrads(() =>
    curveLoss(tf, weights, gains, samples, (sample) => samples.indexOf(sample), fixed, {
      ...PLAIN,
      ...settings,
    }),
  )
  const gradients: Record<string, Float32Array> = {}
  for (const [name, variable] of Object.entries({ ...weights, gains }))
    gradients[name] = (await grads[variable.name]!.data()) as Float32Array
  const loss = (await value.data())[0]!
  tf.dispose([value, grads, ...Object.values(weights), gains, fixed.tones, ...fixed.hats])
  return { loss, gradients }
}

/** Weighted mean of f over the points of a look. */
function mean({ weight }: Look, f: (point: number) => number): number {
  let [sum, count] = [0, 0]
  for (const [point, w] of weight.entries()) {
    sum += w === 0 ? 0 : f(point)
    count += w
  }
  return sum / count
}

describe('the loss', () => {
  it('is 0 where the pair is related by the global tone, and the curves start as it', async () => {
    const { loss } = await lossOf([byTone], { smoothness: 1, gainPrior: 1 })
    expect(loss).toBeGreaterThanOrEqual(0)
    expect(loss).toBeLessThan(1e-5)
  })

  it('is positive otherwise, and its gradient is finite at the start and not 0', async () => {
    const { loss, gradients } = await lossOf([shaded])
    expect(loss).toBeGreaterThan(0.01)
    for (const gradient of Object.values(gradients)) expect(gradient.every(Number.isFinite)).toBe(true)
    expect(gradients['place']!.some((g) => g !== 0)).toBe(true)
    expect(gradients['head/kernel']!.some((g) => g !== 0)).toBe(true)
  })

  it('has a finite gradient on a perfect pair, where all curves are equal', async () => {
    const { gradients } = await lossOf([byTone], { smoothness: 1, gainPrior: 1 })
    for (const gradient of Object.values(gradients)) expect(gradient.every(Number.isFinite)).toBe(true)
  })

  it('has a finite gradient where both bounds hold the curves back', async () => {
    const { gradients } = await lossOf([shaded], { smoothness: 1 }, { weightSize: 3 })
    for (const gradient of Object.values(gradients)) expect(gradient.every(Number.isFinite)).toBe(true)
  })

  it('of a wrong gain is what that gain makes of the goal, of its differences, and the prior', async () => {
    const log = 0.2
    const by = Math.exp(log) - 1
    const [here, next] = byTone.looks
    const both = { ...here, weight: here.weight.map((w, point) => w * next.weight[point]!) }
    const ofPlaces = by * mean(here, (point) => here.goal[point]!)
    const ofChange = by * mean(both, (point) => Math.abs(next.goal[point]! - here.goal[point]!))
    const { loss, gradients } = await lossOf([byTone], { gainPrior: 0.3 }, { logGains: [log] })
    expect(loss).toBeCloseTo(ofPlaces + PLAIN.gradient * ofChange + 0.3 * log ** 2, 4)
    const slope = ((ofPlaces + PLAIN.gradient * ofChange) / by) * Math.exp(log) + 2 * 0.3 * log
    expect(gradients['gains']![0]! / slope).toBeCloseTo(1, 3)
  })

  it('is the mean over the samples, each with the gain of its own target scan', async () => {
    const settings = { gainPrior: 0 }
    const alone = await lossOf([byTone], settings, { logGains: [0.1] })
    const other = await lossOf([shaded], settings, { logGains: [-0.1] })
    const both = await lossOf([byTone, shaded], settings, { logGains: [0.1, -0.1] })
    expect(both.loss).toBeCloseTo((alone.loss + other.loss) / 2, 5)
    expect(both.gradients['gains']![1]!).toBeCloseTo(other.gradients['gains']![0]! / 2, 4)
  })

  it('counts roughness in proportion, none where all curves are equal', async () => {
    const at = async (smoothness: number, weightSize: number) =>
      (await lossOf([byTone], { smoothness }, { weightSize })).loss
    expect(await at(5, 0)).toBeCloseTo(await at(0, 0), 6)
    const [none, one, five] = [await at(0, 0.3), await at(1, 0.3), await at(5, 0.3)]
    expect(one).toBeGreaterThan(none)
    expect((five - none) / (one - none)).toBeCloseTo(5, 1)
  })

  it('descends along its gradient', async () => {
    const start = await lossOf([shaded])
    const weights = startingWeights()
    const gains = tf.variable(tf.tensor1d([0]))
    const fixed = constants(tf, model)
    const gradient = start.gradients['place']!
    const largest = gradient.reduce((most, g) => Math.max(most, Math.abs(g)), 0)
    weights.place.assign(
      tf.tensor(
        gradient.map((g) => (-0.05 * g) / largest),
        weights.place.shape,
      ),
    )
    const moved = curveLoss(tf, weights, gains, [shaded], () => 0, fixed, PLAIN)
    expect((await moved.data())[0]!).toBeLessThan(start.loss)
    tf.dispose([moved, ...Object.values(weights), gains, fixed.tones, ...fixed.hats])
  })
})

const withNative = existsSync(nativeFolder())
if (!withNative) process.stdout.write('native engine is not installed: its tests are skipped\n')

it.skipIf(!withNative)('has on native the value and gradient that it has on wasm', async () => {
  const found = async (name: EngineName): Promise<Found> => {
    await startEngine(name, () => {})
    return lossOf([shaded], { smoothness: 0.1, gainPrior: 0.3 }, { logGains: [0.1], weightSize: 0.1 })
  }
  const there = await found('native')
  const here = await found('wasm')
  expect(there.loss).toBeCloseTo(here.loss, 5)
  for (const [name, gradient] of Object.entries(here.gradients)) {
    const largest = gradient.reduce((most, g) => Math.max(most, Math.abs(g)), 0)
    const apart = gradient.reduce((most, g, i) => Math.max(most, Math.abs(g - there.gradients[name]![i]!)), 0)
    expect(largest).toBeGreaterThan(0)
    expect(apart / largest).toBeLessThan(2e-3)
  }
})
