/** The front door: guards, loading, and what it does for the network. What every method promises: test/methods.test.ts. */
import { describe, expect, it } from 'vitest'
import { head } from '../../test/head.ts'
import { sampleModel, sampleWeights } from '../../test/local-tone-oracle.ts'
import { asBundle, mapped } from '../../test/method.contract.ts'
import { exportLocalTone } from '../../training/parts/onnx-local-tone.ts'
import { openLocalTone } from '../inference/local-tone.ts'
import { WHITE_STRIPE } from '../intensity/whitestripe.ts'
import { STANDARD } from '../intensity/zscore.ts'
import { foregroundMask } from '../volume/mask.ts'
import { toFloat32, type Volume } from '../volume/volume.ts'
import { bare, harmonizerOf, loadHarmonizer } from './harmonizer.ts'

const TONE = {
  kind: 'tone',
  referenceScale: 380,
  knots: [0, 0.4, 1, 2],
  tones: { a: [0, 0.5, 1, 1.6] },
} as const

describe('local-tone', () => {
  const model = sampleModel(4, ['a', 'b'])
  const { curves } = exportLocalTone(model, sampleWeights(model, 5))
  const harmonizer = harmonizerOf(asBundle(model, { 'curves.onnx': curves }))

  it('takes NaN and infinities for outside, as the network was trained, and leaves them where they are', async () => {
    const volume = head()
    const x = toFloat32(volume)
    const mask = foregroundMask(volume)
    // A block in the middle of the head: were it read as 0, the histograms there would be those of air.
    const [nx, ny, nz] = volume.shape
    const inBlock = (i: number): boolean =>
      [i % nx, Math.floor(i / nx) % ny, Math.floor(i / nx / ny)].every(
        (at, axis) => Math.abs(at - [nx, ny, nz][axis]! / 2) < 3,
      )
    const holes = [...x.keys()].filter(inBlock)
    const punched = (value: number): Volume => mapped(volume, (v, i) => (inBlock(i) ? value : v))
    const apply = async (input: Volume) =>
      toFloat32((await harmonizer.apply(input, { domain: 'a', mask, force: true })).volume)
    const network = await openLocalTone(model, curves, { threads: 1 })
    const expected = await network.apply(punched(Number.NaN), mask, 'a')
    await network.close()
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const out = await apply(punched(value))
      expect(holes.every((i) => Object.is(out[i], value))).toBe(true)
      for (const i of holes) out[i] = expected[i]!
      expect(out).toEqual(expected)
    }
    await harmonizer.close()
  })
})

describe('guards of the front door', () => {
  const tone = harmonizerOf(asBundle(TONE))

  it('refuse an unnamed domain even when there is only one, and name those that are known', async () => {
    await expect(tone.apply(head())).rejects.toThrow(/not named.*--source: "a", "b"/s)
    await expect(tone.apply(head(), { domain: 'c', force: true })).rejects.toThrow(
      /not been trained on domain "c"/,
    )
  })

  it('refuse what was harmonized before, in memory or by its file', async () => {
    const { volume } = await tone.apply(head(), { domain: 'a' })
    await expect(tone.apply(volume, { domain: 'a' })).rejects.toThrow(/harmonized before/)
    await expect(tone.apply(head(), { domain: 'a', alreadyHarmonized: true })).rejects.toThrow(
      /harmonized before/,
    )
  })

  it('refuse physical units for every method that changes intensities', async () => {
    const ct = { ...head(), unit: 'HU' as const }
    await expect((await loadHarmonizer('zscore')).apply(ct)).rejects.toThrow(/HU.*`zscore` would destroy/)
    expect((await (await loadHarmonizer('identity')).apply(ct)).volume).toBe(ct)
  })

  it('become warnings in the record when forced', async () => {
    const { record } = await tone.apply(head(), { domain: 'a', alreadyHarmonized: true, force: true })
    expect(record.forced).toBe(true)
    expect(record.guards.filter(({ status }) => status === 'failed')).toEqual([
      { guard: 'repeat', status: 'failed', message: 'The image was harmonized before, or translated.' },
    ])
  })

  it('refuse a mask of another grid', async () => {
    await expect(tone.apply(head(), { domain: 'a', mask: new Uint8Array(8) })).rejects.toThrow(
      /mask has 8 voxels/,
    )
  })
})

describe('loading', () => {
  it('knows the methods that need no training, and says what the others need', async () => {
    expect((await loadHarmonizer('zscore')).identity).toEqual(bare(STANDARD).identity)
    expect((await loadHarmonizer('whitestripe')).identity).toEqual(bare(WHITE_STRIPE).identity)
    await expect(loadHarmonizer('nyul')).rejects.toThrow(/attune train .*--method nyul/)
    await expect(loadHarmonizer('tone')).rejects.toThrow(/attune train .*--method tone/)
    await expect(loadHarmonizer('/nowhere/x.harmonizer')).rejects.toMatchObject({ code: 'E_INPUT' })
  })
})
