import { expect, it } from 'vitest'
import { reorient } from './orientation.ts'
import { fromPlanes, toPlanes } from './planes.ts'
import { volumeOf } from './volume.ts'

const shape = [3, 4, 2] as const
const affine = [2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 5, 0, 0, 0, 0, 1] as const
const data = Float32Array.from({ length: 24 }, (_, i) => i)
const upright = volumeOf({ shape, affine }, data)

it('are the stored order of an image stored along R, A, S', () => {
  expect(toPlanes(data, upright)).toEqual({ data, shape: [2, 4, 3] })
})

it('are the same however the image is stored, and go back to where they came from', () => {
  for (const [axes, flips] of [
    [
      [0, 1, 2],
      [true, true, false],
    ],
    [
      [1, 2, 0],
      [false, true, false],
    ],
    [
      [2, 0, 1],
      [true, false, true],
    ],
  ] as const) {
    const other = reorient(upright, axes, flips)
    const planes = toPlanes(other.data as Float32Array, other)
    expect(planes.data, `${axes}`).toEqual(data)
    expect(fromPlanes(planes, other), `${axes}`).toEqual(other.data)
  }
})
