import { expect, it } from 'vitest'
import { random } from '../kernels/random.ts'
import type { Shape } from '../volume/volume.ts'
import { ssim } from './ssim.ts'

const rng = random(7, 'ssim test')
const noise = (n: number, scale: number): Float32Array =>
  Float32Array.from({ length: n }, () => 100 + scale * rng.normal())

/** The definition, voxel by voxel, with a full three-dimensional window and mirrored indices. */
function naive(
  x: Float32Array,
  y: Float32Array,
  [nx, ny, nz]: Shape,
  mask: Uint8Array,
  range: number,
): number {
  const mirror = (p: number, n: number): number => (p < 0 ? -1 - p : p >= n ? 2 * n - 1 - p : p)
  const weights: number[] = []
  for (let c = -5; c <= 5; c++)
    for (let b = -5; b <= 5; b++)
      for (let a = -5; a <= 5; a++) weights.push(Math.exp(-(a * a + b * b + c * c) / (2 * 1.5 ** 2)))
  const total = weights.reduce((s, w) => s + w, 0)
  let sum = 0
  let n = 0
  for (let k = 0; k < nz; k++)
    for (let j = 0; j < ny; j++)
      for (let i = 0; i < nx; i++) {
        if (mask[i + nx * (j + ny * k)] === 0) continue
        let [mx, my, xx, yy, xy] = [0, 0, 0, 0, 0]
        let w = 0
        for (let c = -5; c <= 5; c++)
          for (let b = -5; b <= 5; b++)
            for (let a = -5; a <= 5; a++) {
              const at = mirror(i + a, nx) + nx * (mirror(j + b, ny) + ny * mirror(k + c, nz))
              const weight = weights[w++]! / total
              mx += weight * x[at]!
              my += weight * y[at]!
              xx += weight * x[at]! ** 2
              yy += weight * y[at]! ** 2
              xy += weight * x[at]! * y[at]!
            }
        const [c1, c2] = [(0.01 * range) ** 2, (0.03 * range) ** 2]
        sum +=
          ((2 * mx * my + c1) * (2 * (xy - mx * my) + c2)) /
          ((mx * mx + my * my + c1) * (xx - mx * mx + yy - my * my + c2))
        n++
      }
  return sum / n
}

it('equals the definition with a full window, on an odd grid and a mask that touches a face', () => {
  const shape: Shape = [9, 14, 11]
  const x = noise(9 * 14 * 11, 20)
  const y = x.map((v, i) => 0.8 * v + 10 * Math.sin(i))
  const mask = Uint8Array.from(x, (_, i) => (i % 7 === 0 && i < 700 ? 1 : 0))
  expect(ssim(x, y, shape, mask, 120)).toBeCloseTo(naive(x, y, shape, mask, 120), 10)
})

it('sees the same window when the mask is far from the faces of a larger image', () => {
  const shape: Shape = [24, 20, 22]
  const x = noise(24 * 20 * 22, 20)
  const y = noise(24 * 20 * 22, 20)
  const mask = new Uint8Array(x.length)
  for (const i of [12, 13, 14]) mask[i + 24 * (10 + 20 * 11)] = 1
  expect(ssim(x, y, shape, mask, 50)).toBeCloseTo(naive(x, y, shape, mask, 50), 10)
})

it('is 1 for equal images and NaN for an empty mask', () => {
  const shape: Shape = [12, 12, 12]
  const x = noise(1728, 5)
  expect(ssim(x, x, shape, new Uint8Array(1728).fill(1), 20)).toBeCloseTo(1, 12)
  expect(ssim(x, x, shape, new Uint8Array(1728), 20)).toBeNaN()
})

it('of two constants a and b is the luminance term (2ab + C1) / (a² + b² + C1)', () => {
  const shape: Shape = [12, 12, 12]
  const [a, b, c1] = [10, 30, (0.01 * 100) ** 2]
  const constant = (v: number): Float32Array => new Float32Array(1728).fill(v)
  const expected = (2 * a * b + c1) / (a * a + b * b + c1)
  expect(ssim(constant(a), constant(b), shape, new Uint8Array(1728).fill(1), 100)).toBeCloseTo(expected, 9)
})
