/** What every method of rungs 0 to 2 promises, and what the front door adds: guards, records, pass-through. */
import { describe, expect, it } from 'vitest'
import { head } from '../../test/head.ts'
import { sampleModel, sampleWeights } from '../../test/local-tone-oracle.ts'
import { exportLocalTone } from '../../training/parts/onnx-local-tone.ts'
import { openLocalTone } from '../inference/local-tone.ts'
import { STANDARD } from '../intensity/zscore.ts'
import { foregroundMask } from '../volume/mask.ts'
import { reorient } from '../volume/orientation.ts'
import { toFloat32, type Volume, volumeOf } from '../volume/volume.ts'
import { bare, type HarmonizerParts, harmonizerOf, loadHarmonizer } from './harmonizer.ts'
import { type Model, modelSchema } from './method.ts'

const models: readonly Model[] = [
  { kind: 'identity' },
  STANDARD,
  { kind: 'histogram', quantiles: [5, 200, 380, 600, 900] },
  { kind: 'tone', referenceScale: 380, knots: [0, 0.4, 1, 2], tones: { a: [0, 0.5, 1, 1.6] } },
]
const trained = (model: Model): HarmonizerParts => ({
  identity: { name: 'to-b', method: model.kind, rung: 2, sha256: 'f'.repeat(64), target: 'b' },
  sources: ['a'],
  model,
  guards: {},
})
const mapped = (volume: Volume, change: (value: number, i: number) => number): Volume =>
  volumeOf(volume, toFloat32(volume).map(change))
/** Largest difference, relative to the larger of 1 and the expected value. */
const worst = (found: Float32Array, expected: Float32Array): number =>
  found.reduce(
    (most, v, i) => Math.max(most, Math.abs(v - expected[i]!) / Math.max(1, Math.abs(expected[i]!))),
    0,
  )

describe.each(models.map((model) => [model.kind, model] as const))('%s', (kind, model) => {
  const harmonizer = harmonizerOf(trained(model))
  const volume = head()
  const mask = foregroundMask(volume)
  const result = (input: Volume, m = mask): Promise<Float32Array> =>
    harmonizer.apply(input, { domain: 'a', mask: m }).then((done) => toFloat32(done.volume))

  it('leaves its input as it was and gives the same result again, also at the same time', async () => {
    const before = toFloat32(volume).slice()
    const [first, second] = await Promise.all([result(volume), result(volume)])
    expect(toFloat32(volume)).toEqual(before)
    expect(second).toEqual(first)
  })

  it('survives being written down', () => {
    expect(modelSchema.parse(JSON.parse(JSON.stringify(model)))).toEqual(model)
  })

  it('keeps blanked voxels exactly 0', async () => {
    const out = await result(volume)
    const blank = out.filter((_, i) => volume.data[i] === 0)
    expect(blank.length).toBeGreaterThan(100)
    expect(blank.every((v) => v === 0)).toBe(true)
  })

  it('keeps the order of intensities inside the mask', async () => {
    const x = toFloat32(volume)
    const out = await result(volume)
    const inside = [...x.keys()].filter((i) => mask[i] !== 0).sort((p, q) => x[p]! - x[q]!)
    const falls = inside.filter((i, k) => k > 0 && out[i]! < out[inside[k - 1]!]! - 1e-4)
    expect(falls).toEqual([])
  })

  it('changes nothing else when a few voxels are NaN, and leaves them NaN', async () => {
    const holes = [20_000, 20_001, 26_000]
    const punched = mapped(volume, (v, i) => (holes.includes(i) ? Number.NaN : v))
    const [expected, out] = [await result(volume), await result(punched)]
    for (const i of holes) expect(out[i]).toBeNaN()
    for (const i of holes) out[i] = expected[i]!
    expect(worst(out, expected)).toBeLessThan(2e-3)
  })

  it('does not depend on the storage order of the voxels', async () => {
    const axes = [2, 0, 1] as const
    const flips = [true, false, true] as const
    const turned = reorient(volume, axes, flips)
    const turnedMask = Uint8Array.from(reorient(volumeOf(volume, mask), axes, flips).data)
    const out = await result(turned, turnedMask)
    const expected = toFloat32(reorient(volumeOf(volume, await result(volume)), axes, flips))
    expect(worst(out, expected)).toBeLessThan(1e-5)
  })

  it.runIf(kind !== 'identity')('does not depend on the gain of the scanner', async () => {
    const louder = mapped(volume, (v) => 4 * v)
    expect(worst(await result(louder), await result(volume))).toBeLessThan(1e-4)
  })

  it('takes stored integers with slope and intercept for the values that they stand for', async () => {
    const x = toFloat32(volume)
    const stored = Int16Array.from(x, (v) => v * 2 - 100)
    const scaled = volumeOf(volume, stored, { scale: { slope: 0.5, intercept: 50 } })
    expect(await result(scaled)).toEqual(await result(volume))
  })

  it('refuses an image without content, force or not', async () => {
    const empty = volumeOf(volume, new Float32Array(volume.data.length))
    for (const force of [false, true])
      await expect(harmonizer.apply(empty, { domain: 'a', force })).rejects.toMatchObject({
        code: 'E_REFUSED',
      })
    const constant = volumeOf(volume, new Float32Array(volume.data.length).fill(7))
    await expect(harmonizer.apply(constant, { domain: 'a', mask })).rejects.toThrow(/constant \(7\)/)
    const nan = volumeOf(volume, new Float32Array(volume.data.length).fill(Number.NaN))
    await expect(harmonizer.apply(nan, { domain: 'a', mask, force: true })).rejects.toThrow(
      /holds nothing to work on/,
    )
  })

  it('passes images of the target domain through, and says so', async () => {
    const { volume: out, record } = await harmonizer.apply(volume, { domain: 'b' })
    expect(out).toBe(volume)
    expect(record.outcome).toBe('passed-through')
    expect(record.after).toEqual(record.before)
  })

  it('records what was done, so that equal work leaves equal records', async () => {
    const first = await harmonizer.apply(volume, { domain: 'a' })
    const second = await harmonizer.apply(volume, { domain: 'a' })
    expect(JSON.stringify(second.record)).toBe(JSON.stringify(first.record))
    expect(first.record).toMatchObject({ outcome: 'harmonized', domain: 'a', forced: false })
    expect(first.record.steps.at(-1)).toEqual({
      op: 'harmonize',
      params: { bundle: 'f'.repeat(64), domain: 'a' },
    })
    expect(first.record.before.percentiles.p50).toBeGreaterThan(250)
    expect(first.record.before.noiseSd).not.toBeNull()
  })
})

describe('local-tone', () => {
  const model = sampleModel(4, ['a', 'b'])
  const { curves } = exportLocalTone(model, sampleWeights(model, 5))
  const harmonizer = harmonizerOf({ ...trained(model), curves })

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
  const tone = harmonizerOf(trained(models[3]!))

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
      { guard: 'repeat', status: 'failed', message: 'The image was harmonized before.' },
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
    await expect(loadHarmonizer('tone')).rejects.toThrow(/attune train .*--method tone/)
    await expect(loadHarmonizer('/nowhere/x.harmonizer')).rejects.toMatchObject({ code: 'E_INPUT' })
  })
})
