import type { Tensor3D } from '@tensorflow/tfjs-core'
import fc from 'fast-check'
import { beforeAll, expect, it } from 'vitest'
import { CELL_MM, CELLS } from '../../src/inference/curves.ts'
import type { LocalToneModel, LocalToneWeights } from '../../src/inference/local-tone-model.ts'
import { openSession } from '../../src/inference/session.ts'
import {
  oracleCurveAt,
  oracleFeatures,
  oracleScale,
  sampleLatticeImage,
  sampleModel,
  sampleWeights,
} from '../../test/local-tone-oracle.ts'
import { type Engine, startEngine } from '../../training/engine/engine.ts'
import { COARSE, coarseFeatures, featureCount, imageScale } from '../../training/parts/features.ts'
import { namedWeights } from '../../training/parts/local-tone-steps.ts'
import { exportLocalTone } from '../../training/parts/onnx-local-tone.ts'
import * as network from './network.ts'

let tf: Engine['tf']
beforeAll(async () => {
  tf = (await startEngine('wasm', () => {})).tf
})

const model = sampleModel(6)
const bins = 6
const lattice = sampleLatticeImage(4)
for (let i = 5; i < lattice.image.length; i += 997) lattice.image[i] = Number.NaN
const scale = imageScale(lattice.image, lattice.mask)
const u = lattice.image.map((value) => value / scale)

function featuresOf(domain: number): Float32Array {
  return coarseFeatures(u, lattice.mask, model.knots, domain, model.domains.length)
}

/** The trainer's tensors for exported weights. */
function tensorsOf(exported: LocalToneWeights): network.Weights {
  const shapes = network.weightShapes(
    featureCount(model.knots.length, model.domains.length),
    bins,
    model.domains.length,
  )
  const entries = Object.entries(namedWeights(exported)).map(([name, data]) => {
    const shape = shapes[name as network.WeightName]
    return [name, tf.tensor(data, [...shape])]
  })
  return Object.fromEntries(entries) as unknown as network.Weights
}

/** Curves of the cells at the knots, [8, 10, 8, K + 1], by the trainer's network. */
function trainerCurves(
  exported: LocalToneWeights,
  domain: number,
  { tones, domains, bounds }: LocalToneModel = model,
): Float32Array {
  const tone = tones[domains[domain]!]!
  const increments = tf.tidy(() => {
    const data = featuresOf(domain)
    const features = tf.tensor4d(data, [...COARSE, data.length / (COARSE[0] * COARSE[1] * COARSE[2])])
    const global = tf.tensor2d([tone.slice(1).map((value, k) => value - tone[k]!)])
    return network
      .curveIncrements(tf, tensorsOf(exported), features, global, [domain], bounds)
      .dataSync() as Float32Array
  })
  return Float32Array.from({ length: 640 * (bins + 1) }, (_, i) => {
    const from = Math.floor(i / (bins + 1)) * bins
    return increments.subarray(from, from + (i % (bins + 1))).reduce((sum, x) => sum + x, 0)
  })
}

it('lays its cells where inference looks for them', () => {
  expect([...network.CELLS]).toEqual([...CELLS])
  expect(network.CELL_MM).toBe(CELL_MM)
})

it('sees the mean in the mask and the local histograms of the specification, NaN counted nowhere', () => {
  expect(scale / oracleScale(lattice.image, lattice.mask)).toBeCloseTo(1, 6)
  const found = featuresOf(1)
  const { channels, at } = oracleFeatures(lattice.image, lattice.mask, model, 'b')
  expect(found.length).toBe(COARSE[0] * COARSE[1] * COARSE[2] * channels)
  let worst = 0
  for (let r = 0, i = 0; r < COARSE[0]; r++)
    for (let a = 0; a < COARSE[1]; a++)
      for (let s = 0; s < COARSE[2]; s++)
        for (let c = 0; c < channels; c++, i++) worst = Math.max(worst, Math.abs(found[i]! - at(r, a, s, c)))
  expect(worst).toBeLessThan(1e-5)
})

it.each([0.01, 10])('gives the curves that the exported graph gives, at most %d per mm', async (perMm) => {
  const bounded = { ...model, bounds: { ...model.bounds, perMm } }
  const weights = sampleWeights(model, 8)
  const session = await openSession(exportLocalTone(bounded, weights).curves, { threads: 1, name: 'curves' })
  const dims = [1, 1, 96, 120, 96]
  const { curves } = await session.run({
    image: { data: lattice.image, dims },
    mask: { data: lattice.mask, dims },
    domain: { data: BigInt64Array.of(2n), dims: [] },
  })
  await session.close()
  const trained = trainerCurves(weights, 2, bounded)
  const tissue = u.filter((value, i) => lattice.mask[i] === 1 && !Number.isNaN(value)).sort()
  const output = (share: number): number =>
    oracleCurveAt(trained, model.knots, [96, 120, 96], tissue[Math.floor(share * tissue.length)]!)
  const robustRange = output(0.99) - output(0.01)
  let worst = 0
  for (let i = 0; i < trained.length; i++) worst = Math.max(worst, Math.abs(trained[i]! - curves![i]!))
  expect(worst).toBeLessThan(1e-4 * robustRange)
})

it('gives a batch what it gives each of its images', () => {
  const [first, second] = [featuresOf(1), featuresOf(2).map((value) => 0.8 * value)]
  const weights = tensorsOf(sampleWeights(model, 5, 0.5))
  const tones = [model.tones['b']!, model.tones['c']!].map((tone) =>
    tone.slice(1).map((value, k) => value - tone[k]!),
  )
  const increments = (images: readonly Float32Array[], from: number): Float32Array =>
    tf.tidy(() => {
      const channels = first.length / (COARSE[0] * COARSE[1] * COARSE[2])
      const shape = [images.length * COARSE[0], COARSE[1], COARSE[2], channels] as const
      const features = tf.tensor4d(
        images.flatMap((image) => [...image]),
        [...shape],
      )
      const chosen = images.map((_, i) => from + i)
      const global = tf.tensor2d(chosen.map((i) => tones[i]!))
      const domains = chosen.map((i) => i + 1)
      const { slopeRatio, perMm } = model.bounds
      const bounds = { slopeRatio, perMm: 0.3 * perMm } // so tight that both images are held back
      return network
        .curveIncrements(tf, weights, features, global, domains, bounds)
        .dataSync() as Float32Array
    })
  const together = increments([first, second], 0)
  const alone = [...increments([first], 0), ...increments([second], 1)]
  expect(together.length).toBe(alone.length)
  const half = alone.length / 2
  expect(together.slice(0, half)).not.toEqual(together.slice(half))
  for (const [i, value] of alone.entries()) expect(Math.abs(together[i]! - value)).toBeLessThan(1e-5)
})

const coordinate = fc.double({ min: -20, max: 260, noNaN: true })
const place = fc.tuple(coordinate, coordinate, coordinate)

it('keeps both bounds for any weights, at any place, direction and intensity', () => {
  fc.assert(
    fc.property(
      fc.record({
        seed: fc.integer(),
        exponent: fc.double({ min: -1, max: 3, noNaN: true }),
        domain: fc.integer({ min: 0, max: 2 }),
      }),
      fc.array(fc.tuple(place, place), { minLength: 40, maxLength: 40 }),
      ({ seed, exponent, domain }, places) => {
        const curves = trainerCurves(sampleWeights(model, seed, 10 ** exponent), domain)
        const at = (point: readonly number[], value: number): number =>
          oracleCurveAt(curves, model.knots, point, value)
        const { knots } = model
        const tone = model.tones[model.domains[domain]!]!
        const values = [-1, ...knots, 4]
        for (const [point, towards] of places) {
          const length = Math.hypot(...towards.map((mm, axis) => mm - point[axis]!)) || 1
          const oneMmOn = point.map((mm, axis) => mm + (towards[axis]! - mm) / length)
          for (const [k, high] of values.entries()) {
            expect(Math.abs(at(oneMmOn, high) - at(point, high))).toBeLessThan(0.01 * (1 + 1e-4))
            if (k === 0) continue
            const bin = Math.min(Math.max(k - 2, 0), bins - 1)
            const globalSlope = (tone[bin + 1]! - tone[bin]!) / (knots[bin + 1]! - knots[bin]!)
            const low = values[k - 1]!
            const ratio = (at(point, high) - at(point, low)) / (high - low) / globalSlope
            expect(ratio).toBeGreaterThan(1 / 4 - 1e-4)
            expect(ratio).toBeLessThan(4 + 1e-4)
          }
        }
      },
    ),
    { numRuns: 5 },
  )
})

it('reads increments between cells as the specification does', () => {
  const curves = trainerCurves(sampleWeights(model, 3), 0)
  const increments = Array.from({ length: 640 * bins }, (_, i) => {
    const at = Math.floor(i / bins) * (bins + 1) + (i % bins)
    return curves[at + 1]! - curves[at]!
  })
  const mm = [
    [3, 100, 191],
    [0, 30, 110, 239],
    [50, 77],
  ]
  const hats = mm.map((points, axis) => {
    const cells = network.CELLS[axis]!
    const position = (x: number): number => Math.min(Math.max(x / network.CELL_MM - 0.5, 0), cells - 1)
    const rows = points.map((x) =>
      Array.from({ length: cells }, (_, cell) => Math.max(0, 1 - Math.abs(position(x) - cell))),
    )
    return tf.tensor3d([rows])
  }) as [Tensor3D, Tensor3D, Tensor3D]
  const found = network.interpolate(tf, tf.tensor3d(increments, [1, 640, bins]), hats).dataSync()
  const [alongR, alongA, alongS] = mm as [number[], number[], number[]]
  const points = alongS.flatMap((s) => alongA.flatMap((a) => alongR.map((r) => [r, a, s])))
  const expected = points.flatMap((point) =>
    model.knots
      .map((knot) => oracleCurveAt(curves, model.knots, point, knot))
      .flatMap((value, k, all) => (k === 0 ? [] : [value - all[k - 1]!])),
  )
  expect(found.length).toBe(expected.length)
  for (const [i, value] of expected.entries()) expect(found[i]).toBeCloseTo(value, 5)
})
