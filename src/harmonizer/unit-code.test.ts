import { expect, it } from 'vitest'
import { gaussianSmooth } from '../kernels/gaussian.ts'
import { random } from '../kernels/random.ts'
import { volumeOf } from '../volume/volume.ts'
import { UNIT_CODE, unitCode } from './unit-code.ts'

const shape = [40, 40, 24] as const
const affine = [2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1] as const
const mask = new Uint8Array(40 * 40 * 24).fill(1)
const noisy = (mean: number, sd: number, blur = 0): Float32Array => {
  const rng = random(1, 'noise')
  const white = Float32Array.from(mask, () => rng.normal())
  const smooth = gaussianSmooth(white, shape, [blur, blur, blur])
  return smooth.map((value) => mean + sd * value)
}
const code = (unit: 'HU' | 'SUVbw', x: Float32Array): Float32Array =>
  unitCode(unit, volumeOf({ shape, affine }, x), x, mask)

it('is the logarithm of the noise, in HU or of the median SUV, and of the smoothness in pixels', () => {
  expect(UNIT_CODE).toEqual(['log noise', 'log FWHM'])
  expect(Math.exp(code('HU', noisy(40, 20))[0]!) / 20).toBeCloseTo(1, 0)
  const [once, twice] = [code('SUVbw', noisy(2, 0.2)), code('SUVbw', noisy(4, 0.4))]
  expect(once[0]).toBeCloseTo(twice[0]!, 4)
  expect(Math.exp(once[0]!) / 0.1).toBeCloseTo(1, 0)
  // a Gaussian of SD 1.5 pixels: FWHM 3.53
  expect(Math.exp(code('HU', noisy(40, 20, 1.5))[1]!) / 3.53).toBeCloseTo(1, 0)
})

it('does not move with an offset in HU, and is finite where nothing can be measured', () => {
  const [here, there] = [code('HU', noisy(0, 20)), code('HU', noisy(-850, 20))]
  for (const k of [0, 1]) expect(there[k]).toBeCloseTo(here[k]!, 3)
  expect(code('HU', new Float32Array(mask.length)).every(Number.isFinite)).toBe(true)
  expect(code('SUVbw', new Float32Array(mask.length)).every(Number.isFinite)).toBe(true)
})
