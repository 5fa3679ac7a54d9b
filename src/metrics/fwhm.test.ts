import { expect, it } from 'vitest'
import { random } from '../kernels/random.ts'
import type { Shape } from '../volume/volume.ts'
import { smoothnessFwhm } from './fwhm.ts'

const shape: Shape = [48, 48, 48]
const size = 48 ** 3
const all = new Uint8Array(size).fill(1)
const rng = random(11, 'fwhm test')
const noise = Float32Array.from({ length: size }, () => rng.normal())

/** White noise under a Gaussian point spread, sampled at the voxels; the far faces are neighbours. */
function blurred(sd: number): Float32Array {
  const reach = Math.ceil(4 * sd)
  const taps = Array.from({ length: 2 * reach + 1 }, (_, k) => Math.exp(-0.5 * ((k - reach) / sd) ** 2))
  return [1, 48, 48 * 48].reduce((x, stride) => {
    const out = new Float32Array(size)
    for (let i = 0; i < size; i++) {
      const at = Math.floor(i / stride) % 48
      for (const [k, tap] of taps.entries())
        out[i]! += tap * x[i + (((at + k - reach + 48) % 48) - at) * stride]!
    }
    return out
  }, noise)
}

// From two voxels on: below that, a sampled Gaussian is not one any more.
it.each([4, 5, 6])('recovers a Gaussian blur of %s mm put on white noise, to 3 in 100', (fwhm) => {
  const sd = fwhm / 2.354820045 / 2
  const x = blurred(sd)
  expect(smoothnessFwhm(x, shape, all, [2, 2, 2]) / fwhm).toBeGreaterThan(0.97)
  expect(smoothnessFwhm(x, shape, all, [2, 2, 2]) / fwhm).toBeLessThan(1.03)
})

it('is the geometric mean over anisotropic voxels', () => {
  const x = blurred(1.2)
  const expected = 2.354820045 * 1.2 * Math.cbrt(1 * 2 * 4)
  expect(smoothnessFwhm(x, shape, all, [1, 2, 4]) / expected).toBeCloseTo(1, 1)
})

it('sees neither gain, offset nor slow shading', () => {
  const x = blurred(1.5)
  const expected = smoothnessFwhm(x, shape, all, [1, 1, 1])
  const shaded = x.map((v, i) => 500 + 7 * v * (1 + 0.005 * (i % 48)))
  expect(smoothnessFwhm(shaded, shape, all, [1, 1, 1])).toBeCloseTo(expected, 1)
})

it('is near 0 for white noise, rises with blur, and has no value where nothing is measured', () => {
  expect(smoothnessFwhm(noise, shape, all, [1, 1, 1])).toBeLessThan(0.6)
  expect(smoothnessFwhm(noise, shape, new Uint8Array(size), [1, 1, 1])).toBeNaN()
  expect(smoothnessFwhm(new Float32Array(size), shape, all, [1, 1, 1])).toBeNaN()
})
