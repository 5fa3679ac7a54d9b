import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSession, type Session } from '../../src/inference/session.ts'
import {
  CELLS,
  oracleCurveAt,
  oracleCurves,
  oracleScale,
  sampleLatticeImage,
  sampleModel,
  sampleWeights,
} from '../../test/local-tone-oracle.ts'
import { exportLocalTone } from './onnx-local-tone.ts'

const dims = [1, 1, 96, 120, 96]
const session = (onnx: Uint8Array): Promise<Session> => openSession(onnx, { threads: 1, name: 'test' })

async function curvesOf(
  network: Session,
  { image, mask }: { image: Float32Array; mask: Float32Array },
  domain: number,
): Promise<{ curves: Float32Array; scale: number }> {
  const { curves, scale } = await network.run({
    image: { data: image, dims },
    mask: { data: mask, dims },
    domain: { data: BigInt64Array.of(BigInt(domain)), dims: [] },
  })
  return { curves: curves!, scale: scale![0]! }
}

describe('the curves graph', () => {
  it.each([
    { bins: 12, domain: 1, seed: 1, perMm: 0.01 },
    { bins: 4, domain: 0, seed: 2, perMm: 10 },
  ])(
    'computes what the specification says: $bins bins, at most $perMm per mm',
    async ({ bins, domain, seed, perMm }) => {
      const sample = sampleModel(bins)
      const model = { ...sample, bounds: { ...sample.bounds, perMm } }
      const weights = sampleWeights(model, seed)
      const lattice = sampleLatticeImage(seed)
      const network = await session(exportLocalTone(model, weights).curves)
      const { curves, scale } = await curvesOf(network, lattice, domain)
      await network.close()
      expect(scale / oracleScale(lattice.image, lattice.mask)).toBeCloseTo(1, 5)
      const expected = oracleCurves(model, weights, lattice.image, lattice.mask, model.domains[domain]!)
      expect(curves.length).toBe(expected.length)
      const spread = Math.max(...expected) - Math.min(...expected)
      const error = Math.max(...curves.map((value, i) => Math.abs(value - expected[i]!)))
      expect(error / spread).toBeLessThan(2e-5)
      const cellsDiffer = Math.max(...curves.map((value, i) => Math.abs(value - curves[i % (bins + 1)]!)))
      expect(cellsDiffer).toBeGreaterThan(0.01)
    },
  )

  it('takes the 93rd percentile of the means of deep blocks as the scale, without what is not a number', async () => {
    // blocks of 3 x 3 x 3: every block of the r-th layer shows 10 (r + 1); the outermost two layers are not deep
    const layer = (i: number): number => Math.floor(i / (3 * 120 * 96))
    const image = Float32Array.from({ length: 96 * 120 * 96 }, (_, i) => 10 * (layer(i) + 1))
    for (let i = 0; i < image.length; i += 7) image[i] = Number.NaN
    const mask = Float32Array.from(image, (_, i) => (layer(i) > 0 && layer(i) < 31 ? 1 : 0))
    // deep are the layers 3 to 28, 1280 blocks each: the lower 93rd percentile of 33280 lies in the 25th of them
    const model = sampleModel(4)
    const network = await session(exportLocalTone(model, sampleWeights(model, 3)).curves)
    expect((await curvesOf(network, { image, mask }, 0)).scale).toBeCloseTo(10 * (3 + 24 + 1), 3)
    await network.close()
  })
})

describe('the two bounds', () => {
  const model = sampleModel(6)
  const { knots } = model
  const lattice = sampleLatticeImage(9)
  /** Weights from nearly none to saturating, and the domain that each is tried on. */
  const sizes = [0.1, 1, 10, 1000] as const
  const cases: { readonly tone: readonly number[]; readonly curves: Float32Array }[] = []
  beforeAll(async () => {
    for (const [i, size] of sizes.entries()) {
      const network = await session(exportLocalTone(model, sampleWeights(model, i, size)).curves)
      const { curves } = await curvesOf(network, lattice, i % 3)
      cases.push({ tone: model.tones[model.domains[i % 3]!]!, curves })
      await network.close()
    }
  })
  const size = fc.integer({ min: 0, max: sizes.length - 1 })
  const place = fc.tuple(...[192, 240, 192].map((mm) => fc.double({ min: -20, max: mm + 20, noNaN: true })))
  const intensity = fc.double({ min: -1, max: 4, noNaN: true })

  it('keep local slope / global slope within [1/4, 4] at any place and intensity', () => {
    fc.assert(
      fc.property(size, place, intensity, (which, point, u) => {
        const { curves, tone } = cases[which]!
        const bin = Math.max(
          0,
          knots.slice(0, -1).findLastIndex((knot) => knot <= u),
        )
        const [start, end] = u < 0 ? [u - 1, u] : [knots[bin]!, u > knots[6]! ? u : knots[bin + 1]!]
        const rise = oracleCurveAt(curves, knots, point, end) - oracleCurveAt(curves, knots, point, start)
        const globalSlope = (tone[bin + 1]! - tone[bin]!) / (knots[bin + 1]! - knots[bin]!)
        const ratio = rise / (end - start) / globalSlope
        expect(ratio).toBeGreaterThan(1 / 4 - 1e-3)
        expect(ratio).toBeLessThan(4 + 1e-3)
      }),
    )
  })

  it('let no curve change by more than 1 % of the reference scale per mm, in any direction', () => {
    fc.assert(
      fc.property(size, place, place, intensity, (which, point, towards, u) => {
        const { curves } = cases[which]!
        const length = Math.hypot(...towards.map((mm, axis) => mm - point[axis]!)) || 1
        const on = point.map((mm, axis) => mm + (towards[axis]! - mm) / length)
        const change = oracleCurveAt(curves, knots, on, u) - oracleCurveAt(curves, knots, point, u)
        expect(Math.abs(change)).toBeLessThan(0.01 * (1 + 1e-4))
      }),
      { numRuns: 1000 },
    )
  })

  it('are put to the test: some weights reach both', () => {
    const { curves, tone } = cases[3]!
    const ratios: number[] = []
    let steepest = 0
    for (let i = 0; i < curves.length; i++)
      if (i % 7 !== 6) ratios.push((curves[i + 1]! - curves[i]!) / (tone[(i % 7) + 1]! - tone[i % 7]!))
    for (let r = 0; r < CELLS[0] - 1; r++)
      for (let rest = 0; rest < 80 * 7; rest++)
        steepest = Math.max(steepest, Math.abs(curves[(r + 1) * 560 + rest]! - curves[r * 560 + rest]!) / 24)
    expect(Math.max(...ratios, ...ratios.map((x) => 1 / x))).toBeGreaterThan(2)
    expect(steepest).toBeGreaterThan(0.003)
  })
})

describe('the files', () => {
  const model = sampleModel(5, ['x', 'y'])
  let written: ReturnType<typeof exportLocalTone>
  let network: Session
  beforeAll(async () => {
    written = exportLocalTone(model, sampleWeights(model, 4))
    network = await session(written.curves)
  })
  afterAll(() => network.close())

  it('are the same bytes for the same model and weights', () => {
    const again = exportLocalTone(model, sampleWeights(model, 4))
    expect(Buffer.compare(again.curves, written.curves)).toBe(0)
    expect(Buffer.compare(again.complete, written.complete)).toBe(0)
    const other = exportLocalTone(model, sampleWeights(model, 5))
    expect(Buffer.compare(other.complete, written.complete)).not.toBe(0)
  })

  it('name domains and units', () => {
    const text = Buffer.from(written.complete).toString('latin1')
    for (const part of ['["x","y"]', 'referenceScale', 'unit:geometry', 'harmonized'])
      expect(text).toContain(part)
  })

  it('are refused with a remedy when cut short', async () => {
    await expect(session(written.curves.subarray(0, 1000))).rejects.toThrow(
      /cannot|not a network.*\n.*cut short/s,
    )
  })

  it('refuse inputs of another shape', async () => {
    const data = new Float32Array(8)
    const eight = { data, dims: [1, 1, 2, 2, 2] }
    const domain = { data: BigInt64Array.of(0n), dims: [] }
    await expect(network.run({ image: eight, mask: eight, domain })).rejects.toThrow(/refused its inputs/)
  })
})
