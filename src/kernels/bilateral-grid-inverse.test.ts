import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type BilateralGrid, sliceBilateralGrid } from './bilateral-grid.ts'
import { risesEverywhere, unsliceBilateralGrid } from './bilateral-grid-inverse.ts'
import { AXIS_ORDERS } from './matrix.ts'
import { random } from './random.ts'

const UNSCALED = { slope: 1, intercept: 0 }
const knots = [0, 10, 40, 100]

/** Curves of slopes 0.25 to 4, over axes that may be permuted and reversed. */
function gridOf(seed: number, order: number): BilateralGrid {
  const source = random(seed)
  const cells = [3, 2, 4] as const
  const curves = Array.from({ length: 24 }, () => {
    let value = 0
    return knots.map((knot, k) => (value += k === 0 ? 0 : (knot - knots[k - 1]!) * source.between(0.25, 4)))
  }).flat()
  const along = AXIS_ORDERS[order]!
  const axes = [0, 1, 2].map((stored) => ({
    along: along[stored as 0 | 1 | 2],
    origin: source.between(-1, 3),
    step: source.between(-0.7, 0.7),
  })) as unknown as BilateralGrid['axes']
  return { curves, cells, knots, axes }
}

it('undoes the way there, at every place, below, between and above the knots', () => {
  const shape = [5, 4, 6] as const
  fc.assert(
    fc.property(fc.nat(), fc.nat({ max: 5 }), (seed, order) => {
      const grid = gridOf(seed, order)
      const source = random(seed, 'values')
      const x = Float32Array.from({ length: 120 }, () => source.between(-30, 160))
      const there = new Float32Array(x.length)
      sliceBilateralGrid(there, x, UNSCALED, shape, grid)
      const back = unsliceBilateralGrid(there, shape, grid)
      for (const [i, value] of x.entries()) expect(Math.abs(back[i]! - value)).toBeLessThan(1e-3)
    }),
    { numRuns: 30 },
  )
})

it('reads half way between a curve of slope 1 and one of slope 3 as slope 2', () => {
  const line = (slope: number): number[] => [0, 10 * slope]
  const [once, thrice] = [line(1), line(3)]
  const curves = [...once, ...once, ...once, ...once, ...thrice, ...thrice, ...thrice, ...thrice]
  const middle = { along: 0, origin: 0.5, step: 0 } as const
  const grid: BilateralGrid = {
    ...{ curves, cells: [2, 2, 2], knots: [0, 10] },
    axes: [middle, { along: 1, origin: 0, step: 0 }, { along: 2, origin: 0, step: 0 }],
  }
  const back = unsliceBilateralGrid(Float32Array.of(0, 10, 40, -4, Number.NaN), [5, 1, 1], grid)
  expect([...back]).toEqual([0, 5, 20, -2, Number.NaN])
})

it('knows curves that are flat somewhere, through which there is no way back', () => {
  const grid = gridOf(1, 0)
  expect(risesEverywhere(grid)).toBe(true)
  const flat = Array.from(grid.curves)
  flat[6] = flat[5]!
  expect(risesEverywhere({ ...grid, curves: flat })).toBe(false)
})
