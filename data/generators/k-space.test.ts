import { expect, it } from 'vitest'
import { random } from '../../src/kernels/random.ts'
import {
  FERMI,
  lineKernel,
  noiseGain,
  PSF_FWHM,
  sampleKSpace,
  TUKEY_TAPER,
  WINDOWS,
  type WindowName,
} from './k-space.ts'

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x))
/** Twice the distance, in acquired voxels, at which a falling transform reaches half its value at 0. */
function fwhm(transform: (x: number) => number): number {
  let [low, high] = [0.3, 1.2]
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2
    if (transform(middle) > transform(1e-9) / 2) low = middle
    else high = middle
  }
  return 2 * low
}
/** Transforms in closed form; a Fermi function without its border falls as sin over sinh. */
const transforms: Record<WindowName, (x: number) => number> = {
  none: sinc,
  hann: (x) => sinc(x) / (1 - x * x),
  hamming: (x) => 0.54 * sinc(x) + 0.23 * (sinc(x - 1) + sinc(x + 1)),
  tukey: (x) => {
    const [flat, fall] = [1 - TUKEY_TAPER, TUKEY_TAPER]
    // a raised cosine of half-height radius flat + fall / 2
    return (sinc(x * (flat + fall / 2)) * Math.cos((Math.PI * fall * x) / 2)) / (1 - (fall * x) ** 2)
  },
  fermi: (x) => Math.sin(Math.PI * FERMI.radius * x) / Math.sinh(Math.PI ** 2 * FERMI.width * x),
}

it('the point spread has the FWHM of the closed forms: 1.207 voxels plain, 2 with Hann, and so on', () => {
  expect(PSF_FWHM.none).toBeCloseTo(1.2067, 4)
  for (const window of WINDOWS) {
    const closed = fwhm(transforms[window])
    expect(PSF_FWHM[window] / closed).toBeCloseTo(1, window === 'fermi' ? 1.5 : 3)
    // 16 stored voxels per acquired one: the spread of a point on a fine grid; 256 frequencies on a side, so that its border counts little
    const kernel = lineKernel(4096, 0.25, 4, window)
    const at = (x: number): number => kernel[Math.floor(x)]! * (1 - (x % 1)) + kernel[Math.ceil(x)]! * (x % 1)
    expect(fwhm((x) => at(16 * x)) / PSF_FWHM[window]).toBeCloseTo(1, 2)
  }
})
it('fully sampled k-space without a window gives the image back', () => {
  const own = random(1)
  const x = Float32Array.from({ length: 7 * 6 * 5 }, () => own.normal())
  const back = sampleKSpace(x, [7, 6, 5], 2, { acquiredMm: [2, 2, 2], window: 'none' })
  for (const [i, value] of back.entries()) expect(value).toBeCloseTo(x[i]!, 5)
})
it('equals a naive discrete Fourier transform whose coefficients are weighted and cut', () => {
  const own = random(2)
  const x = Float32Array.from({ length: 24 }, () => own.normal())
  const found = sampleKSpace(x, [24, 1, 1], 1, { acquiredMm: [2, 1, 1], window: 'hann' })
  for (let i = 0; i < 24; i++) {
    let sum = 0
    for (let k = -6; k <= 6; k++)
      for (let j = 0; j < 24; j++)
        sum += (x[j]! * Math.cos((2 * Math.PI * k * (i - j)) / 24) * (1 + Math.cos((Math.PI * k) / 6))) / 48
    expect(found[i]).toBeCloseTo(sum, 5)
  }
})
it('an edge overshoots by the 9 % of Gibbs when k-space is cut, and hardly with Hann', () => {
  const step = Float32Array.from({ length: 512 }, (_, i) => (i >= 128 && i < 384 ? 1 : 0))
  const peak = (window: WindowName): number =>
    Math.max(...sampleKSpace(step, [512, 1, 1], 1, { acquiredMm: [8, 1, 1], window }))
  expect(peak('none') - 1).toBeGreaterThan(0.08)
  expect(peak('none') - 1).toBeLessThan(0.1)
  expect(peak('hann') - 1).toBeLessThan(0.01)
})
it('white noise keeps the share of its SD that noiseGain states', () => {
  const own = random(3)
  const shape = [64, 64, 64] as const
  const kSpace = { acquiredMm: [3, 2, 4], window: 'tukey' } as const
  const noise = sampleKSpace(
    Float32Array.from({ length: 64 ** 3 }, () => own.normal()),
    shape,
    2,
    kSpace,
  )
  const sd = Math.sqrt(noise.reduce((sum, v) => sum + v * v, 0) / noise.length)
  expect(sd / noiseGain(shape, 2, kSpace)).toBeCloseTo(1, 1.5)
})
