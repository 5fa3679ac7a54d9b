import fc from 'fast-check'
import { expect, it } from 'vitest'
import { gaussianSmooth } from './gaussian.ts'
import { random } from './random.ts'

const noise = (n: number, seed = 1): Float32Array => {
  const draw = random(seed)
  return Float32Array.from({ length: n }, () => draw.normal())
}

/** e^-t I_n(t) = 1/pi times the integral of exp(t (cos a - 1)) cos(n a) from 0 to pi, by the trapezoid rule. */
function discreteGaussian(n: number, sigma: number): number {
  if (sigma === 0) return Number(n === 0)
  const steps = 400
  let sum = 0
  for (let i = 0; i <= steps; i++) {
    const angle = (Math.PI * i) / steps
    sum += (i % steps === 0 ? 0.5 : 1) * Math.exp(sigma ** 2 * (Math.cos(angle) - 1)) * Math.cos(n * angle)
  }
  return sum / steps
}

/** Directly from the definition: every voxel against every voxel of the image. */
function naive(
  x: Float32Array,
  [nx, ny, nz]: readonly [number, number, number],
  sigma: readonly number[],
): Float32Array {
  const tables = sigma.map((s) =>
    Float64Array.from({ length: Math.max(nx, ny, nz) }, (_, n) => discreteGaussian(n, s)),
  )
  const weight = (distance: number, axis: number): number => tables[axis]![Math.abs(distance)]!
  return x.map((_, v) => {
    const [i, j, k] = [v % nx, Math.floor(v / nx) % ny, Math.floor(v / nx / ny)]
    let [sum, total] = [0, 0]
    for (let c = 0; c < nz; c++)
      for (let b = 0; b < ny; b++)
        for (let a = 0; a < nx; a++) {
          const w = weight(a - i, 0) * weight(b - j, 1) * weight(c - k, 2)
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
    for (let v = 0; v < x.length; v++) expect(fast[v]).toBeCloseTo(slow[v]!, 3)
  }
})
it('leaves a constant as it is and its input untouched', () => {
  const x = new Float32Array(60).fill(3)
  for (const value of gaussianSmooth(x, [5, 4, 3], [2, 2, 2])) expect(value).toBeCloseTo(3, 6)
  expect(x.every((value) => value === 3)).toBe(true)
})
it('gives a point the standard deviation asked for, however small', () => {
  const n = 41
  const x = new Float32Array(n ** 3)
  x[(20 * n + 20) * n + 20] = 1
  for (const sigma of [
    [2, 1.5, 3],
    [0.15, 0.4, 0.7],
    [0.3, 1, 0.05],
  ] as const) {
    const y = gaussianSmooth(x, [n, n, n], sigma)
    const variance = [0, 0, 0]
    let total = 0
    for (let v = 0; v < y.length; v++) {
      const at = [v % n, Math.floor(v / n) % n, Math.floor(v / n / n)]
      total += y[v]!
      for (const axis of [0, 1, 2]) variance[axis]! += y[v]! * (at[axis]! - 20) ** 2
    }
    expect(total).toBeCloseTo(1, 5)
    for (const axis of [0, 1, 2]) expect(Math.sqrt(variance[axis]!) / sigma[axis]!).toBeCloseTo(1, 2)
  }
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
