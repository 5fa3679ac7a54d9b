import { describe, expect, it } from 'vitest'
import { movingHead, uprightGrid } from '../../../test/moving-head.ts'
import { type Affine, IDENTITY, multiply, transformPoint, type Vector3 } from '../../kernels/matrix.ts'
import { foregroundMask } from '../../volume/mask.ts'
import type { Grid, Volume } from '../../volume/volume.ts'
import { disagreementMm, spreadMm } from './disagreement.ts'
import { eulerMap, registerOnce } from './elastix.ts'
import { registerPair } from './pair.ts'
import { rigidExp } from './rigid.ts'
import { type WorkingImage, workingImage } from './working.ts'

const working = (volume: Volume): WorkingImage => workingImage(volume, foregroundMask(volume))
const upright = uprightGrid(4)
/** About a point of the head, not of the world. */
const about = (centre: Vector3, angular: Vector3, by: Vector3): Affine => {
  const there: Affine = [
    1,
    0,
    0,
    centre[0] + by[0],
    0,
    1,
    0,
    centre[1] + by[1],
    0,
    0,
    1,
    centre[2] + by[2],
    0,
    0,
    0,
    1,
  ]
  const back: Affine = [1, 0, 0, -centre[0], 0, 1, 0, -centre[1], 0, 0, 1, -centre[2], 0, 0, 0, 1]
  return multiply(there, multiply(rigidExp({ angular, linear: [0, 0, 0] }), back))
}
const OTHER_CONTRAST = [90, 420, 300, 600] as const

describe('eulerMap', () => {
  it.each([
    [
      [Math.PI / 2, 0, 0, 0, 0, 0],
      [5, 6, 8],
      [5, 3, 7],
    ],
    [
      [0, Math.PI / 2, 0, 0, 0, 0],
      [5, 6, 8],
      [7, 6, 6],
    ],
    [
      [0, 0, Math.PI / 2, 0, 0, 0],
      [5, 6, 8],
      [4, 5, 8],
    ],
    [
      [0, 0, 0, 1, 2, 3],
      [5, 6, 8],
      [6, 8, 11],
    ],
    [
      [Math.PI / 2, 0, Math.PI / 2, 0, 0, 0],
      [5, 6, 8],
      [7, 5, 7],
    ],
    [
      [Math.PI / 2, Math.PI / 2, 0, 0, 0, 0],
      [5, 6, 8],
      [7, 5, 7],
    ],
  ] as const)('%j about (5, 5, 6)', (angles, point, wanted) => {
    const found = transformPoint(eulerMap(angles, [5, 5, 6]), point)
    expect(found.map((mm) => Math.round(mm * 1e6) / 1e6)).toEqual(wanted)
  })
})

describe('disagreement', () => {
  const points: Vector3[] = Array.from({ length: 101 }, (_, k) => [k, 0, 0])
  it('of a turn about S is its chord at the 95th percentile of the distance', () => {
    const turn = rigidExp({ angular: [0, 0, 0.02], linear: [0, 0, 0] })
    expect(disagreementMm(IDENTITY, turn, points)).toBeCloseTo(95 * 2 * Math.sin(0.01), 3)
  })
  it('the spread of shifts by -1, 0, 1 mm is 1 mm', () => {
    const shifts = [-1, 0, 1].map((mm): Affine => [1, 0, 0, 0, 0, 1, 0, mm, 0, 0, 1, 0, 0, 0, 0, 1])
    expect(spreadMm(shifts, points)).toBeCloseTo(1, 6)
  })
})

describe('registerOnce', () => {
  const pose = about([10, -5, 20], [0.08, -0.05, 0.1], [6, -4, 5])
  it('finds a turn and a shift about a known centre between an upright and an oblique, flipped, permuted grid, and other contrast', async () => {
    const first = movingHead({ pose: IDENTITY, grid: upright, noise: 4 })
    const tilt = rigidExp({ angular: [0.3, 0.1, -0.2], linear: [12, 7, -9] })
    const stored: Grid = {
      shape: [58, 50, 53],
      affine: multiply(tilt, [0, -4, 0, 98, -4, 0, 0, 112, 0, 0, 4, -104, 0, 0, 0, 1]),
    }
    const second = movingHead({ pose, grid: stored, noise: 4, seed: 2, tissues: OTHER_CONTRAST })
    const [a, b] = [working(first), working(second)]
    const found = await registerOnce(a.volume, b.volume, IDENTITY, 1)
    expect(disagreementMm(found, pose, a.points)).toBeLessThan(0.4)
    expect(await registerOnce(a.volume, b.volume, IDENTITY, 1)).toEqual(found)
  }, 240_000)
})

describe('registerPair', () => {
  it('starts where the heads are, however far apart the headers put them, and says its error within 0.2 mm', async () => {
    const grid = uprightGrid(2.5)
    const pose = about([0, 0, 0], [-0.06, 0.09, 0.04], [150, -90, 60])
    const first = working(movingHead({ pose: IDENTITY, grid }))
    const shifted: Affine = grid.affine.map(
      (value, k) => value + (k === 3 ? 150 : k === 7 ? -90 : k === 11 ? 60 : 0),
    )
    const second = working(
      movingHead({ pose, grid: { ...grid, affine: shifted }, seed: 2, tissues: OTHER_CONTRAST }),
    )
    const { transform, errorMm } = await registerPair(first, second, 1)
    const error = disagreementMm(transform, pose, first.points)
    expect(error).toBeLessThan(0.3)
    expect(Math.abs(errorMm - error)).toBeLessThan(0.2)
  }, 240_000)
})
