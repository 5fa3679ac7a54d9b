import { expect, it } from 'vitest'
import { openSession } from '../../src/inference/session.ts'
import { random } from '../../src/kernels/random.ts'
import { oracleEvenBlocks, sampleTone } from '../../test/even-blocks-oracle.ts'
import { sampleModel, sampleWeights } from '../../test/local-tone-oracle.ts'
import { EVEN_FEATURES, evenBlockFeatures } from './even-blocks.ts'
import { exportPasses } from './onnx-local-tone.ts'
import { toneCurve } from './tone-curve.ts'
import { unlikeness } from './unlikeness.ts'

const [R, A, S] = [96, 120, 96]

/** An ellipsoid of a few tissues in balls, with noise, some of it not a number. */
function lattice(
  radius: number,
  seed: number,
): { readonly image: Float32Array; readonly mask: Float32Array } {
  const rng = random(seed, 'even blocks')
  const image = new Float32Array(R * A * S)
  const mask = new Float32Array(R * A * S)
  const tissues = [200, 550, 1000, 1300]
  for (let r = 0, i = 0; r < R; r++)
    for (let a = 0; a < A; a++)
      for (let s = 0; s < S; s++, i++) {
        const [x, y, z] = [r - R / 2, (a - A / 2) / 1.2, s - S / 2]
        if (x * x + y * y + z * z < radius * radius) mask[i] = 1
        const tissue = tissues[(Math.floor(r / 11) + Math.floor(a / 13) + Math.floor(s / 17)) % 4]!
        image[i] = rng.uniform() < 0.002 ? Number.NaN : tissue + 40 * rng.normal()
      }
  return { image, mask }
}

/** Smaller than this no block is deep at every depth. */
it.each([42, 20, 8])('even blocks are those of the definition, radius %i points', (radius) => {
  const { image, mask } = lattice(radius, radius)
  const u = image.map((value) => value / 1000)
  const found = evenBlockFeatures(u, mask)
  const expected = oracleEvenBlocks(u, mask)
  expect(found.length).toBe(EVEN_FEATURES)
  expect(expected.length).toBe(EVEN_FEATURES)
  // a block whose SD is that of the limit counts or not by the last digit: one of a thousand
  for (const [k, value] of found.entries()) expect(Math.abs(value - expected[k]!)).toBeLessThan(1e-3)
})

it.each([42, 8])('the graph reads the same curve for every place, radius %i points', async (radius) => {
  const tone = sampleTone(3)
  const local = sampleModel(4, ['*'])
  const { curves } = exportPasses([{ model: local, weights: sampleWeights(local, 1) }], tone)
  expect(curves).toHaveLength(2)
  const { image, mask } = lattice(radius, 5)
  const session = await openSession(curves[1]!, { threads: 1, name: 'tone' })
  const dims = [1, 1, R, A, S]
  const out = await session.run({
    image: { data: image, dims },
    mask: { data: mask, dims },
    domain: { data: BigInt64Array.of(0n), dims: [] },
  })
  await session.close()
  const features = Float32Array.from(
    oracleEvenBlocks(
      image.map((x) => x / 1000),
      mask,
    ),
  )
  const expected = toneCurve(tone, features)
  expect(out['unlikeness']![0]! / unlikeness(features, tone.likeness)).toBeCloseTo(1, 2)
  expect(out['scale']).toEqual(Float32Array.of(1000))
  expect(out['curves']!.length).toBe(8 * 10 * 8 * 5)
  for (const [i, value] of out['curves']!.entries()) expect(value).toBeCloseTo(expected[i % 5]!, 3)
  expect(Math.max(...expected.map((value, k) => Math.abs(value - tone.model.knots[k]!)))).toBeGreaterThan(
    0.05,
  )
})

it('its slopes stay within the bound for any weights', () => {
  for (const size of [0.1, 10, 1000]) {
    const { model, weights } = sampleTone(size)
    const out = { ...weights.out, kernel: weights.out.kernel.map((weight) => size * weight) }
    const features = Float32Array.from({ length: EVEN_FEATURES }, (_, k) => Math.sin(k))
    const curve = toneCurve({ model, weights: { ...weights, out } }, features)
    for (let k = 1; k < curve.length; k++) {
      const slope = (curve[k]! - curve[k - 1]!) / (model.knots[k]! - model.knots[k - 1]!)
      expect(slope).toBeGreaterThan(0.25 - 1e-5)
      expect(slope).toBeLessThan(4 + 1e-4)
    }
  }
})
