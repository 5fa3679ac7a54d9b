import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Affine, IDENTITY, invert, multiply, transformPoint, type Vector3 } from '../kernels/matrix.ts'
import { random } from '../kernels/random.ts'
import { type Grid, toFloat32, volumeOf } from '../volume/volume.ts'
import { fieldsOverlap } from './overlap.ts'
import { type Interpolation, resample } from './resample.ts'

const number = (low: number, high: number) => fc.double({ min: low, max: high, noNaN: true })
const turned = fc
  .tuple(
    number(-3, 3),
    number(-3, 3),
    number(0.7, 1.4),
    fc.tuple(number(-3, 3), number(-3, 3), number(-3, 3)),
  )
  .map(([a, b, size, [x, y, z]]): Affine => {
    const [ca, sa, cb, sb] = [Math.cos(a), Math.sin(a), Math.cos(b), Math.sin(b)]
    const about = [ca, -sa, 0, x, sa, ca, 0, y, 0, 0, 1, z, 0, 0, 0, 1]
    const tilt = [1, 0, 0, 0, 0, cb, -sb, 0, 0, sb, cb, 0, 0, 0, 0, 1]
    return multiply(about, multiply(tilt, [size, 0, 0, -3, 0, size, 0, -3, 0, 0, size, -3, 0, 0, 0, 1]))
  })
const shape = [7, 8, 6] as const
const positions = ({ shape: [nx, ny, nz] }: Grid): Vector3[] =>
  Array.from({ length: nx * ny * nz }, (_, v) => [v % nx, Math.floor(v / nx) % ny, Math.floor(v / nx / ny)])
const filled = (grid: Grid, f: (p: Vector3) => number) =>
  volumeOf(
    grid,
    Float32Array.from(positions(grid), (p) => f(transformPoint(grid.affine, p))),
  )
const noise = (grid: Grid) => {
  const draw = random(3)
  return filled(grid, () => draw.normal())
}
const keys = (t: number): number => {
  const s = Math.abs(t)
  return s < 1 ? 1.5 * s ** 3 - 2.5 * s ** 2 + 1 : s < 2 ? -0.5 * s ** 3 + 2.5 * s ** 2 - 4 * s + 2 : 0
}
const sinc = (t: number): number => (t === 0 ? 1 : Math.sin(Math.PI * t) / (Math.PI * t))
const lanczos = (t: number): number => (Math.abs(t) < 3 ? sinc(t) * sinc(t / 3) : 0)
const WEIGHT = { linear: (t: number) => Math.max(0, 1 - Math.abs(t)), cubic: keys, sinc: lanczos }

describe.each(['linear', 'cubic', 'sinc', 'nearest'] as const)('%s', (interpolation: Interpolation) => {
  it('gives the image back on its own grid', () => {
    fc.assert(
      fc.property(turned, (affine) => {
        const volume = noise({ shape, affine })
        const same = toFloat32(resample(volume, volume, interpolation, Number.NaN))
        const error = same.map((value, v) => Math.abs(value - volume.data[v]!))
        expect(Math.max(...error)).toBeLessThan(1e-5)
      }),
      { numRuns: 30 },
    )
  })
  it('reads every position as the definition says, and `outside` beyond the field of view', () => {
    fc.assert(
      fc.property(turned, turned, (from, to) => {
        const volume = noise({ shape, affine: from })
        const grid: Grid = { shape: [5, 6, 7], affine: to }
        const found = toFloat32(resample(volume, grid, interpolation, -99))
        const map = multiply(invert(from)!, to)
        for (const [v, p] of positions(grid).entries()) {
          const q = transformPoint(map, p)
          const beyond = Math.max(...q.map((value, a) => Math.max(-value, value - (shape[a]! - 1))))
          const edge = interpolation === 'nearest' ? 0.5 : 0
          if (Math.abs(beyond - edge) < 1e-3) continue
          if (beyond > edge) {
            expect(found[v]).toBe(-99)
            continue
          }
          if (interpolation === 'nearest') {
            if (q.some((value) => Math.abs(value - Math.floor(value) - 0.5) < 1e-6)) continue
            const [i, j, k] = q.map(Math.round) as [number, number, number]
            expect(found[v]).toBe(volume.data[(k * shape[1] + j) * shape[0] + i])
            continue
          }
          let [sum, weights] = [0, 0]
          const base = q.map(Math.floor)
          const held = (a: number, t: number): number => Math.min(shape[a]! - 1, Math.max(0, base[a]! + t))
          for (let c = -2; c <= 3; c++)
            for (let b = -2; b <= 3; b++)
              for (let a = -2; a <= 3; a++) {
                const w = [a, b, c].reduce(
                  (product, t, axis) => product * WEIGHT[interpolation](base[axis]! + t - q[axis]!),
                  1,
                )
                weights += w
                sum += w * volume.data[(held(2, c) * shape[1] + held(1, b)) * shape[0] + held(0, a)]!
              }
          expect(found[v]).toBeCloseTo(sum / weights, 4)
        }
      }),
      { numRuns: 40 },
    )
  })
})

it('linear follows a plane in world coordinates through any two grids', () => {
  fc.assert(
    fc.property(turned, turned, (from, to) => {
      const plane = ([x, y, z]: Vector3): number => 2 * x - 3 * y + 0.5 * z + 7
      const grid: Grid = { shape: [4, 5, 6], affine: to }
      const found = toFloat32(resample(filled({ shape, affine: from }, plane), grid, 'linear', Number.NaN))
      for (const [v, p] of positions(grid).entries())
        if (!Number.isNaN(found[v])) expect(found[v]).toBeCloseTo(plane(transformPoint(to, p)), 3)
    }),
    { numRuns: 40 },
  )
})
it('a NaN stays where it is when voxels fall on voxels', () => {
  const data = Float32Array.of(1, Number.NaN, 3, 4)
  const volume = volumeOf({ shape: [4, 1, 1], affine: IDENTITY }, data)
  for (const interpolation of ['linear', 'cubic', 'nearest'] as const)
    expect([...resample(volume, volume, interpolation).data]).toEqual([1, Number.NaN, 3, 4])
})
it('records the step and keeps unit and history', () => {
  const volume = volumeOf({ shape: [1, 1, 1], affine: IDENTITY }, Int16Array.of(4), {
    unit: 'HU',
    scale: { slope: 2, intercept: 1 },
  })
  const grid: Grid = { shape: [1, 1, 1], affine: IDENTITY }
  const result = resample(volume, grid, 'nearest')
  expect(result.data).toEqual(Float32Array.of(9))
  expect(result.unit).toBe('HU')
  expect(result.history).toEqual([
    { op: 'resample', params: { ...grid, interpolation: 'nearest', outside: 0 } },
  ])
})

describe('fieldsOverlap', () => {
  it('agrees with looking for a common point', () => {
    const box = fc.tuple(turned, fc.tuple(number(-9, 9), number(-9, 9), number(-9, 9))).map(
      ([affine, shift]): Grid => ({
        shape: [5, 6, 3],
        affine: affine.map((v, k) => (k % 4 === 3 && k < 12 ? v + shift[(k - 3) / 4]! : v)),
      }),
    )
    const inside = (grid: Grid, p: Vector3, margin: number): boolean =>
      transformPoint(invert(grid.affine)!, p).every(
        (q, a) => q > -0.5 - margin && q < grid.shape[a]! - 0.5 + margin,
      )
    const points = ({ shape: s, affine }: Grid): Vector3[] =>
      Array.from({ length: 21 ** 3 }, (_, v) =>
        transformPoint(affine, [
          ((v % 21) / 20) * s[0] - 0.5,
          ((Math.floor(v / 21) % 21) / 20) * s[1] - 0.5,
          (Math.floor(v / 441) / 20) * s[2] - 0.5,
        ]),
      )
    fc.assert(
      fc.property(box, box, (a, b) => {
        const shared = points(a).some((p) => inside(b, p, -1e-6))
        const apart = !points(a).some((p) => inside(b, p, 0.4))
        if (shared) expect(fieldsOverlap(a, b)).toBe(true)
        if (apart) expect(fieldsOverlap(a, b)).toBe(false)
        expect(fieldsOverlap(b, a)).toBe(fieldsOverlap(a, b))
      }),
      { numRuns: 60 },
    )
  })
  it('boxes that only touch do not overlap', () => {
    const at = (x: number): Grid => ({ shape: [2, 2, 2], affine: IDENTITY.map((v, k) => (k === 3 ? x : v)) })
    expect(fieldsOverlap(at(0), at(2))).toBe(false)
    expect(fieldsOverlap(at(0), at(1.99))).toBe(true)
  })
})
