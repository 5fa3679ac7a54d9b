import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { awkwardHeads } from '../../test/local-tone-volumes.ts'
import { sampleUnet } from '../../test/residual-unet-oracle.ts'
import { reorient } from '../volume/orientation.ts'
import { toFloat32, type Volume, volumeOf } from '../volume/volume.ts'
import { readLattice } from './reading.ts'
import { openResidualUnet, type Profile, type ResidualUnet } from './residual-unet.ts'

const code = Float32Array.of(0.3, -1)
const { graph, model } = sampleUnet(['a', 'b'], 200)
let network: ResidualUnet
beforeAll(async () => {
  network = await openResidualUnet(graph, { threads: 2 })
})
afterAll(() => network.close())

const corrected = async (
  volume: Volume,
  mask: Uint8Array,
  change: (value: number, i: number) => number = (value) => value,
  profile: Profile = 'fast',
): Promise<Float32Array> => {
  const values = toFloat32(volume).map(change)
  await network.addResidual(values, volume, readLattice(volume, mask), code, profile)
  return values
}
const largest = (a: Float32Array, b: Float32Array): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0)

describe('adding the residual', () => {
  const { volume, mask } = awkwardHeads()[0]!
  const before = toFloat32(volume)

  it('changes tissue by up to the bound, and leaves what is 0', async () => {
    const after = await corrected(volume, mask)
    expect(largest(after, before)).toBeGreaterThan(0.1 * model.bound)
    expect(largest(after, before)).toBeLessThanOrEqual(model.bound * 1.001)
    expect(before.every((value, i) => value !== 0 || after[i] === 0)).toBe(true)
  })

  it('gives the same in any storage order', async () => {
    const [axes, flips] = [[2, 0, 1] as const, [true, false, true] as const]
    const turnedMask = Uint8Array.from(reorient(volumeOf(volume, mask), axes, flips).data)
    const turned = await corrected(reorient(volume, axes, flips), turnedMask)
    const expected = toFloat32(reorient(volumeOf(volume, await corrected(volume, mask)), axes, flips))
    expect(largest(turned, expected)).toBeLessThan(1e-3 * model.bound)
  })

  it('averages three passes by default, which differ from the axial one', async () => {
    const [fast, quality] = [
      await corrected(volume, mask),
      await corrected(volume, mask, undefined, 'quality'),
    ]
    expect(largest(fast, quality)).toBeGreaterThan(0.01 * model.bound)
    expect(largest(quality, before)).toBeLessThanOrEqual(model.bound * 1.001)
  })

  it('says what the network saw in the axial slices, whatever the profile, and in any storage order', async () => {
    const seen = async (v: Volume, m: Uint8Array, profile: Profile): Promise<readonly number[]> => {
      const reading = readLattice(v, m)
      return (await network.addResidual(toFloat32(v).slice(), v, reading, code, profile))?.mean ?? []
    }
    const fast = await seen(volume, mask, 'fast')
    expect(fast).toHaveLength(128)
    expect(await seen(volume, mask, 'quality')).toEqual(fast)
    const turned = reorient(volume, [2, 0, 1], [true, false, true])
    const turnedMask = Uint8Array.from(reorient(volumeOf(volume, mask), [2, 0, 1], [true, false, true]).data)
    for (const [c, value] of (await seen(turned, turnedMask, 'fast')).entries())
      expect(value).toBeCloseTo(fast[c] as number, 3)
  })

  it('changes nothing far from a hole, and leaves the hole', async () => {
    const hole = mask.indexOf(1, mask.length / 2)
    const [whole, punched] = [
      await corrected(volume, mask),
      await corrected(volume, mask, (value, i) => (i === hole ? Number.NaN : value)),
    ]
    expect(punched[hole]).toBeNaN()
    const [nx, ny] = volume.shape
    const far = (i: number): boolean => Math.abs(Math.floor(i / nx / ny) - Math.floor(hole / nx / ny)) > 4
    expect(punched.every((value, i) => !far(i) || value === whole[i])).toBe(true)
    expect(punched.filter(Number.isNaN).length).toBe(1)
  })
})
