/** What every method promises, and the front door with it: purity, laws of gain and offset, refusals, records that replay. */
import { describe, expect, it } from 'vitest'
import { bare, type Harmonized, type HarmonizerParts, harmonizerOf } from '../src/harmonizer/harmonizer.ts'
import { isInvertible, rungOf } from '../src/harmonizer/ladder.ts'
import { type Model, modelSchema } from '../src/harmonizer/method.ts'
import type { Graphs } from '../src/harmonizer/networks.ts'
import { quantilesOfSorted } from '../src/kernels/quantile.ts'
import { foregroundMask } from '../src/volume/mask.ts'
import { reorient } from '../src/volume/orientation.ts'
import { toFloat32, type Volume, volumeOf } from '../src/volume/volume.ts'
import { head } from './head.ts'

export interface MethodCase {
  readonly model: Model
  /** Where there is a network. */
  readonly graphs?: Graphs
  /** What the output does not depend on: nothing, the gain of the scanner, or its offset too (between the 2nd and the 98th percentile). */
  readonly invariant: 'nothing' | 'gain' | 'gain and offset'
  /** Order of intensities is kept over the whole image, not only at each place. */
  readonly global: boolean
  /** The same method fitted to one image as its reference; absent where it is fitted to pairs by a network. */
  fitTo?(x: Float32Array, mask: Uint8Array): Model
  /** How far 99 % of the reference may be from itself after its own model, in parts of its range: what the model leaves out. */
  readonly idempotence: number
}

/** Of `residual-unet`: one pass of three, to be quick. */
const profile = 'fast'
const at = (values: ArrayLike<number>, i: number): number => values[i] ?? Number.NaN

/** A model as a bundle from domain a to domain b. */
export function asBundle(model: Model, graphs?: Graphs): HarmonizerParts {
  const identity = {
    name: 'to-b',
    method: model.kind,
    rung: rungOf(model.kind),
    sha256: 'f'.repeat(64),
    target: 'b',
  }
  return { identity, sources: ['a'], model, guards: {}, ...(graphs && { graphs }) }
}

export function mapped(volume: Volume, change: (value: number, i: number) => number): Volume {
  return volumeOf(volume, toFloat32(volume).map(change))
}

/** Largest difference, relative to the larger of 1 and the expected value. */
export function worst(found: Float32Array, expected: Float32Array): number {
  return found.reduce(
    (most, v, i) => Math.max(most, Math.abs(v - at(expected, i)) / Math.max(1, Math.abs(at(expected, i)))),
    0,
  )
}

export function methodContract({ model, graphs, invariant, global, fitTo, idempotence }: MethodCase): void {
  describe(model.kind, () => {
    const harmonizer = harmonizerOf(asBundle(model, graphs))
    const volume = head()
    const mask = foregroundMask(volume)
    const result = async (input: Volume, m = mask, force = false): Promise<Float32Array> =>
      toFloat32((await harmonizer.apply(input, { domain: 'a', mask: m, force, profile })).volume)

    it('leaves its input as it was and gives the same result again, also at the same time', async () => {
      const [before, beforeMask] = [toFloat32(volume).slice(), mask.slice()]
      const [first, second] = await Promise.all([result(volume), result(volume)])
      expect(toFloat32(volume)).toEqual(before)
      expect(mask).toEqual(beforeMask)
      expect(second).toEqual(first)
    })

    it('survives being written down: the same model, the same voxels', async () => {
      const read = modelSchema.parse(JSON.parse(JSON.stringify(model)))
      expect(read).toEqual(model)
      const again = await harmonizerOf(asBundle(read, graphs)).apply(volume, { domain: 'a', mask, profile })
      expect(toFloat32(again.volume)).toEqual(await result(volume))
    })

    it('replays from its record: equal voxels', async () => {
      const parts = graphs || model.kind === 'tone' ? asBundle(model, graphs) : bare(model)
      const { volume: done, record } = await harmonizerOf(parts).apply(volume, { domain: 'a', mask, profile })
      const { params } = JSON.parse(JSON.stringify(record.steps.at(-1)))
      const replayed =
        'bundle' in params
          ? await harmonizer.apply(volume, { domain: params.domain, mask, profile })
          : await harmonizerOf(bare(modelSchema.parse(params))).apply(volume, { mask })
      expect(toFloat32(replayed.volume)).toEqual(toFloat32(done))
    })

    it('keeps blanked voxels exactly 0', async () => {
      const out = await result(volume)
      const blank = out.filter((_, i) => volume.data[i] === 0)
      expect(blank.length).toBeGreaterThan(100)
      expect(blank.every((v) => v === 0)).toBe(true)
    })

    it.runIf(global)('keeps the order of intensities inside the mask', async () => {
      const x = toFloat32(volume)
      const out = await result(volume)
      const inside = [...x.keys()].filter((i) => mask[i] !== 0).sort((p, q) => at(x, p) - at(x, q))
      const falls = inside.filter((i, k) => k > 0 && at(out, i) < at(out, at(inside, k - 1)) - 1e-4)
      expect(falls).toEqual([])
    })

    it('changes nothing else when a few voxels are NaN, and leaves them NaN', async () => {
      const holes = [20_000, 20_001, 26_000]
      const punched = mapped(volume, (v, i) => (holes.includes(i) ? Number.NaN : v))
      const [expected, out] = [await result(volume), await result(punched)]
      for (const i of holes) expect(out[i]).toBeNaN()
      for (const i of holes) out[i] = at(expected, i)
      // A network counts them as outside, which moves the histograms that it sees.
      expect(worst(out, expected)).toBeLessThan(graphs ? 1e-2 : 2e-3)
    })

    it('does not depend on the storage order of the voxels', async () => {
      const axes = [2, 0, 1] as const
      const flips = [true, false, true] as const
      const turned = reorient(volume, axes, flips)
      const turnedMask = Uint8Array.from(reorient(volumeOf(volume, mask), axes, flips).data)
      const out = await result(turned, turnedMask)
      const expected = toFloat32(reorient(volumeOf(volume, await result(volume)), axes, flips))
      expect(worst(out, expected)).toBeLessThan(graphs ? 1e-3 : 1e-5)
    })

    it.runIf(invariant !== 'nothing')('does not depend on the gain of the scanner', async () => {
      const expected = await result(volume)
      for (const gain of [4, 0.0371, 911.7])
        expect(worst(await result(mapped(volume, (v) => gain * v)), expected)).toBeLessThan(
          graphs ? 2e-3 : Number.isInteger(Math.log2(gain)) ? 1e-4 : 1e-3,
        )
    })

    it.runIf(invariant === 'gain and offset')('does not depend on the offset of the scanner', async () => {
      const x = toFloat32(volume)
      const sorted = x.filter((_, i) => mask[i] !== 0).sort()
      const [low = Number.NaN, high = Number.NaN] = quantilesOfSorted(sorted, [0.02, 0.98])
      const inside = (values: Float32Array): Float32Array =>
        values.filter((_, i) => mask[i] !== 0 && at(x, i) > low && at(x, i) < high)
      const shifted = mapped(volume, (v) => 3 * v + 700)
      expect(worst(inside(await result(shifted)), inside(await result(volume)))).toBeLessThan(1e-3)
    })

    it('takes stored integers with slope and intercept for the values that they stand for', async () => {
      const x = toFloat32(volume)
      const stored = Int16Array.from(x, (v) => v * 2 - 100)
      const scaled = volumeOf(volume, stored, { scale: { slope: 0.5, intercept: 50 } })
      expect(await result(scaled)).toEqual(await result(volume))
    })

    let byItself: Promise<Harmonized> | undefined
    const alone = (): Promise<Harmonized> => {
      byItself ??= harmonizer.apply(volume, { domain: 'a', mask, profile })
      return byItself
    }

    it('takes what it made back to the image, or says that there is no way back', async () => {
      const harmonized = await alone()
      const back = harmonized.inverse()?.(toFloat32(harmonized.volume))
      expect(back !== undefined).toBe(isInvertible(model.kind))
      if (back) expect(worst(back, toFloat32(volume))).toBeLessThan(1e-3)
    })

    it('maps visits that share one mapping alike, whatever the gain of each', async () => {
      const louder = mapped(volume, (v) => 4 * v)
      const given = await harmonizer.visit(louder, { domain: 'a', mask, profile })
      expect(given).toBeDefined()
      const { volume: joint, record } = await harmonizer.apply(volume, {
        ...{ domain: 'a', mask, profile },
        visits: given ? [given] : [],
      })
      expect(worst(toFloat32(joint), toFloat32((await alone()).volume))).toBeLessThan(2e-3)
      expect(record.sharedWith).toBe(1)
      expect(await harmonizer.visit(volume, { domain: 'b' })).toBeUndefined()
    })

    it('refuses an image without content and an empty mask, force or not', async () => {
      const empty = volumeOf(volume, new Float32Array(volume.data.length))
      const nothing = new Uint8Array(volume.data.length)
      for (const force of [false, true]) {
        await expect(harmonizer.apply(empty, { domain: 'a', force })).rejects.toMatchObject({
          code: 'E_REFUSED',
        })
        await expect(result(volume, nothing, force)).rejects.toThrow(/mask is empty/)
      }
      const constant = volumeOf(volume, new Float32Array(volume.data.length).fill(7))
      await expect(result(constant)).rejects.toThrow(/constant \(7\)/)
      const nan = volumeOf(volume, new Float32Array(volume.data.length).fill(Number.NaN))
      await expect(result(nan, mask, true)).rejects.toThrow(/holds nothing to work on/)
    })

    it('passes images of the target domain through, and says so', async () => {
      const { volume: out, record } = await harmonizer.apply(volume, { domain: 'b' })
      expect(out).toBe(volume)
      expect(record.outcome).toBe('passed-through')
      expect(record.after).toEqual(record.before)
    })

    it('records what was done, so that equal work leaves equal records', async () => {
      const first = await harmonizer.apply(volume, { domain: 'a', profile })
      const second = await harmonizer.apply(volume, { domain: 'a', profile })
      expect(JSON.stringify(second.record)).toBe(JSON.stringify(first.record))
      expect(first.record).toMatchObject({ outcome: 'harmonized', domain: 'a', forced: false })
      expect(first.record.steps.at(-1)).toEqual({
        op: 'harmonize',
        params: { bundle: 'f'.repeat(64), domain: 'a' },
      })
      expect(first.record.before.percentiles.p50).toBeGreaterThan(250)
      expect(first.record.before.noiseSd).not.toBeNull()
    })

    it.runIf(fitTo)('leaves the image that is its reference as it is', async () => {
      const x = toFloat32(volume)
      const own = harmonizerOf(asBundle(fitTo?.(x, mask) ?? model))
      const out = toFloat32((await own.apply(volume, { domain: 'a', mask, profile })).volume)
      const inside = x.filter((_, i) => mask[i] !== 0).sort()
      const [low = Number.NaN, high = Number.NaN] = quantilesOfSorted(inside, [0.01, 0.99])
      const errors = out.map((v, i) => Math.abs(v - at(x, i)) / (high - low)).filter((_, i) => mask[i] !== 0)
      expect(quantilesOfSorted(errors.sort(), [0.99])[0]).toBeLessThan(idempotence)
    })
  })
}
