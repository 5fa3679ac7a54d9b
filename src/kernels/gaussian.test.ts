import fc from 'fast-check'
import { expect, it } from 'vitest'
import { gaussianSmooth } from './gaussian.ts'
import { random } from './random.ts'

const noise = (n: number, seed = 1): Float32Array => {
  const draw = random(seed)
  return Float32Array.from({ length: n }, () => draw.normal())
}

/** Directly from the definition: every voxel against every voxel within 4 sigma along each axis. */
function naive(
  x: Float32Array,
  [nx, ny, nz]: readonly [number, number, number],
  sigma: readonly number[],
): Float32Array {
  const weight = (distance: number, s: number): number =>
    s === 0
      ? Number(distance === 0)
      : Math.abs(distance) <= Math.floor(4 * s + 0.5)
        ? Math.exp(-(distance ** 2) / (2 * s * s))
        : 0
  return x.map((_, v) => {
    const [i, j, k] = [v % nx, Math.floor(v / nx) % ny, Math.floor(v / nx / ny)]
    let [sum, total] = [0, 0]
    for (let c = 0; c < nz; c++)
      for (let b = 0; b < ny; b++)
        for (let a = 0; a < nx; a++) {
          const w = weight(a - i, sigma[0]!) * weight(b - j, sigma[1]!) * weight(c - k, sigma[2]!)
          sum += w * x[(c * ny + b) * nx + a]!
          total += w
        }
    return sum / total
  })
}

it('equals the definition, axis by axis, up to the border', () => {
  for (const sigma of [
    [1, 1, 1],
    [0.4, 0, 2],
    [0, 1.3, 0],
    [0, 0, 0],
  ] as const) {
    const shape = [7, 6, 5] as const
    const x = noise(210)
    const [fast, slow] = [gaussianSmooth(x, shape, sigma), naive(x, shape, sigma)]
    for (let v = 0; v < x.length; v++) expect(fast[v]).toBeCloseTo(slow[v]!, 5)
  }
})
it('leaves a constant as it is and its input untouched', () => {
  const x = new Float32Array(60).fill(3)
  for (const value of gaussianSmooth(x, [5, 4, 3], [2, 2, 2])) expect(value).toBeCloseTo(3, 6)
  expect(x.every((value) => value === 3)).toBe(true)
})
it('gives a point the standard deviation asked for', () => {
  const n = 41
  const x = new Float32Array(n ** 3)
  x[(20 * n + 20) * n + 20] = 1
  const sigma = [2, 1.5, 3] as const
  const y = gaussianSmooth(x, [n, n, n], sigma)
  const variance = [0, 0, 0]
  let total = 0
  for (let v = 0; v < y.length; v++) {
    const at = [v % n, Math.floor(v / n) % n, Math.floor(v / n / n)]
    total += y[v]!
    for (const axis of [0, 1, 2]) variance[axis]! += y[v]! * (at[axis]! - 20) ** 2
  }
  expect(total).toBeCloseTo(1, 5)
  for (const axis of [0, 1, 2]) expect(Math.sqrt(variance[axis]!)).toBeCloseTo(sigma[axis]!, 1)
})
it('never leaves the range of its input', () => {
  const sigma = fc.double({ min: 0, max: 3, noNaN: true })
  fc.assert(
    fc.property(fc.tuple(sigma, sigma, sigma), fc.integer(), (sigmas, seed) => {
      const x = noise(60, seed)
      const y = gaussianSmooth(x, [3, 4, 5], sigmas)
      expect(Math.max(...y)).toBeLessThanOrEqual(Math.max(...x) + 1e-5)
      expect(Math.min(...y)).toBeGreaterThanOrEqual(Math.min(...x) - 1e-5)
    }),
  )
})
