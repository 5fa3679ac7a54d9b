import { describe, expect, it } from 'vitest'
import type { Pair, Scan } from '../cohort/cohort.ts'
import { gaussianSmooth } from '../kernels/gaussian.ts'
import { random } from '../kernels/random.ts'
import type { Shape } from '../volume/volume.ts'
import { separationsOf, tissuesOf } from './separation.ts'

const shape: Shape = [36, 36, 36]
const grid = { shape, affine: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1] }
const mask = new Uint8Array(36 ** 3).fill(1)
const scan = (domain: string): Scan => ({
  subject: 's',
  domain,
  session: '1',
  image: `${domain}.nii`,
  truth: {},
  covariates: {},
})
const pair: Pair = { subject: 's', source: scan('A'), target: scan('B') }

/** Three slabs of 100, 200 and 300 along z, with noise of SD 20. */
const truth = Uint8Array.from(mask, (_, i) => 1 + Math.floor(i / (12 * 36 * 36)))
const rng = random(4, 'separation')
const image = (sd: number): Float32Array =>
  Float32Array.from(truth, (label) => 100 * label + sd * rng.normal())
const target = image(20)
const ratios = async (
  outputs: Record<string, Float32Array>,
): Promise<readonly (readonly [string, number])[]> => {
  const tissues = await tissuesOf(pair, grid, mask, target)
  expect(tissues.from).toBe('estimate')
  return separationsOf(pair, tissues, target, new Map(Object.entries(outputs))).map(
    ({ method, tissues: [dark, bright], fisher, targetFisher }) =>
      [`${method} ${dark}-${bright}`, fisher / targetFisher] as const,
  )
}

describe('without truth, three classes of the target', () => {
  it('find the slabs, but for their borders', async () => {
    const { labels } = await tissuesOf(pair, grid, mask, target)
    const right = labels.filter((label, i) => label === truth[i]).length / labels.length
    expect(right).toBeGreaterThan(0.97)
  })

  it('do not favour the target: a rescan with its noise separates as well, within 3 %', async () => {
    for (const [, ratio] of await ratios({ rescan: image(20) }))
      expect(Math.abs(ratio - 1)).toBeLessThan(0.03)
  })

  it('fall with noise, to (20 / 40)^2 = 1/4, and rise with smoothing', async () => {
    const found = new Map(
      await ratios({ noisy: image(40), smooth: gaussianSmooth(image(20), shape, [0.6, 0.6, 0.6]) }),
    )
    for (const tissues of ['1-2', '2-3']) {
      expect(found.get(`noisy ${tissues}`)).toBeGreaterThan(0.22)
      expect(found.get(`noisy ${tissues}`)).toBeLessThan(0.3)
      expect(found.get(`smooth ${tissues}`)).toBeGreaterThan(1.3)
    }
  })
})

it('skips tissues that the target does not tell apart, and slivers', () => {
  const labels = truth.map((label, i) => (i < 100 ? 9 : label))
  const alike = Float32Array.from(truth, (label, i) => (label === 3 ? 200 : 100 * label) + 20 * (i % 2))
  const rows = separationsOf(pair, { labels, from: 'truth' }, alike, new Map([['x', alike]]))
  expect(rows.map(({ tissues }) => tissues)).toEqual([[1, 2]])
  expect(rows[0]?.fisher).toBe(rows[0]?.targetFisher)
})
