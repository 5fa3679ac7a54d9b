import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type BilateralGrid, sliceBilateralGrid } from './bilateral-grid.ts'
import { AXIS_ORDERS } from './matrix.ts'
import { random } from './random.ts'

type Triple = readonly [number, number, number]
const UNSCALED = { slope: 1, intercept: 0 }

/** A grid of increasing curves that begin at 0. */
function gridOf(
  seed: number,
  cells: Triple,
  bins: number,
  along: readonly [0 | 1 | 2, 0 | 1 | 2, 0 | 1 | 2],
): BilateralGrid {
  const source = random(seed)
  const knots = [0]
  for (let k = 0; k < bins; k++) knots.push(knots[k]! + source.between(0.01, 90))
  const curves: number[] = []
  for (let c = 0; c < cells[0] * cells[1] * cells[2]; c++)
    for (let k = 0, value = 0; k <= bins; k++, value += source.between(0, 50)) curves.push(value)
  const axis = (stored: 0 | 1 | 2): BilateralGrid['axes'][0] => ({
    along: along[stored],
    origin: source.between(-1, cells[along[stored]]),
    step: source.between(-0.7, 0.7),
  })
  return { curves, cells, knots, axes: [axis(0), axis(1), axis(2)] }
}

/** The definition: eight curves around the voxel, each read linearly at its value; the mean curve's slopes beyond the knots. */
function naive(grid: BilateralGrid, voxel: Triple, value: number): number {
  const { curves, cells, knots, axes } = grid
  const last = knots.length - 1
  const within = Math.min(Math.max(value, 0), knots[last]!)
  if (value !== within) {
    const k = value < within ? 0 : last - 1
    const rises = Array.from({ length: cells[0] * cells[1] * cells[2] }, (_, cell) => {
      const at = cell * knots.length + k
      return (curves[at + 1]! - curves[at]!) / (knots[k + 1]! - knots[k]!)
    })
    const slope = rises.reduce((sum, rise) => sum + rise, 0) / rises.length
    return naive(grid, voxel, within) + slope * (value - within)
  }
  let bin = 0
  for (let k = 1; k < last; k++) if (value >= knots[k]!) bin = k
  const share = (value - knots[bin]!) / (knots[bin + 1]! - knots[bin]!)
  const at = [0, 0, 0]
  for (const stored of [0, 1, 2] as const) {
    const { along, origin, step } = axes[stored]
    at[along] = Math.min(Math.max(origin + voxel[stored] * step, 0), cells[along] - 1)
  }
  let sum = 0
  for (let corner = 0; corner < 8; corner++) {
    let weight = 1
    let cell = 0
    for (const axis of [0, 1, 2] as const) {
      const low = Math.floor(at[axis]!)
      const up = (corner >> axis) & 1
      weight *= up === 1 ? at[axis]! - low : 1 - (at[axis]! - low)
      cell = cell * cells[axis] + Math.min(low + up, cells[axis] - 1)
    }
    const from = cell * knots.length + bin
    sum += weight * (curves[from]! + share * (curves[from + 1]! - curves[from]!))
  }
  return sum
}

describe('sliceBilateralGrid', () => {
  it('reads half way between two cells and half way between two knots', () => {
    const cell = (top: number): number[] => [0, top / 2, top]
    const curves = [10, 10, 10, 10, 30, 30, 30, 30].flatMap(cell)
    const axis = (along: 0 | 1 | 2, origin: number): BilateralGrid['axes'][0] => ({ along, origin, step: 1 })
    const grid: BilateralGrid = {
      curves,
      cells: [2, 2, 2],
      knots: [0, 100, 200],
      axes: [axis(0, 0.5), axis(1, 0), axis(2, 0)],
    }
    const out = new Float32Array(2)
    sliceBilateralGrid(out, Int16Array.of(150, 150), UNSCALED, [2, 1, 1], grid)
    // place 0.5: curve (0, 10, 20), at 150: 15; place 1.5, clamped to 1: curve (0, 15, 30), at 150: 22.5
    expect([...out]).toEqual([15, 22.5])
  })

  it('continues beyond the knots with the outer slopes of the mean curve', () => {
    const steep = [0, 40, 100]
    const flat = [0, 20, 40]
    const axis = (along: 0 | 1 | 2): BilateralGrid['axes'][0] => ({ along, origin: 0, step: 1 })
    const grid: BilateralGrid = {
      curves: [steep, steep, steep, steep, flat, flat, flat, flat].flat(),
      cells: [2, 2, 2],
      knots: [0, 10, 20],
      axes: [axis(0), axis(1), axis(2)],
    }
    for (const Type of [Int16Array, Int32Array]) {
      const out = new Float32Array(4)
      sliceBilateralGrid(out, Type.of(25, 25, -5, -5), UNSCALED, [2, 2, 1], grid)
      // the mean curve is (0, 30, 70): slope 4 above, 3 below
      expect([...out]).toEqual([100 + 5 * 4, 40 + 5 * 4, -15, -15])
    }
  })

  it('is the definition, for any storage order, flip, knots and sample type', () => {
    const types = [Int16Array, Uint16Array, Int8Array, Uint8Array, Float32Array, Float64Array, Int32Array]
    fc.assert(
      fc.property(
        fc.integer(),
        fc.constantFrom(...AXIS_ORDERS),
        fc.tuple(
          fc.integer({ min: 2, max: 5 }),
          fc.integer({ min: 2, max: 5 }),
          fc.integer({ min: 2, max: 5 }),
        ),
        fc.tuple(
          fc.integer({ min: 1, max: 9 }),
          fc.integer({ min: 1, max: 6 }),
          fc.integer({ min: 1, max: 5 }),
        ),
        fc.integer({ min: 1, max: 14 }),
        fc.constantFrom(...types),
        fc.constantFrom(UNSCALED, { slope: 0.37, intercept: -4 }, { slope: -2, intercept: 300 }),
        (seed, order, cells, shape, bins, Type, scale) => {
          const grid = gridOf(seed, cells, bins, order)
          const source = random(seed, 'data')
          const values = Array.from({ length: shape[0] * shape[1] * shape[2] }, () =>
            source.between(-50, 900),
          )
          const data = Type.from(values)
          const out = new Float32Array(data.length)
          sliceBilateralGrid(out, data, scale, shape, grid)
          for (let z = 0, i = 0; z < shape[2]; z++)
            for (let y = 0; y < shape[1]; y++)
              for (let x = 0; x < shape[0]; x++, i++) {
                const value = data[i]! * scale.slope + scale.intercept
                const expected = naive(grid, [x, y, z], value)
                expect(Math.abs(out[i]! - expected)).toBeLessThan(1e-6 * Math.max(1, Math.abs(expected)))
              }
        },
      ),
    )
  })

  it('meets every knot exactly, even where knots lie close together', () => {
    const knots = [0, 1e-7, 2e-7, 0.5, 0.5000001, 700, 1000]
    const values = [0, 3, 4, 10, 12, 20, 25]
    const grid: BilateralGrid = {
      curves: Array.from({ length: 8 }, () => values).flat(),
      cells: [2, 2, 2],
      knots,
      axes: [0, 1, 2].map((along) => ({ along, origin: 0, step: 0.1 })) as unknown as BilateralGrid['axes'],
    }
    const out = new Float32Array(knots.length)
    sliceBilateralGrid(out, Float64Array.from(knots), UNSCALED, [knots.length, 1, 1], grid)
    for (const [k, value] of values.entries()) expect(out[k]).toBeCloseTo(value, 4)
  })

  it('keeps 0 exactly 0 and NaN NaN, and continues beyond the knots', () => {
    const grid = gridOf(5, [3, 4, 3], 6, [0, 1, 2])
    const top = grid.knots.at(-1)!
    const data = Float32Array.of(0, Number.NaN, -0, top + 1000, -30)
    const out = new Float32Array(5)
    sliceBilateralGrid(out, data, UNSCALED, [5, 1, 1], grid)
    expect([out[0], out[1]]).toEqual([0, Number.NaN])
    expect(out[2]! === 0).toBe(true)
    expect(out[3]).toBeCloseTo(naive(grid, [3, 0, 0], data[3]!), 2)
    expect(out[4]).toBeCloseTo(naive(grid, [4, 0, 0], -30), 2)
  })

  it('keeps the order of intensities at one place', () => {
    const grid = gridOf(8, [4, 4, 4], 9, [2, 0, 1])
    const data = Float32Array.from({ length: 1200 }, (_, i) => i)
    const still = {
      ...grid,
      axes: grid.axes.map((axis) => ({ ...axis, step: 0 })) as unknown as BilateralGrid['axes'],
    }
    const out = new Float32Array(data.length)
    sliceBilateralGrid(out, data, UNSCALED, [data.length, 1, 1], still)
    for (let i = 1; i < out.length; i++) expect(out[i]).toBeGreaterThanOrEqual(out[i - 1]!)
  })

  it('writes the asked slices only, and the same voxels as a whole pass', () => {
    const grid = gridOf(3, [3, 3, 3], 4, [1, 2, 0])
    const shape: Triple = [5, 4, 6]
    const data = Float32Array.from({ length: 120 }, (_, i) => (i * 37) % 200)
    const whole = new Float32Array(120)
    sliceBilateralGrid(whole, data, UNSCALED, shape, grid)
    const parts = new Float32Array(120).fill(-1)
    sliceBilateralGrid(parts, data, UNSCALED, shape, grid, 2, 5)
    for (let i = 0; i < 120; i++) expect(parts[i]).toBe(i >= 40 && i < 100 ? whole[i] : -1)
  })
})
