import * as tf from '@tensorflow/tfjs-core'
import { describe, expect, it } from 'vitest'
import { BAND_KERNELS, bandResidual } from '../../models/band-unet/network.ts'
import { MARGIN } from '../../src/inference/band-unet.ts'
import { openSession } from '../../src/inference/session.ts'
import { random } from '../../src/kernels/random.ts'
import { oracleBandResidual, sampleBandUnet } from '../../test/band-unet-oracle.ts'
import { startEngine } from '../engine/engine.ts'
import { exportBandUnet } from './onnx-band-unet.ts'

const [HEIGHT, WIDTH] = [24, 32]
const CODE = Float32Array.of(0.5, -1)

describe.each([
  ['HU', -1000, 900],
  ['SUVbw', -0.5, 12],
] as const)('in %s', (unit, low, high) => {
  const parts = sampleBandUnet(unit, 3)
  const limits = { scale: parts.scale, window: parts.model.window, most: parts.model.most }
  const rng = random(4, 'slices')
  const slices = Float32Array.from({ length: HEIGHT * WIDTH * 3 }, () => rng.between(low, high))
  const expected = oracleBandResidual(parts.weights, slices, [HEIGHT, WIDTH], CODE, limits)
  const far = (found: ArrayLike<number>): number =>
    expected.reduce((most, value, i) => Math.max(most, Math.abs(value - found[i]!)), 0) / (high - low)

  it('the graph computes what the definition says', async () => {
    const session = await openSession(exportBandUnet(parts), { threads: 1, name: 'test' })
    const channels = Float32Array.from(
      { length: slices.length },
      (_, i) => slices[(i % (HEIGHT * WIDTH)) * 3 + Math.floor(i / (HEIGHT * WIDTH))]!,
    )
    const { residual } = await session.run({
      slices: { data: channels, dims: [1, 3, HEIGHT, WIDTH] },
      code: { data: CODE, dims: [1, 2] },
    })
    await session.close()
    expect(Math.max(...expected.map(Math.abs))).toBeGreaterThan(0.02 * (high - low))
    expect(far(residual!)).toBeLessThan(1e-5)
  })

  it('so does the network that is trained', async () => {
    await startEngine('cpu', () => {})
    const shapes = Object.fromEntries(Object.entries(parts.weights))
    const { bandWeightShapes } = await import('../../models/band-unet/network.ts')
    const weights = Object.fromEntries(
      Object.entries(bandWeightShapes(2)).map(([name, shape]) => [
        name,
        tf.tensor(shapes[name]!, [...shape]),
      ]),
    )
    const found = bandResidual(
      tf,
      weights,
      tf.tensor4d(slices, [1, HEIGHT, WIDTH, 3]),
      tf.tensor2d([[...CODE]]),
      limits,
    )
    expect(far(found.dataSync())).toBeLessThan(1e-5)
  })
})

it('writes the same bytes for the same parts', () => {
  const parts = sampleBandUnet('HU', 1)
  expect(Buffer.compare(exportBandUnet(parts), exportBandUnet(parts))).toBe(0)
})

it('no band looks further than the margin that slices are given, and none sees a constant or a ramp', () => {
  for (const kernel of BAND_KERNELS) {
    const reach = (kernel.length - 1) / 2
    expect(reach).toBeLessThanOrEqual(MARGIN)
    expect(kernel.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12)
    expect(kernel.reduce((sum, weight, i) => sum + weight * (i - reach), 0)).toBeCloseTo(0, 12)
  }
})
