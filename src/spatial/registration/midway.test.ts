import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Affine,
  IDENTITY,
  invert,
  multiply,
  transformPoint,
  type Vector3,
} from '../../kernels/matrix.ts'
import { random } from '../../kernels/random.ts'
import { type Grid, toFloat32, volumeOf, voxelSize } from '../../volume/volume.ts'
import { resample } from '../resample.ts'
import { edgesOf, gridAround, turnOf } from './lattice.ts'
import { midwayOf } from './midway.ts'
import { rigidExp } from './rigid.ts'

const coordinate = (most: number) => fc.double({ min: -most, max: most, noNaN: true })
const vector = (most: number) => fc.tuple(coordinate(most), coordinate(most), coordinate(most))
const nearby = fc.record({ angular: vector(0.2), linear: vector(20) }).map(rigidExp)
const farthest = (a: Affine, b: Affine): number => Math.max(...a.map((value, k) => Math.abs(value - b[k]!)))
const scan = (mm: Vector3, shape: Vector3): Grid => ({
  shape,
  affine: [mm[0], 0, 0, -20, 0, mm[1], 0, -25, 0, 0, mm[2], -30, 0, 0, 0, 1],
})

describe('turnOf', () => {
  it('is the rotation of the axes whatever the storage order, with voxel edges in the same order', () => {
    const oblique = rigidExp({ angular: [0.1, -0.2, 0.15], linear: [0, 0, 0] })
    // Stored as L, S, P with edges 3, 2, 1: columns of the upright axes permuted and negated.
    const stored = multiply(oblique, [-3, 0, 0, 5, 0, 0, -1, 6, 0, 2, 0, 7, 0, 0, 0, 1])
    const grid: Grid = { shape: [4, 5, 6], affine: stored }
    expect(farthest(turnOf(grid), oblique)).toBeLessThan(1e-12)
    expect(edgesOf(grid).map((mm) => Math.round(mm * 1e6) / 1e6)).toEqual([3, 1, 2])
  })
  it('of a sheared affine is still a rotation', () => {
    const turn = turnOf({ shape: [2, 2, 2], affine: [1, 0.2, 0.1, 0, 0, 1, 0.3, 0, 0, 0, 1, 0, 0, 0, 0, 1] })
    expect(farthest(multiply(turn, invert(turn)!), IDENTITY)).toBeLessThan(1e-12)
    const transposed = [0, 4, 8, 3, 1, 5, 9, 7, 2, 6, 10, 11, 12, 13, 14, 15].map((k) => turn[k]!)
    expect(farthest(multiply(transposed, turn), IDENTITY)).toBeLessThan(1e-12)
  })
})

it('gridAround has a voxel on the place of the pose, covers all points and not a voxel more', () => {
  fc.assert(
    fc.property(nearby, fc.array(vector(50), { minLength: 1, maxLength: 8 }), (pose, points) => {
      const grid = gridAround(pose, [1, 2, 3], points)
      const toVoxels = invert(grid.affine)!
      const origin = transformPoint(toVoxels, [pose[3]!, pose[7]!, pose[11]!])
      for (const at of origin) expect(Math.abs(at - Math.round(at))).toBeLessThan(1e-6)
      const voxels = points.map((point) => transformPoint(toVoxels, point))
      for (const axis of [0, 1, 2] as const) {
        const along = voxels.map((voxel) => voxel[axis])
        const [low, high] = [Math.min(...along), Math.max(...along)]
        expect(low).toBeGreaterThan(-0.01)
        expect(low).toBeLessThan(1)
        expect(high).toBeLessThan(grid.shape[axis] - 1 + 0.01)
        expect(high).toBeGreaterThan(grid.shape[axis] - 2)
      }
    }),
  )
})

describe('midwayOf', () => {
  const grid = scan([2, 2, 2], [21, 26, 31])
  it('moves two scans by inverse steps', () => {
    fc.assert(
      fc.property(nearby, (map) => {
        const { toMidway } = midwayOf(
          [
            { grid, fromAnchor: IDENTITY },
            { grid, fromAnchor: map },
          ],
          [0, 0, 0],
        )
        // Anchor world -> midway -> world of the second is the map; both halves are equal.
        const half = toMidway[0]!
        expect(farthest(multiply(invert(toMidway[1]!)!, half), map)).toBeLessThan(1e-6)
        expect(farthest(multiply(half, half), map)).toBeLessThan(1e-6)
      }),
    )
  })
  it('one grid with the finest edges that covers every scan', () => {
    const other = scan([3, 1, 2.5], [14, 52, 20])
    const map = rigidExp({ angular: [0.1, 0, 0.1], linear: [5, -8, 3] })
    const midway = midwayOf(
      [
        { grid, fromAnchor: IDENTITY },
        { grid: other, fromAnchor: map },
      ],
      [0, 0, 0],
    )
    expect(voxelSize(midway.grid).map((mm) => Math.round(mm * 1e6) / 1e6)).toEqual([2, 1, 2])
    const toVoxels = invert(midway.grid.affine)!
    for (const [index, own] of [grid, other].entries())
      for (const corner of [0, 7]) {
        const voxel = own.shape.map((n) => (corner ? n - 1 : 0)) as unknown as Vector3
        const at = transformPoint(
          toVoxels,
          transformPoint(midway.toMidway[index]!, transformPoint(own.affine, voxel)),
        )
        for (const axis of [0, 1, 2] as const) {
          expect(at[axis]).toBeGreaterThan(-0.01)
          expect(at[axis]).toBeLessThan(midway.grid.shape[axis] - 0.99)
        }
      }
  })
  it('scans that lie on one grid already keep it: nothing is interpolated', () => {
    const midway = midwayOf(
      [0, 1, 2].map(() => ({ grid, fromAnchor: IDENTITY })),
      [1, 2, 3],
    )
    expect(midway.grid.shape).toEqual(grid.shape)
    expect(farthest(midway.grid.affine, grid.affine)).toBeLessThan(1e-9)
  })
  it('blurs both scans of a pair alike: white noise keeps the same variance and smoothness in each', () => {
    const shape: Vector3 = [48, 48, 48]
    const own = scan([2, 2, 2], shape)
    for (const map of [
      rigidExp({ angular: [0, 0, 0], linear: [2, 0, 0] }),
      rigidExp({ angular: [0.06, -0.04, 0.05], linear: [3, -4, 1.5] }),
    ]) {
      const midway = midwayOf(
        [
          { grid: own, fromAnchor: IDENTITY },
          { grid: own, fromAnchor: map },
        ],
        [30, 25, 20],
      )
      const [a, b] = [0, 1].map((index) => {
        const draw = random(index, 'white')
        const data = Float32Array.from({ length: shape[0] ** 3 }, () => draw.normal())
        const moved = volumeOf({ shape, affine: multiply(midway.toMidway[index]!, own.affine) }, data)
        return noiseOf(toFloat32(resample(moved, midway.grid, 'sinc', Number.NaN)), midway.grid.shape)
      })
      expect(a!.variance / b!.variance).toBeGreaterThan(0.98)
      expect(a!.variance / b!.variance).toBeLessThan(1.02)
      for (const axis of [0, 1, 2])
        expect(Math.abs(a!.neighbours[axis]! - b!.neighbours[axis]!)).toBeLessThan(0.02)
      // The kernel itself keeps most of the noise; linear interpolation would leave about 0.3 of it.
      expect(a!.variance).toBeGreaterThan(0.7)
    }
  })
})

/** Variance of noise, and correlation of neighbours along each axis, where it was measured. */
function noiseOf(x: Float32Array, [nx, ny]: Vector3): { variance: number; neighbours: readonly number[] } {
  let [n, squares] = [0, 0]
  for (const value of x) if (Number.isFinite(value)) [n, squares] = [n + 1, squares + value * value]
  const neighbours = [1, nx, nx * ny].map((stride) => {
    let [count, products] = [0, 0]
    for (let v = stride; v < x.length; v++) {
      const product = x[v]! * x[v - stride]!
      if (Number.isFinite(product)) [count, products] = [count + 1, products + product]
    }
    return products / count / (squares / n)
  })
  return { variance: squares / n, neighbours }
}
