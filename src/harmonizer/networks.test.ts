/** What a harmonizer of two stages shares between visits, and what it does to images of the reference. What every method promises: test/methods.test.ts. */
import { afterAll, describe, expect, it } from 'vitest'
import { head } from '../../test/head.ts'
import { sampleModel, sampleWeights } from '../../test/local-tone-oracle.ts'
import { asBundle, mapped } from '../../test/method.contract.ts'
import { sampleUnet } from '../../test/residual-unet-oracle.ts'
import { exportLocalTone, exportPasses } from '../../training/parts/onnx-local-tone.ts'
import { voxelToBox } from '../inference/curves.ts'
import { openLocalTone } from '../inference/local-tone.ts'
import { ANY_DOMAIN, type LocalToneModel } from '../inference/local-tone-model.ts'
import { openSession } from '../inference/session.ts'
import { foregroundMask } from '../volume/mask.ts'
import { toFloat32, volumeOf } from '../volume/volume.ts'
import { harmonizerOf } from './harmonizer.ts'
import { CODE_FIELDS } from './image-code.ts'
import type { Visit } from './joint.ts'

const { model, graph } = sampleUnet(CODE_FIELDS, 40)
const stage = sampleModel(4, ['a', 'b'])
const { curves } = exportLocalTone(stage, sampleWeights(stage, 5))
const overTone = harmonizerOf(asBundle(model, { 'network.onnx': graph }))
const overCurves = harmonizerOf(
  asBundle({ ...model, stage }, { 'curves.onnx': curves, 'network.onnx': graph }),
)
afterAll(() => Promise.all([overTone.close(), overCurves.close()]))

const volume = head()
const mask = foregroundMask(volume)
/** The same head years later: a quarter of it darker, so that quantiles, contrast and local curves differ. */
const later = mapped(volume, (value, i) => (i % volume.shape[0] < volume.shape[0] / 4 ? value / 2 : value))
const options = { domain: 'a', mask, profile: 'fast' } as const
const largest = (a: Float32Array, b: Float32Array): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0)

describe.each([
  ['tone', overTone],
  ['local-tone', overCurves],
] as const)('residual-unet over %s', (_, harmonizer) => {
  it('follows the other visit too, and has no way back', async () => {
    const visit = (await harmonizer.visit(later, options)) as Visit
    const alone = await harmonizer.apply(volume, options)
    const joint = await harmonizer.apply(volume, { ...options, visits: [visit] })
    expect(largest(toFloat32(joint.volume), toFloat32(alone.volume))).toBeGreaterThan(0.01 * model.bound)
    for (const one of [alone, joint]) expect(one.inverse()).toBeUndefined()
  })
})

it('over tone, maps images of the reference where it is asked to: as they are, and within the bound', async () => {
  const asked = { ...options, domain: 'b', evenTarget: true }
  const change = largest(toFloat32((await overTone.apply(volume, asked)).volume), toFloat32(volume))
  expect(change).toBeGreaterThan(0)
  expect(change).toBeLessThanOrEqual(model.bound * 1.001)
})

describe('several passes', () => {
  const passes = [3, 4].map((bins) => sampleModel(bins, [ANY_DOMAIN])) as [LocalToneModel, LocalToneModel]
  const trained = passes.map((pass, k) => ({ model: pass, weights: sampleWeights(pass, 7 + k) }))
  const graphs = exportPasses(trained as unknown as Parameters<typeof exportPasses>[0])
  const [first, second] = graphs.curves as [Uint8Array, Uint8Array]
  const parts = {
    ...asBundle(passes[0], { 'curves.onnx': first, 'curves-2.onnx': second }),
    sources: [ANY_DOMAIN],
  }
  const harmonizer = harmonizerOf({ ...parts, furtherPasses: [passes[1]] })
  afterAll(() => harmonizer.close())
  const forced = { mask, force: true } as const

  it('are each of what the one before has made, in attune and in the complete graph alike', async () => {
    const one = await openLocalTone(passes[0], first, { threads: 1 })
    const other = await openLocalTone(passes[1], second, { threads: 1 })
    const between = volumeOf(volume, await one.apply(volume, mask, ANY_DOMAIN))
    const expected = await other.apply(between, mask, ANY_DOMAIN)
    const { placement } = await one.curvesFor(volume, mask, ANY_DOMAIN)
    await Promise.all([one.close(), other.close()])
    expect(toFloat32((await harmonizer.apply(volume, forced)).volume)).toEqual(expected)
    expect(largest(expected, toFloat32(between))).toBeGreaterThan(10)
    const complete = await openSession(graphs.complete, { threads: 1, name: 'complete' })
    const dims = [1, 1, ...volume.shape.toReversed()]
    const { harmonized } = await complete.run({
      image: { data: toFloat32(volume), dims },
      mask: { data: Float32Array.from(mask), dims },
      geometry: { data: voxelToBox(placement), dims: [3, 4] },
      domain: { data: BigInt64Array.of(0n), dims: [] },
    })
    await complete.close()
    expect(largest(harmonized!, expected)).toBeLessThan(0.03)
  })

  it('are undone from the last to the first', async () => {
    const { volume: done, inverse } = await harmonizer.apply(volume, forced)
    expect(largest(inverse()!(toFloat32(done)), toFloat32(volume))).toBeLessThan(0.01)
  })

  it('are shared between visits, each of them', async () => {
    const alone = toFloat32((await harmonizer.apply(volume, forced)).volume)
    const sharedWith = async (visit: Visit | undefined): Promise<Float32Array> =>
      toFloat32((await harmonizer.apply(volume, { ...forced, visits: [visit as Visit] })).volume)
    const [own, other] = [await harmonizer.visit(volume, forced), await harmonizer.visit(later, forced)]
    expect(largest(await sharedWith(own), alone)).toBeLessThan(1e-3)
    const { passes: given } = other as Extract<Visit, { readonly kind: 'passes' }>
    const whole = await sharedWith(other)
    for (const kept of [0, 1]) {
      const part: Visit = {
        kind: 'passes',
        passes: given.map((visit, k) => (k === kept ? visit : undefined)),
      }
      const found = await sharedWith(part)
      expect(largest(found, alone)).toBeGreaterThan(1)
      expect(largest(found, whole)).toBeGreaterThan(1)
    }
  })

  it('leave NaN where it is', async () => {
    const holed = mapped(volume, (value, i) => (i === 5000 ? Number.NaN : value))
    const out = toFloat32((await harmonizer.apply(holed, forced)).volume)
    expect([...out.keys()].filter((i) => Number.isNaN(out[i]))).toEqual([5000])
  })
})
