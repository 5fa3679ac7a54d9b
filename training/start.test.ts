import { describe, expect, it } from 'vitest'
import { RefusedError } from '../src/errors.ts'
import type { Observed } from '../src/harmonizer/guards.ts'
import type { Survey } from './closed-form.ts'
import { FINE_TUNING } from './fine-tuning-settings.ts'
import { featureCount } from './parts/features.ts'
import { widenedWeights } from './parts/fine-tuning.ts'
import { startOf } from './start.ts'
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
const survey = (observed: Observed): Survey => ({
  guards: {},
  scales: new Map(),
  hashes: new Map(),
  observed: new Map([['one.nii', observed]]),
})
const head = survey(seen([190, 240, 230]))
const knee = survey(seen([120, 120, 150]))

it('goes on with the bound over space that the universal network was trained with', async () => {
  const { network } = await readUniversalRun('universal-t1w')
  expect(FINE_TUNING.changePerMm).toBe(network.changePerMm)
})

describe('the start of training', () => {
  it('is scratch where nothing is asked for, and the shipped network where it is and every scan is a head', async () => {
    expect(await startOf(undefined, head)).toBeUndefined()
    expect(await startOf('scratch', head)).toBeUndefined()
    expect(await startOf('universal', head)).toMatchObject({
      name: 'universal-t1w',
      model: { kind: 'local-tone', domains: ['*'] },
    })
  })
  it('is refused for other images, with the reason', async () => {
    const error = await startOf('universal', knee).catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(RefusedError)
    expect((error as RefusedError).what).toMatch(/one\.nii.*field of view.*120/i)
  })
  it('is no bundle that is not there', async () => {
    await expect(startOf('none.harmonizer', head)).rejects.toThrow(/none\.harmonizer/)
  })
  it('begins every domain as any scanner does', async () => {
    const start = (await startOf('universal', head))!
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
