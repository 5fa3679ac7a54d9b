import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { awkwardHeads } from '../../test/local-tone-volumes.ts'
import { UnfittableError } from '../errors.ts'
import { AXIS_ORDERS } from '../kernels/matrix.ts'
import { frameOf, placeBox } from './frame.ts'
import { reorient } from './orientation.ts'
import { type Grid, volumeOf } from './volume.ts'

/** A mask that is 1 in a block, from `low` to `high` included along the stored axes. */
function block({ shape: [nx, ny, nz] }: Grid, low: readonly number[], high: readonly number[]): Uint8Array {
  const mask = new Uint8Array(nx * ny * nz)
  for (let z = low[2]!; z <= high[2]!; z++)
    for (let y = low[1]!; y <= high[1]!; y++)
      mask.fill(1, (z * ny + y) * nx + low[0]!, (z * ny + y) * nx + high[0]! + 1)
  return mask
}

describe('frameOf', () => {
  it('turns a sagittal grid that runs A to P, S to I, R to L', () => {
    const affine = [0, 0, -3, 90, -1, 0, 0, 80, 0, -2, 0, 70, 0, 0, 0, 1]
    expect(frameOf({ shape: [240, 120, 60], affine })).toEqual({
      axes: [2, 0, 1],
      flips: [true, true, true],
      shape: [60, 240, 120],
      voxel: [3, 1, 2],
    })
  })

  it('takes the voxel size along the stored axes of an oblique grid', () => {
    const [c, s] = [Math.cos(0.4), Math.sin(0.4)]
    const affine = [2 * c, -3 * s, 0, 0, 2 * s, 3 * c, 0, 0, 0, 0, -4, 0, 0, 0, 0, 1]
    const { axes, flips, voxel } = frameOf({ shape: [9, 9, 9], affine })
    expect([axes, flips]).toEqual([
      [0, 1, 2],
      [false, false, true],
    ])
    for (const [axis, mm] of [2, 3, 4].entries()) expect(voxel[axis]).toBeCloseTo(mm, 12)
  })
})

describe('placeBox', () => {
  const grid = { shape: [100, 100, 80], affine: [2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1] } as const

  it('centres the box on the mask in R and A and lays its top 6 mm above', () => {
    const mask = block(grid, [20, 30, 10], [39, 79, 59])
    // middle of voxels 20 and 39 is 59 mm, of 30 and 79 is 109 mm; voxel 59 lies at 118 mm
    expect(placeBox(frameOf(grid), mask)).toEqual([59 - 96, 109 - 120, 118 + 6 - 192])
  })

  it('does not mind a neck or a few stray voxels', () => {
    const head = block(grid, [20, 30, 30], [59, 69, 69])
    const expected = placeBox(frameOf(grid), head)
    const neck = block(grid, [38, 48, 0], [41, 51, 29])
    const stray = block(grid, [99, 99, 79], [99, 99, 79])
    expect(
      placeBox(
        frameOf(grid),
        head.map((value, i) => value | neck[i]! | stray[i]!),
      ),
    ).toEqual(expected)
  })

  it('does not depend on storage order', () => {
    const heads = awkwardHeads()
    fc.assert(
      fc.property(
        fc.constantFrom(...heads),
        fc.constantFrom(...AXIS_ORDERS),
        fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
        ({ volume, mask }, axes, flips) => {
          const other = reorient(volumeOf(volume, mask), axes, flips)
          const expected = placeBox(frameOf(volume), mask)
          const found = placeBox(frameOf(other), Uint8Array.from(other.data))
          for (const axis of [0, 1, 2] as const) expect(found[axis]).toBeCloseTo(expected[axis], 9)
        },
      ),
      { numRuns: 20 },
    )
  })

  it('refuses an empty mask', () => {
    expect(() => placeBox(frameOf(grid), new Uint8Array(800_000))).toThrow(UnfittableError)
    expect(() => placeBox(frameOf(grid), new Uint8Array(800_000))).toThrow(/empty.*\n.*covers the head/s)
  })
})
