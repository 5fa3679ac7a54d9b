import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { random } from '../../src/kernels/random.ts'
import { temporaryFolder } from '../../test/fixtures/nifti.ts'
import { WIDE } from './lattice-pairs.ts'
import { readStored, writeStored } from './lattice-store.ts'

const folder = await temporaryFolder()
const points = WIDE[0] * WIDE[1] * WIDE[2]
const rng = random(5)
const values = (scale: number): Float32Array =>
  Float32Array.from({ length: points }, () => scale * rng.uniform())
const flags = (): Uint8Array => Uint8Array.from({ length: points }, () => rng.integer(2))
const pair = {
  image: values(900),
  expected: values(900),
  target: values(1200),
  mask: flags(),
  common: flags(),
  scale: 450,
  tissueMedian: 300,
}

describe('a stored pair', () => {
  const path = join(folder, 'one.lattice')
  it('comes back to half a step', async () => {
    await writeStored(path, 'key', pair)
    const found = (await readStored(path, 'key'))!
    const worst = (a: Float32Array, b: Float32Array): number =>
      a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0)
    // 3000 steps per scale of the source, 8 per unit of the target
    expect(worst(found.image, pair.image)).toBeLessThan(450 / 3000 / 2 + 1e-3)
    expect(worst(found.expected, pair.expected)).toBeLessThan(450 / 3000 / 2 + 1e-3)
    expect(worst(found.target, pair.target)).toBeLessThan(1 / 8 / 2 + 1e-3)
    expect(found.mask.every((value, i) => value === pair.mask[i])).toBe(true)
    expect(found.common.every((value, i) => value === pair.common[i])).toBe(true)
    expect([found.scale, found.tissueMedian]).toEqual([450, 300])
  })
  it('is not taken for another run, nor where it was cut short', async () => {
    expect(await readStored(path, 'another')).toBeUndefined()
    expect(await readStored(join(folder, 'none.lattice'), 'key')).toBeUndefined()
    await writeFile(path, (await readFile(path)).subarray(0, -1))
    expect(await readStored(path, 'key')).toBeUndefined()
  })
})
