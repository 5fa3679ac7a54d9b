import { describe, expect, it } from 'vitest'
import { squaredGradient } from './gradient.ts'

/** Values of a function of the position in mm on a grid of voxels of these edges. */
function drawn(
  [nx, ny, nz]: readonly [number, number, number],
  [dx, dy, dz]: readonly [number, number, number],
  of: (x: number, y: number, z: number) => number,
): Float32Array {
  return Float32Array.from({ length: nx * ny * nz }, (_, i) =>
    of((i % nx) * dx, (Math.floor(i / nx) % ny) * dy, Math.floor(i / (nx * ny)) * dz),
  )
}

describe('squaredGradient', () => {
  it('is a^2 + b^2 + c^2 everywhere for a plane, faces and long voxels included', () => {
    const [shape, voxel] = [[5, 4, 3] as const, [1, 2, 0.5] as const]
    const plane = drawn(shape, voxel, (x, y, z) => 3 * x - 2 * y + 6 * z + 7)
    for (const value of squaredGradient(plane, shape, voxel)) expect(value).toBeCloseTo(49, 3)
  })

  it('is (2x)^2 inside for x^2, whose central difference is exact', () => {
    const shape = [6, 2, 2] as const
    const found = squaredGradient(
      drawn(shape, [1, 1, 1], (x) => x * x),
      shape,
      [1, 1, 1],
    )
    expect([...found.slice(0, 6)]).toEqual([1, 4, 16, 36, 64, 81])
  })

  it('is 0 along an axis of one voxel, and NaN beside what is not finite', () => {
    expect([...squaredGradient(Float32Array.of(5), [1, 1, 1], [1, 1, 1])]).toEqual([0])
    const row = squaredGradient(Float32Array.of(1, 2, Number.NaN, 4, 5), [5, 1, 1], [1, 1, 1])
    expect([...row].map(Number.isNaN)).toEqual([false, true, true, true, false])
  })
})
