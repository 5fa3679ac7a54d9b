import { describe, expect, it } from 'vitest'
import { gaussianSmooth } from '../kernels/gaussian.ts'
import { random } from '../kernels/random.ts'
import type { Shape } from '../volume/volume.ts'
import { noiseSd } from './noise.ts'

const shape: Shape = [48, 44, 40]
const size = 48 * 44 * 40
const all = new Uint8Array(size).fill(1)

/** Blocks of three intensities with a ramp across, plus white noise of the given SD. */
function tissue(sd: number, ramp = 0.5): Float32Array {
  const rng = random(3, 'noise test')
  return Float32Array.from({ length: size }, (_, i) => {
    const [x, y, z] = [i % 48, Math.floor(i / 48) % 44, Math.floor(i / (48 * 44))]
    const label = (Math.floor(x / 12) + Math.floor(y / 11) + Math.floor(z / 10)) % 3
    return 100 * (label + 1) + ramp * x + sd * rng.normal()
  })
}

describe('noise SD', () => {
  it.each([1, 4, 10])('recovers white noise of SD %s beside edges of height 100 and a ramp', (sd) => {
    expect(noiseSd(tissue(sd), shape, all) / sd).toBeGreaterThan(0.97)
    expect(noiseSd(tissue(sd), shape, all) / sd).toBeLessThan(1.03)
  })

  it('is not fooled by its own choice of places when there is nothing but noise', () => {
    const rng = random(5, 'pure noise')
    const x = Float32Array.from({ length: size }, () => 50 + 4 * rng.normal())
    expect(noiseSd(x, shape, all) / 4).toBeCloseTo(1, 1)
  })

  it('follows gain and ignores offset', () => {
    const x = tissue(5)
    const expected = noiseSd(x, shape, all)
    expect(
      noiseSd(
        x.map((v) => 3 * v - 200),
        shape,
        all,
      ),
    ).toBeCloseTo(3 * expected, 3)
  })

  it('is 0 for an image without noise, and falls when an image is smoothed', () => {
    expect(noiseSd(tissue(0, 0), shape, all)).toBe(0)
    const x = tissue(5)
    expect(noiseSd(gaussianSmooth(x, shape, [0.7, 0.7, 0.7]), shape, all)).toBeLessThan(
      0.5 * noiseSd(x, shape, all),
    )
  })

  it('ignores what lies outside the mask', () => {
    const mask = all.map((_, i) => (i % 48 < 30 ? 1 : 0))
    const x = tissue(4)
    const wild = x.map((v, i) => (mask[i] === 0 ? 1e6 * Math.sin(i) : v))
    expect(noiseSd(wild, shape, mask) / 4).toBeCloseTo(1, 1)
  })

  it('has no value below 50 flat voxels', () => {
    expect(noiseSd(tissue(5), shape, new Uint8Array(size))).toBeNaN()
    expect(noiseSd(new Float32Array(8), [2, 2, 2], new Uint8Array(8).fill(1))).toBeNaN()
  })
})
