import { expect, it } from 'vitest'
import { openSession } from '../../src/inference/session.ts'
import { random } from '../../src/kernels/random.ts'
import { oracleResidual, sampleUnetWeights } from '../../test/residual-unet-oracle.ts'
import { exportResidualUnet } from './onnx-residual-unet.ts'

const [HEIGHT, WIDTH, CODE, SCALE] = [16, 24, 3, 500]
const tone = { kind: 'tone', referenceScale: SCALE, knots: [0, 1], tones: { a: [0, 1] } } as const
const model = { kind: 'residual-unet', stage: tone, bound: 100, code: ['a', 'b', 'c'] } as const
const standard = { mean: [1, -2, 0.5], sd: [0.5, 2, 0.1] }

it('computes what the definition says: raw code and reference units in, reference units out', async () => {
  const weights = sampleUnetWeights(CODE, 3)
  const rng = random(4, 'slices')
  const slices = Float32Array.from({ length: 2 * 3 * HEIGHT * WIDTH }, () => SCALE * rng.between(0, 1.5))
  // the last field lies 7 SD from the mean: it counts as 3
  const code = Float32Array.of(1.25, -1, 1.2)
  const session = await openSession(exportResidualUnet({ model, weights, standard, referenceScale: SCALE }), {
    threads: 1,
    name: 'test',
  })
  const { residual } = await session.run({
    slices: { data: slices, dims: [2, 3, HEIGHT, WIDTH] },
    code: { data: code, dims: [1, CODE] },
  })
  await session.close()
  // a ten-thousandth of the bound: single precision, in an order that differs from processor to processor
  const tolerance = 1e-4 * model.bound
  for (const n of [0, 1]) {
    const channelsLast = Float32Array.from({ length: 3 * HEIGHT * WIDTH }, (_, i) => {
      const [pixel, channel] = [Math.floor(i / 3), i % 3]
      return slices[(n * 3 + channel) * HEIGHT * WIDTH + pixel]! / SCALE
    })
    const expected = oracleResidual(
      weights,
      channelsLast,
      [HEIGHT, WIDTH],
      Float32Array.of(0.5, 0.5, 3),
      100 / SCALE,
    )
    const found = residual!.subarray(n * HEIGHT * WIDTH, (n + 1) * HEIGHT * WIDTH)
    expect(Math.max(...found.map(Math.abs))).toBeGreaterThan(10)
    expect(Math.max(...found.map((value, i) => Math.abs(value - SCALE * expected[i]!)))).toBeLessThan(
      tolerance,
    )
  }
})

it('gives the mean of each channel of the deepest level: of its bias alone, where all else is 0', async () => {
  const sampled = sampleUnetWeights(CODE, 3)
  const bias = Float32Array.from({ length: 128 }, (_, c) => (c - 40) / 10)
  const weights = {
    ...Object.fromEntries(Object.entries(sampled).map(([name, values]) => [name, values.map(() => 0)])),
    'down3/bias2': bias,
  }
  const session = await openSession(exportResidualUnet({ model, weights, standard, referenceScale: SCALE }), {
    threads: 1,
    name: 'test',
  })
  const { features } = await session.run({
    slices: { data: new Float32Array(2 * 3 * HEIGHT * WIDTH).fill(SCALE), dims: [2, 3, HEIGHT, WIDTH] },
    code: { data: new Float32Array(CODE), dims: [1, CODE] },
  })
  await session.close()
  const leaky = Float32Array.from(bias, (value) => (value < 0 ? 0.1 * value : value))
  expect(features?.length).toBe(2 * 128)
  for (const n of [0, 1])
    for (const [c, value] of leaky.entries()) expect(features?.[n * 128 + c]).toBeCloseTo(value, 5)
})

it('writes the same bytes for the same parts', () => {
  const parts = { model, weights: sampleUnetWeights(CODE, 1), standard, referenceScale: SCALE }
  expect(Buffer.compare(exportResidualUnet(parts), exportResidualUnet(parts))).toBe(0)
})
