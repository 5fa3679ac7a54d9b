import { describe, expect, it } from 'vitest'
import { RefusedError } from '../src/errors.ts'
import type { Observed } from '../src/harmonizer/guards.ts'
import type { DomainLimits } from '../src/harmonizer/manifest.ts'
import type { Survey } from './closed-form.ts'
import { LOCAL_TONE_DEFAULTS } from './local-tone.ts'
import { featureCount } from './parts/features.ts'
import { widenedWeights } from './parts/fine-tuning.ts'
import { footingOf } from './start.ts'
import { readUniversalRun } from './universal-run.ts'

const seen = (extentMm: readonly [number, number, number]): Observed => ({
  facts: {
    voxels: 1e6,
    nonFinite: 0,
    maskedVoxels: 5e5,
    percentiles: { p1: 1, p5: 10, p25: 100, p50: 300, p75: 500, p95: 800, p99: 900 },
    extentMm,
    voxelMm: [2, 2, 2],
    maskMl: 4000,
  },
})
const limits = (low: number, high: number): DomainLimits => ({
  scans: 2,
  median: [100, 900],
  p99: [200, 2000],
  extentMm: [
    [low, high],
    [low, high],
    [low, high],
  ],
  voxelMm: [1.9, 2.1],
  maskMl: [3900, 4100],
})
const survey = (observed: Observed): Survey => ({
  guards: { a: limits(180, 250), b: limits(100, 500) },
  scales: new Map(),
  hashes: new Map(),
  observed: new Map([['one.nii', observed]]),
})
const head = survey(seen([190, 240, 230]))
const knee = survey(seen([120, 120, 150]))
const t2w = survey({ ...seen([190, 240, 230]), preparation: { contrast: 'T2w' } })

const formOfStart = async () => {
  const { network } = await readUniversalRun('universal-t1w')
  return { bins: network.bins, slopeRatio: network.slopeRatio, changePerMm: network.changePerMm }
}
const nobody = (): void => {}
const footing = (from: string | undefined, seen: Survey, config = {}, say: (line: string) => void = nobody) =>
  footingOf({ method: 'local-tone', from, config }, { survey: seen, pairs: [] }, say)

describe('the start of training', () => {
  it('is the shipped network where every scan is a T1w head, which is said, and scratch where that is asked for', async () => {
    const said: string[] = []
    expect(await footing(undefined, head, {}, (line) => said.push(line))).toMatchObject({
      start: { name: 'universal-t1w', model: { kind: 'local-tone', domains: ['*'] } },
    })
    expect(said).toEqual([expect.stringMatching(/starts from universal-t1w.*--from scratch/)])
    expect((await footing('universal', head)).start?.name).toBe('universal-t1w')
    expect((await footing('scratch', head)).start).toBeUndefined()
    expect(
      (await footingOf({ method: 'tone', config: {} }, { survey: head, pairs: [] }, nobody)).start,
    ).toBeUndefined()
  })
  it.each([
    ['another part of the body', knee, {}, /one\.nii.*field of view.*120/i],
    ['another contrast', t2w, {}, /one\.nii.*T2w.*T1w/i],
    ['curves of other bins', head, { bins: 12 }, /12 bins.*16/],
  ])(
    'is scratch for %s, with the reason, and refused where it was asked for',
    async (_, seen, config, reason) => {
      const said: string[] = []
      const { start, settings, guards } = await footing(undefined, seen, config, (line) => said.push(line))
      expect(start).toBeUndefined()
      expect(settings.localTone.changePerMm).toBe(LOCAL_TONE_DEFAULTS.changePerMm)
      expect(guards).toBe(seen.guards)
      expect(said).toEqual([expect.stringMatching(/from scratch/)])
      expect(said[0]).toMatch(reason)
      const error = await footing('universal', seen, config).catch((cause: unknown) => cause)
      expect(error).toBeInstanceOf(RefusedError)
      expect((error as RefusedError).what).toMatch(reason)
    },
  )
  it('takes the form of its curves and the bound that they were trained with, also below a U-Net, and what the user set', async () => {
    const { settings } = await footing(undefined, head, { steps: 7 })
    expect(settings.localTone).toMatchObject({ ...(await formOfStart()), steps: 7 })
    const { settings: below } = await footingOf(
      { method: 'residual-unet', config: { steps: 9, localTone: { steps: 7 } } },
      { survey: head, pairs: [] },
      nobody,
    )
    expect(below.residualUnet.steps).toBe(9)
    expect(below.localTone).toMatchObject({ ...(await formOfStart()), steps: 7 })
  })
  it('accepts the geometry that it has seen as well as that of the domain, and no other intensities', async () => {
    const { guards } = await footing(undefined, head)
    expect(guards['a']).toEqual({
      ...limits(0, 0),
      extentMm: [
        [140, 360],
        [170, 400],
        [90, 400],
      ],
      voxelMm: [0.5, 6],
      maskMl: [700, 7500],
    })
    expect(guards['b']?.extentMm).toEqual([
      [100, 500],
      [100, 500],
      [90, 500],
    ])
  })
  it('is no bundle that is not there', async () => {
    await expect(footing('none.harmonizer', head)).rejects.toThrow(/none\.harmonizer/)
  })
  it('begins every domain as any scanner does', async () => {
    const start = (await footing('universal', head)).start!
    const inputs = featureCount(start.model.knots.length, 1)
    const outputs = start.weights.conv1.bias.length
    const { conv1, place } = widenedWeights(start, 3)
    const row = (kernel: Float32Array, width: number, tap: number, input: number): number[] => [
      ...kernel.subarray((tap * width + input) * outputs, (tap * width + input + 1) * outputs),
    ]
    for (const tap of [0, 13, 26])
      for (let input = 0; input < inputs + 2; input++)
        expect(row(conv1.kernel, inputs + 2, tap, input)).toEqual(
          row(start.weights.conv1.kernel, inputs, tap, Math.min(input, inputs - 1)),
        )
    expect(place.every((value) => value === 0)).toBe(true)
    expect(place.length).toBe(3 * start.weights.place.length)
  })
})
