import { decode } from 'fast-png'
import { describe, expect, it } from 'vitest'
import { IDENTITY } from '../src/kernels/matrix.ts'
import { random } from '../src/kernels/random.ts'
import { blurred, matchingBlur } from '../src/metrics/resolution.ts'
import type { Grid } from '../src/volume/volume.ts'
import { jointHistogram } from './joint-histogram.ts'
import { localCurves } from './local-curves.ts'
import { maskExtent } from './mask-extent.ts'
import { drawPlanes } from './pictures.ts'

const cube = (n: number, affine = IDENTITY): Grid => ({ shape: [n, n, n], affine })

describe('pictures', () => {
  // One bright voxel towards the patient's right, front and top of the middle.
  const pixels = (grid: Grid, bright: number): number[] => {
    const x = new Float32Array(16 ** 3)
    x[bright] = 1
    const mask = new Uint8Array(16 ** 3).fill(1)
    const through = [bright % 16, Math.floor(bright / 16) % 16, Math.floor(bright / 256)] as const
    const input = {
      grid,
      before: x,
      after: x,
      target: x,
      mask,
      through,
      window: { low: 0, high: 1 },
      differenceSpan: 1,
    }
    return drawPlanes(input).map(({ images }) => {
      const png = decode(Buffer.from(images[0]?.png ?? '', 'base64'))
      expect([png.width, png.height]).toEqual([16, 16])
      return png.data.indexOf(255)
    })
  }

  it('show right at the right, front and top at the top', () => {
    // Voxel (12, 10, 14): axial column 12, row 15 - 10; coronal column 12, row 15 - 14; sagittal column 10, row 1.
    expect(pixels(cube(16), 12 + 16 * (10 + 16 * 14))).toEqual([12 + 16 * 5, 12 + 16 * 1, 10 + 16 * 1])
  })

  it('look the same however the image is stored', () => {
    // Stored as (S, L, A): first axis S, second runs towards L, third towards A.
    const affine = [0, -1, 0, 15, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1]
    const stored = 14 + 16 * (15 - 12 + 16 * 10)
    expect(pixels(cube(16, affine), stored)).toEqual([12 + 16 * 5, 12 + 16 * 1, 10 + 16 * 1])
  })
})

it('joint histograms count pairs in the mask and in range, target in rows', () => {
  const x = Float32Array.of(0, 1, 1, 3, 9, 1)
  const y = Float32Array.of(0, 3, 3, 0, 0, 1)
  const counts = jointHistogram(x, y, Uint8Array.of(1, 1, 1, 1, 1, 0), { low: 0, high: 4 }, 4)
  expect(counts[0]).toBe(1)
  expect(counts[3 * 4 + 1]).toBe(2)
  expect(counts[3]).toBe(1)
  expect(counts.reduce((a, b) => a + b)).toBe(4)
})

it('mask extents are bounding boxes, or quantiles of positions', () => {
  const mask = new Uint8Array(1000)
  for (let x = 2; x <= 7; x++) for (let y = 1; y <= 4; y++) mask[x + 10 * (y + 10 * 5)] = 1
  expect(maskExtent([10, 10, 10], mask)).toEqual({ low: [2, 1, 5], high: [7, 4, 5] })
  expect(maskExtent([10, 10, 10], mask, 0.2)).toEqual({ low: [3, 1, 5], high: [6, 4, 5] })
})

it('local curves find the map that acts at each place: twice on the left, thrice on the right', () => {
  const grid = cube(80)
  const rng = random(1, 'local curves test')
  const input = Float32Array.from({ length: 80 ** 3 }, () => 100 + 50 * rng.uniform())
  const output = input.map((v, i) => (i % 80 < 40 ? 2 * v : 3 * v))
  const curves = localCurves(grid, input, output, new Uint8Array(80 ** 3).fill(1))
  const slope = (label: string): number => {
    const curve = curves.find((c) => c.label === label)
    return (curve?.output[12] ?? 0) / (curve?.input[12] ?? 1)
  }
  expect(slope('left')).toBeCloseTo(2, 1)
  expect(slope('right')).toBeCloseTo(3, 1)
})

it('matchingBlur finds the blur that separates two images of one anatomy, whatever their gain', () => {
  const grid = cube(40)
  const rng = random(4, 'blur test')
  const balls = Array.from({ length: 50 }, () => Array.from({ length: 5 }, () => rng.uniform()))
  const anatomy = Float32Array.from({ length: 40 ** 3 }, (_, i) => {
    const [x, y, z] = [i % 40, Math.floor(i / 40) % 40, Math.floor(i / 1600)]
    let value = 50
    for (const [a = 0, b = 0, c = 0, radius = 0, level = 0] of balls)
      if (Math.hypot(x - 40 * a, y - 40 * b, z - 40 * c) < 2 + 8 * radius) value = 300 * level
    return value
  })
  const noisy = (x: Float32Array): Float32Array => x.map((v) => v + 2 * rng.normal())
  const mask = new Uint8Array(40 ** 3).fill(1)
  const source = noisy(blurred(anatomy, grid, 1.5)).map((v) => 5 * v + 30)
  const found = matchingBlur(noisy(anatomy), source, grid, mask)
  expect(found).toBeGreaterThan(1.3)
  expect(found).toBeLessThan(1.7)
  expect(matchingBlur(source, noisy(anatomy), grid, mask)).toBe(0)
})
