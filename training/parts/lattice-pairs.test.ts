import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Cohort, Scan } from '../../src/cohort/cohort.ts'
import { writeNifti } from '../../src/formats/nifti/write.ts'
import { LATTICE } from '../../src/kernels/lattice.ts'
import { toFloat32, type Volume, volumeOf } from '../../src/volume/volume.ts'
import { temporaryFolder } from '../../test/fixtures/nifti.ts'
import { head } from '../../test/head.ts'
import { crop, type LatticePair, loadLatticePairs, MARGIN, WIDE } from './lattice-pairs.ts'

const folder = await temporaryFolder()
const write = async (name: string, volume: Volume): Promise<string> => {
  const path = join(folder, name)
  await writeNifti(path, volume)
  return path
}
/** Heads of 6 mm without noise; twice as bright on the target. */
const source = head({ noise: 0, voxel: 6 })
const brighter = volumeOf(
  source,
  toFloat32(source).map((v) => 2 * v),
)
const tissue = volumeOf(
  source,
  Uint8Array.from(source.data, (v) => Number(v > 60)),
)
const [nx, ny] = source.shape
/** World x of voxel i, mm. */
const worldX = (i: number): number => -90 + 6 * (i % nx)
const leftHalf = volumeOf(
  source,
  Uint8Array.from(tissue.data, (v, i) => (worldX(i) < -0.1 ? v : 0)),
)
const mask = await write('mask.nii', tissue)
const scan = async (name: string, volume: Volume, more: Partial<Scan> = {}): Promise<Scan> => ({
  subject: '1',
  domain: name.charAt(0),
  session: '1',
  image: await write(`${name}.nii`, volume),
  mask,
  truth: {},
  covariates: {},
  ...more,
})
const [a, t] = [await scan('a', source), await scan('t', brighter)]
const load = (scans: readonly Scan[]): Promise<LatticePair[]> => {
  const cohort: Cohort = { source: 'cohort.tsv', scans }
  return loadLatticePairs(cohort, 't', () => {})
}
const sum = (x: Uint8Array): number => x.reduce((total, v) => total + v, 0)
/** Spares the comparison of a million numbers one by one. */
const same = (x: Float32Array | Uint8Array, y: Float32Array | Uint8Array): boolean =>
  Buffer.from(x.buffer).equals(Buffer.from(y.buffer))
const plain = await load([a, t])

describe('lattice pairs', () => {
  it('are each source with a target, then each scan of the target with itself', async () => {
    const [pair, own] = plain as [LatticePair, LatticePair]
    expect(plain.map(({ domain, targetScan }) => [domain, targetScan])).toEqual([
      ['a', t.image],
      ['t', t.image],
    ])
    expect(sum(pair.common)).toBeGreaterThan(200_000)
    const worst = pair.common.reduce(
      (most, counted, i) => Math.max(most, counted * Math.abs(pair.target[i]! - 2 * pair.image[i]!)),
      0,
    )
    expect(worst).toBeLessThan(0.01)
    expect(same(own.target, own.image)).toBe(true)
    expect(own.scale / pair.scale).toBeCloseTo(2, 5)
    expect(own.tissueMedian / pair.tissueMedian).toBeCloseTo(2, 5)
    // White matter, 450, outnumbers grey, 300.
    expect(pair.tissueMedian).toBeGreaterThan(280)
    expect(pair.tissueMedian).toBeLessThan(480)
  })

  it('take rescans in turn, so that each is used', async () => {
    const [a2, t2] = [
      await scan('a2', source, { session: '2' }),
      await scan('t2', brighter, { session: '2' }),
    ]
    const pairs = await load([a, a2, t, t2])
    expect(pairs.map(({ domain, targetScan }) => [domain, targetScan])).toEqual([
      ['a', t.image],
      ['a', t2.image],
      ['t', t.image],
      ['t', t2.image],
    ])
  })

  it('count only the region, where there is one; what the network sees stays the whole head', async () => {
    const region = await write('region.nii', leftHalf)
    const [whole, part] = [plain[0]!, (await load([{ ...a, region }, t]))[0]!]
    expect([same(part.image, whole.image), same(part.mask, whole.mask)]).toEqual([true, true])
    expect(part.scale).toBe(whole.scale)
    const [nr, na, ns] = WIDE
    const counts = Array.from({ length: nr }, (_, r) => [
      sum(whole.common.subarray(r * na * ns, (r + 1) * na * ns)),
      sum(part.common.subarray(r * na * ns, (r + 1) * na * ns)),
    ])
    // R runs along the slowest axis of the lattice: a last plane of the left half, nothing to its right.
    const border = counts.findIndex(([all, left]) => all! > 0 && left! < all!)
    expect(border).toBeGreaterThan(nr * 0.4)
    expect(border).toBeLessThan(nr * 0.6)
    for (const [all, left] of counts.slice(0, border)) expect(left).toBe(all)
    expect(sum(part.common.subarray((border + 1) * na * ns))).toBe(0)
    expect(sum(whole.common.subarray((border + 1) * na * ns))).toBeGreaterThan(50_000)
  })

  it('bring a target on another grid to the same places', async () => {
    const fine = head({ noise: 0, voxel: 3 })
    const doubled = volumeOf(
      fine,
      toFloat32(fine).map((v) => 2 * v),
    )
    const { mask: _mask, ...unmasked } = await scan('tfine', doubled)
    const [pair] = await load([a, { ...unmasked, domain: 't' }])
    const off: number[] = []
    for (let i = 0; i < pair!.common.length; i += 11)
      if (pair!.common[i] === 1) off.push(Math.abs(pair!.target[i]! / pair!.image[i]! - 2))
    expect(off.toSorted((p, q) => p - q)[Math.floor(off.length / 2)]).toBeLessThan(0.05)
  })

  it('leave out what is NaN or infinite', async () => {
    const middle = (source.shape[2] >> 1) * nx * ny + (ny >> 1) * nx + (nx >> 1)
    const punch = (volume: Volume, at: number, value: number): Volume =>
      volumeOf(
        volume,
        toFloat32(volume).map((v, i) => (i === at ? value : v)),
      )
    const holed = await Promise.all([
      scan('aholed', punch(punch(source, middle, Number.NaN), middle + 4, Number.POSITIVE_INFINITY)),
      scan('tholed', punch(brighter, middle - 4, Number.NaN)),
    ])
    const [found] = await load(holed)
    const [whole] = plain
    expect(sum(found!.common)).toBeLessThan(sum(whole!.common))
    expect(sum(found!.mask)).toBeLessThan(sum(whole!.mask))
    expect(sum(found!.common)).toBeGreaterThan(0.9 * sum(whole!.common))
    for (const [i, counted] of found!.common.entries())
      if (counted === 1 && !Number.isFinite(found!.image[i]! + found!.target[i]!))
        expect([i, found!.image[i], found!.target[i]]).toEqual([i, 'a number', 'a number'])
    expect(found!.scale / whole!.scale).toBeCloseTo(1, 2)
  })
})

describe('crop', () => {
  const wide = Float32Array.from({ length: WIDE[0] * WIDE[1] * WIDE[2] }, (_, i) => i)
  const [nr, na, ns] = LATTICE.shape
  const at = (r: number, a: number, s: number): number =>
    ((r + MARGIN) * WIDE[1] + a + MARGIN) * WIDE[2] + s + MARGIN

  it('takes the box out of its margin, shifted and mirrored left to right', () => {
    for (const [shift, mirror] of [
      [[0, 0, 0], false],
      [[6, -6, 2], false],
      [[-3, 1, 0], true],
    ] as const) {
      const out = crop(wide, shift, mirror)
      expect(out.length).toBe(LATTICE.points)
      for (const [r, a, s] of [
        [0, 0, 0],
        [95, 119, 95],
        [7, 50, 23],
      ] as const)
        expect(out[(r * na + a) * ns + s]).toBe(
          at((mirror ? nr - 1 - r : r) + shift[0], a + shift[1], s + shift[2]),
        )
    }
  })
})
