/** What a harmonizer of two stages shares between visits, and what it does to images of the reference. What every method promises: test/methods.test.ts. */
import { afterAll, describe, expect, it } from 'vitest'
import { head } from '../../test/head.ts'
import { sampleModel, sampleWeights } from '../../test/local-tone-oracle.ts'
import { asBundle, mapped } from '../../test/method.contract.ts'
import { sampleUnet } from '../../test/residual-unet-oracle.ts'
import { exportLocalTone } from '../../training/parts/onnx-local-tone.ts'
import { foregroundMask } from '../volume/mask.ts'
import { toFloat32 } from '../volume/volume.ts'
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
