import { expect, it } from 'vitest'
import { random } from '../kernels/random.ts'
import { localOrder } from './local-order.ts'

const SHAPE = [20, 20, 10] as const
const VOXELS = 4000
const EDGE = [4, 4, 4] as const
/** Two tissues in sheets one voxel thick, with noise. */
function tissues(dark: number, bright: number, seed: number): Float32Array {
  const rng = random(seed, 'tissues')
  return Float32Array.from({ length: VOXELS }, (_, v) => (v % 2 === 0 ? dark : bright) + 5 * rng.normal())
}
const everywhere = new Uint8Array(VOXELS).fill(1)

it('counts cubes of 20 mm, of which at least half lies in the mask', () => {
  const [x, y] = [tissues(100, 200, 1), tissues(50, 300, 2)]
  expect(localOrder(x, y, everywhere, SHAPE, EDGE)).toEqual({ places: 4 * 4 * 2, reversed: 0 })
  // Only the left 10 of 20 columns: two of four cubes.
  const half = everywhere.map((_, v) => (v % 20 < 10 ? 1 : 0))
  expect(localOrder(x, y, half, SHAPE, EDGE).places).toBe(2 * 4 * 2)
  const sliver = everywhere.map((_, v) => (v % 20 < 2 ? 1 : 0))
  expect(localOrder(x, y, sliver, SHAPE, EDGE).places).toBe(0)
})

it('finds tissues that change places, though the image as a whole rises with the other', () => {
  // The lower half is a tenth as bright in both, as fat is to brain: over the whole, bright goes with bright.
  const low = (x: Float32Array): Float32Array => x.map((value, v) => (v < VOXELS / 2 ? value / 10 : value))
  const [x, y] = [low(tissues(180, 220, 1)), low(tissues(220, 180, 2))]
  expect(localOrder(x, y, everywhere, SHAPE, EDGE)).toEqual({ places: 32, reversed: 32 })
})

it('is blind to what no curve changes: gain, a bent curve, shading from cube to cube', () => {
  const x = tissues(100, 200, 1)
  const y = x.map((value, v) => Math.sqrt(value) * (1 + 0.5 * Math.floor((v % 20) / 5)))
  expect(localOrder(x, y, everywhere, SHAPE, EDGE).reversed).toBe(0)
})

it('takes images without anything in common for reversed in few places, and leaves out what is flat or no number', () => {
  const noise = (seed: number): Float32Array => tissues(100, 100, seed)
  let reversed = 0
  for (let seed = 0; seed < 30; seed++)
    reversed += localOrder(noise(seed), noise(100 + seed), everywhere, SHAPE, EDGE).reversed
  // 960 cubes at 1 of 1000: above 6 with probability 0.0001 (Poisson).
  expect(reversed).toBeLessThanOrEqual(6)
  expect(localOrder(new Float32Array(VOXELS), noise(1), everywhere, SHAPE, EDGE).places).toBe(0)
  expect(localOrder(noise(1).fill(Number.NaN), noise(2), everywhere, SHAPE, EDGE).places).toBe(0)
})
