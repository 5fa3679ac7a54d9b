import { describe, expect, it } from 'vitest'
import { AXIS_ORDERS } from '../kernels/matrix.ts'
import { random } from '../kernels/random.ts'
import { reorient } from '../volume/orientation.ts'
import { middleSlab } from '../volume/slab.ts'
import { toFloat32, type Volume, volumeOf } from '../volume/volume.ts'
import { type Descriptors, descriptorsOf } from './descriptors.ts'

const SIDE = 2
const shape = [48, 56, 52] as const
const affine = [SIDE, 0, 0, -48, 0, SIDE, 0, -56, 0, 0, SIDE, -52, 0, 0, 0, 1]

/** An ellipsoid whose upper part may lie outside the image, with a value for each distance from its centre (1 at the surface). */
function ball(
  value: (radius: number, v: number) => number,
  raisedMm = 0,
): { volume: Volume; mask: Uint8Array } {
  const mask = new Uint8Array(shape[0] * shape[1] * shape[2])
  const data = Float32Array.from(mask, (_, v) => {
    const x = ((v % shape[0]) + 0.5) * SIDE - 48
    const y = ((Math.floor(v / shape[0]) % shape[1]) + 0.5) * SIDE - 56
    const z = (Math.floor(v / shape[0] / shape[1]) + 0.5) * SIDE - 52 - raisedMm
    const radius = Math.hypot(x / 35, y / 42, z / 38)
    mask[v] = radius < 1 ? 1 : 0
    return radius < 1 ? value(radius, v) : 0
  })
  return { volume: volumeOf({ shape, affine }, data), mask }
}

function descriptors({ volume, mask }: { volume: Volume; mask: Uint8Array }, gain = 1): Descriptors {
  const sample = Uint32Array.from([...mask.keys()].filter((v) => mask[v] !== 0))
  const x = toFloat32(volume).map((v) => gain * v)
  return descriptorsOf(x, volume, { mask, sample, slab: middleSlab(volume.shape, mask, 6) })
}

const rng = random(4, 'descriptors')
const noise = Float32Array.from({ length: shape[0] * shape[1] * shape[2] }, () => rng.normal())

describe('descriptors', () => {
  it('of a ramp from 0 to 2 are the quantiles of the uniform distribution', () => {
    const { volume, mask } = ball((_, v) => v)
    const inside = [...mask.keys()].filter((v) => mask[v] !== 0)
    for (const [k, v] of inside.entries()) (volume.data as Float32Array)[v] = (2 * k) / (inside.length - 1)
    const { histogram } = descriptors({ volume, mask })
    for (const [k, q] of histogram.entries()) expect(q).toBeCloseTo((2 * (k + 1)) / 20, 4)
  })

  it('see brightness from the middle to the rim as it is: shells of equal volume end at the cube roots of 1/8, 2/8, ...', () => {
    const { radial } = descriptors(ball((radius) => radius))
    // The mean of r over a shell from a to b of a ball is 3/4 (b^4 - a^4) / (b^3 - a^3); over the whole ball 3/4.
    for (const [k, mean] of radial.entries()) {
      const [a, b] = [Math.cbrt(k / 8), Math.cbrt((k + 1) / 8)]
      expect(Math.abs(mean - (b ** 4 - a ** 4) / (b ** 3 - a ** 3))).toBeLessThan(0.02)
    }
  })

  it('measure noise relative to the brightness', () => {
    const { noise: found } = descriptors(ball((_, v) => 50 + 5 * noise[v]!))
    expect(Math.abs(found / 0.1 - 1)).toBeLessThan(0.1)
  })

  it('say which face cuts the head, and how much of its cross-section', () => {
    const whole = descriptors(ball(() => 1)).cut
    expect(whole).toEqual([0, 0, 0, 0, 0, 0])
    const { cut } = descriptors(ball(() => 1, 30))
    expect(cut.slice(0, 5)).toEqual([0, 0, 0, 0, 0])
    // The upper face lies 22 mm above the centre, at 0.58 of the radius; the last 8 mm have a mean section of about 1 - 0.48^2.
    expect(cut[5]).toBeGreaterThan(0.7)
    expect(cut[5]).toBeLessThan(0.85)
  })

  it('do not depend on the gain', () => {
    const image = ball((radius, v) => 100 - 40 * radius + 3 * noise[v]!)
    const [a, b] = [descriptors(image), descriptors(image, 17)]
    for (const name of ['histogram', 'radial'] as const)
      for (const [k, value] of a[name].entries()) expect(b[name][k]).toBeCloseTo(value, 5)
    expect(b.noise).toBeCloseTo(a.noise, 5)
    expect(b.fwhmMm).toBeCloseTo(a.fwhmMm, 5)
  })

  it.each(AXIS_ORDERS.map((axes) => [axes] as const))(
    'of histogram, contrast and cuts are the same in storage order %s',
    (axes) => {
      const image = ball((radius, v) => 100 - 40 * radius + 3 * noise[v]!, 30)
      const turned = reorient(image.volume, axes, [true, false, true])
      const mask = reorient(volumeOf(image.volume, image.mask), axes, [true, false, true]).data as Uint8Array
      const [a, b] = [descriptors(image), descriptors({ volume: turned, mask })]
      for (const name of ['histogram', 'radial', 'cut'] as const)
        for (const [k, value] of a[name].entries()) expect(b[name][k]).toBeCloseTo(value, 3)
    },
  )
})
