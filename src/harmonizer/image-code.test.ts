import { describe, expect, it } from 'vitest'
import { LATTICE } from '../kernels/lattice.ts'
import { random } from '../kernels/random.ts'
import { CODE_FIELDS, imageCode, sharedCode } from './image-code.ts'

/** A ball of two tissues with noise. */
function ball(noise: number, seed = 1): { image: Float32Array; mask: Float32Array } {
  const rng = random(seed, 'ball')
  const [nr, na, ns] = LATTICE.shape
  const image = new Float32Array(LATTICE.points)
  const mask = new Float32Array(LATTICE.points)
  for (let r = 0, i = 0; r < nr; r++)
    for (let a = 0; a < na; a++)
      for (let s = 0; s < ns; s++, i++) {
        const radius = Math.hypot(r - nr / 2, a - na / 2, s - ns / 2)
        if (radius > 40) continue
        mask[i] = 1
        image[i] = (radius > 25 ? 60 : 100) + noise * rng.normal()
      }
  return { image, mask }
}
const field = (code: Float32Array, name: string): number => code[CODE_FIELDS.indexOf(name)]!

describe('the code of an image', () => {
  it('does not depend on its gain', () => {
    const { image, mask } = ball(3)
    const louder = imageCode({ image: image.map((value) => 7 * value), mask }, {})
    for (const [k, value] of imageCode({ image, mask }, {}).entries()) expect(louder[k]).toBeCloseTo(value, 4)
  })

  it('measures noise over the bright level', () => {
    expect(field(imageCode(ball(5), {}), 'noise')).toBeCloseTo(0.05, 2)
    expect(field(imageCode(ball(1), {}), 'noise')).toBeCloseTo(0.01, 2)
  })

  it('writes the acquisition where it is known, and counts it as typical elsewhere', () => {
    const known = imageCode(ball(2), { fieldStrength: 1.5 })
    expect(field(known, 'log fieldStrength')).toBeCloseTo(Math.log(0.5), 6)
    expect(field(known, 'fieldStrength known')).toBe(1)
    expect(field(known, 'log echoTime')).toBe(0)
    expect(field(known, 'echoTime known')).toBe(0)
  })

  it('is finite whatever it is shown', () => {
    const { image, mask } = ball(2)
    const holes = image.map((value, i) => (i % 5 === 0 ? Number.NaN : value))
    const few = Float32Array.from(mask, (_, i) => (i < 4 ? 1 : 0))
    for (const code of [imageCode({ image: holes, mask }, {}), imageCode({ image, mask: few }, {})]) {
      expect(code.length).toBe(CODE_FIELDS.length)
      expect(code.every(Number.isFinite)).toBe(true)
    }
  })
})

describe('one code for several visits', () => {
  const [quiet, noisy] = [imageCode(ball(1), { fieldStrength: 1.5 }), imageCode(ball(5), {})]

  it('is the code itself where all visits have the same', () => {
    expect(sharedCode([noisy])).toEqual(noisy)
    expect(sharedCode([quiet, quiet])).toEqual(quiet)
  })

  it('is the mean of what was measured, the same for each visit', () => {
    const shared = sharedCode([quiet, noisy])
    expect(field(shared, 'noise')).toBeCloseTo((field(quiet, 'noise') + field(noisy, 'noise')) / 2, 6)
    expect(sharedCode([noisy, quiet])).toEqual(shared)
  })

  it('takes the header from the visits that have one, and knows nothing where none has', () => {
    const third = imageCode(ball(2), { fieldStrength: 3 })
    const shared = sharedCode([noisy, quiet, third])
    expect(field(shared, 'fieldStrength known')).toBe(1)
    expect(field(shared, 'log fieldStrength')).toBeCloseTo(Math.log(0.5) / 2, 6) // mean of log(1.5 / 3) and log(3 / 3)
    expect(field(shared, 'echoTime known')).toBe(0)
    expect(field(shared, 'log echoTime')).toBe(0)
  })
})
