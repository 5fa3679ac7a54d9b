import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type Affine, AXIS_ORDERS, transformPoint, type Vector3 } from '../kernels/matrix.ts'
import { closestAxes, orientationCode, reorient } from './orientation.ts'
import { volumeOf } from './volume.ts'

/** Stored axis c runs along world axis order[c], against it where signs[c] is -1; up to about 20 degrees off. */
const oblique = fc.tuple(
  fc.constantFrom(...AXIS_ORDERS),
  fc.tuple(...[0, 1, 2].map(() => fc.constantFrom(1, -1))),
  fc.tuple(...[0, 1, 2].map(() => fc.double({ min: 0.4, max: 5, noNaN: true }))),
  fc.array(fc.double({ min: -0.2, max: 0.2, noNaN: true }), { minLength: 9, maxLength: 9 }),
)
const affineFrom = ([order, signs, sizes, tilt]: [
  readonly number[],
  number[],
  number[],
  number[],
]): Affine => {
  const a = new Array<number>(16).fill(0)
  for (let row = 0; row < 3; row++) {
    for (let c = 0; c < 3; c++)
      a[row * 4 + c] = sizes[c]! * (order[c] === row ? signs[c]! : tilt[row * 3 + c]!)
    a[row * 4 + 3] = 10 * row - 7
  }
  a[15] = 1
  return a
}

it.each([
  ['RAS', [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]],
  ['LPI', [-2, 0, 0, 0, 0, -2, 0, 0, 0, 0, -2, 0, 0, 0, 0, 1]],
  ['LAS', [-1, 0, 0, 90, 0, 1, 0, -126, 0, 0, 1, -72, 0, 0, 0, 1]],
  ['PIR', [0, 0, 1, 0, -1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0, 1]],
  ['ASL', [0, 0, -3, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1]],
])('%s says where the stored axes point', (code, affine) => {
  expect(orientationCode(affine)).toBe(code)
})
it('finds the stored axis of each world axis in all 48 storage orders, oblique too', () => {
  fc.assert(
    fc.property(oblique, (parts) => {
      const { axes, flips } = closestAxes(affineFrom(parts))
      const [order, signs] = parts
      expect(axes).toEqual([0, 1, 2].map((row) => order.indexOf(row as 0 | 1 | 2)))
      expect(flips).toEqual(axes.map((axis) => signs[axis]! < 0))
    }),
  )
})
it('gives every world axis its own stored axis at 45 degrees and beyond', () => {
  const r = Math.SQRT1_2
  const { axes } = closestAxes([r, r, 0, 0, -r, r, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1])
  expect([...axes].sort()).toEqual([0, 1, 2])
})

const shape = [3, 4, 5] as const
it('reorient leaves every voxel at its place in the world, and runs along R, A, S', () => {
  fc.assert(
    fc.property(oblique, (parts) => {
      const affine = affineFrom(parts)
      const volume = volumeOf(
        { shape, affine },
        Int16Array.from({ length: 60 }, (_, i) => i),
      )
      const { axes, flips } = closestAxes(affine)
      const turned = reorient(volume, axes, flips)
      expect(orientationCode(turned.affine)).toBe('RAS')
      expect(turned.data).toBeInstanceOf(Int16Array)
      const [nx, ny] = turned.shape
      for (const [v, value] of turned.data.entries()) {
        const here: Vector3 = [v % nx, Math.floor(v / nx) % ny, Math.floor(v / nx / ny)]
        const there: Vector3 = [value % 3, Math.floor(value / 3) % 4, Math.floor(value / 12)]
        const [p, q] = [transformPoint(turned.affine, here), transformPoint(affine, there)]
        expect(Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2])).toBeLessThan(1e-9)
      }
    }),
    { numRuns: 50 },
  )
})
it('reorient does nothing to what runs along R, A, S already, and records what it did', () => {
  const affine = affineFrom([[0, 1, 2], [1, 1, 1], [1, 2, 3], new Array(9).fill(0)])
  const volume = volumeOf(
    { shape, affine },
    Int16Array.from({ length: 60 }, (_, i) => i),
  )
  const same = reorient(volume, [0, 1, 2], [false, false, false])
  expect([same.data, same.affine]).toEqual([volume.data, affine])
  expect(same.history).toEqual([
    { op: 'reorient', params: { axes: [0, 1, 2], flips: [false, false, false] } },
  ])
})
