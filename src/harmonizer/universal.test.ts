/** The universal harmonizer that ships, on the real head that ships: neither it nor its person was trained on. */
import { afterAll, describe, expect, it } from 'vitest'
import { head } from '../../test/head.ts'
import { readNifti } from '../formats/nifti/read.ts'
import { applyZScore, STANDARD } from '../intensity/zscore.ts'
import { maskedQuantiles } from '../kernels/quantile.ts'
import { mae } from '../metrics/mae.ts'
import { packageFile } from '../package-root.ts'
import { foregroundMask } from '../volume/mask.ts'
import { toFloat32, volumeOf } from '../volume/volume.ts'
import { readBundle } from './bundle.ts'
import { loadHarmonizer } from './harmonizer.ts'
import { forcedMapping, forcedSharedMapping, unguardedBundle } from './unguarded.ts'

const sample = async (name: string) =>
  (await readNifti(packageFile(`data/samples/sub-xa30_rec-${name}_T1w.nii.gz`))).volume
const [raw, norm] = await Promise.all([sample('raw'), sample('norm')])
const harmonizer = await loadHarmonizer('universal', { threads: 1 })
afterAll(() => harmonizer.close())

describe('universal', () => {
  it('brings an image and the same without prescan normalisation nearer to each other than z-score does', async () => {
    const masks = [foregroundMask(raw), foregroundMask(norm)] as const
    const both = masks[0].map((inside, v) => inside & masks[1][v]!)
    const apart = (a: Float32Array, b: Float32Array): number => {
      const width = (x: Float32Array): number => {
        const [low = 0, high = 0] = maskedQuantiles(x, both, [0.01, 0.99])
        return high - low
      }
      return (2 * mae(a, b, both)) / (width(a) + width(b))
    }
    const z = apart(
      applyZScore(STANDARD, toFloat32(raw), masks[0]),
      applyZScore(STANDARD, toFloat32(norm), masks[1]),
    )
    const [a, b] = [await harmonizer.apply(raw), await harmonizer.apply(norm, { domain: 'siemens-prisma' })]
    expect(apart(toFloat32(a.volume), toFloat32(b.volume))).toBeLessThan(0.6 * z)
    expect(b.record).toMatchObject({ domain: '*', outcome: 'harmonized', forced: false })
  })
  it('takes any gain, and gives the same', async () => {
    const louder = volumeOf(
      raw,
      toFloat32(raw).map((value) => value * 16),
    )
    const [a, b] = [await harmonizer.apply(raw), await harmonizer.apply(louder)]
    const x = toFloat32(a.volume)
    const worst = toFloat32(b.volume).reduce((most, value, i) => Math.max(most, Math.abs(value - x[i]!)), 0)
    expect(worst).toBeLessThan(1)
  })
  it('passes images of its own domain through', async () => {
    const { volume, record } = await harmonizer.apply(norm, { domain: 'canonical-t1w' })
    expect(volume).toBe(norm)
    expect(record.outcome).toBe('passed-through')
  })
  it('refuses what is declared to be another contrast', async () => {
    await expect(harmonizer.apply(norm, { preparation: { contrast: 'T2w' } })).rejects.toThrow(/T2w/)
  })
  it('refuses a map of labels, and half a head', async () => {
    const scale = 400
    const labels = volumeOf(
      norm,
      toFloat32(norm).map((value) => Math.min(4, Math.floor(value / scale))),
    )
    await expect(harmonizer.apply(labels)).rejects.toThrow(/labels/)
    const [nx, ny, nz] = norm.shape
    const half = volumeOf(
      { shape: [nx, ny, nz >> 1], affine: norm.affine },
      norm.data.slice(0, nx * ny * (nz >> 1)),
    )
    await expect(harmonizer.apply(half)).rejects.toThrow(/cut off/)
  })
  it('has a way back, to the raw image', async () => {
    const { volume, inverse } = await harmonizer.apply(raw)
    const [x, back] = [toFloat32(raw), inverse()?.(toFloat32(volume))]
    const width = maskedQuantiles(x, foregroundMask(raw), [0.99])[0]!
    expect(x.every((value, i) => Math.abs(value - back![i]!) < 1e-4 * width)).toBe(true)
  })
  it('does not let an image share its mapping that it would refuse for what comes out', async () => {
    const mask = foregroundMask(norm)
    const steep = volumeOf(
      norm,
      toFloat32(norm).map((value, i) => (mask[i] === 0 ? value : value ** 5 / 1e12)),
    )
    for (const refused of [harmonizer.apply(steep), harmonizer.visit(steep)])
      await expect(refused).rejects.toThrow(/histogram is .* away from that of harmonized/)
  })
})

it('maps two visits by what they share: of one scan twice, what it makes of that scan', async () => {
  const visit = (noise: number) => {
    const volume = head({ noise, voxel: 6 })
    return { volume, mask: foregroundMask(volume), origin: { domain: 'a', acquisition: {} } }
  }
  const scan = visit(4)
  const alone = await forcedMapping(harmonizer)(scan.volume, scan.mask, scan.origin)
  const [first, second] = (await forcedSharedMapping(harmonizer)?.([scan, scan])) ?? []
  expect(first).toEqual(alone)
  expect(second).toEqual(alone)
  const [beside] = (await forcedSharedMapping(harmonizer)?.([scan, visit(40)])) ?? []
  expect(beside).not.toEqual(alone)
})

it('is the same without its guards, though it then reads an image once: alone, among visits, and in another mask', async () => {
  const bare = unguardedBundle(await readBundle(packageFile('models/universal-t1w')))
  const volume = head({ noise: 4, voxel: 6 })
  const mask = foregroundMask(volume)
  const upper = mask.map((inside, v) => (v > mask.length / 2 ? inside : 0))
  const origin = { domain: 'a', acquisition: {} }
  const visits = [
    { volume, mask, origin },
    { volume: head({ noise: 40, voxel: 6 }), mask, origin },
  ]
  for (const shown of [mask, upper])
    expect(await forcedMapping(bare)(volume, shown, origin)).toEqual(
      await forcedMapping(harmonizer)(volume, shown, origin),
    )
  expect(await forcedSharedMapping(bare)?.(visits)).toEqual(await forcedSharedMapping(harmonizer)?.(visits))
  await bare.close()
})
