import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { coresOf, HU_CLASSES, huClasses, regionMeans } from './regions.ts'

describe('cores', () => {
  it('keep what lies further than the margin from every other region: of a slab of 7 voxels of 2 mm, the middle 3 for 4 mm', () => {
    const regions = Uint8Array.from([0, 0, 5, 5, 5, 5, 5, 5, 5, 2, 2])
    // the outermost voxels of the slab are 2 and 4 mm from the next region, the third 6 mm
    expect([...coresOf(regions, [11, 1, 1], [2, 1, 1], 4)]).toEqual([0, 0, 0, 0, 5, 5, 5, 0, 0, 0, 0])
    expect([...coresOf(regions, [11, 1, 1], [2, 1, 1], 20)]).toEqual(new Array(11).fill(0))
  })

  it('reach the border of the image, beyond which nothing is known', () => {
    expect([...coresOf(Uint8Array.from([3, 3, 3, 0]), [4, 1, 1], [1, 1, 1], 1)]).toEqual([3, 3, 0, 0])
    expect([...coresOf(Uint8Array.from([3, 3]), [2, 1, 1], [1, 1, 1], 9)]).toEqual([3, 3])
  })

  it('are those of a search through all pairs of voxels', () => {
    const label = fc.integer({ min: 0, max: 2 })
    fc.assert(
      fc.property(
        fc.array(label, { minLength: 60, maxLength: 60 }),
        fc.double({ min: 0.5, max: 4, noNaN: true }),
        (labels, margin) => {
          const [shape, voxel] = [
            [5, 4, 3],
            [1, 1.5, 2],
          ] as const
          const at = (i: number): number[] => [i % 5, Math.floor(i / 5) % 4, Math.floor(i / 20)]
          const naive = labels.map((own, i) => {
            const near = labels.some(
              (other, j) =>
                other !== own &&
                Math.hypot(...at(i).map((a, axis) => (a - at(j)[axis]!) * voxel[axis]!)) <= margin,
            )
            return near ? 0 : own
          })
          expect([...coresOf(Uint8Array.from(labels), [...shape], [...voxel], margin)]).toEqual(naive)
        },
      ),
    )
  })
})

it('means of regions leave out what is no number in either image', () => {
  const before = Float32Array.from([1, 3, Number.NaN, 10, 7])
  const after = Float32Array.from([2, 4, 9, Number.POSITIVE_INFINITY, 7])
  expect(regionMeans(before, after, Uint8Array.from([2, 2, 2, 1, 0]))).toEqual([
    { region: 2, voxels: 2, before: 2, after: 3 },
  ])
})

it.each([
  [-1000, 'air'],
  [-850, undefined],
  [-100, 'fat'],
  [0, 'water'],
  [60, 'soft tissue'],
  [1000, 'bone'],
  [3000, undefined],
  [Number.NaN, undefined],
])('%d HU is %s', (value, name) => {
  expect(HU_CLASSES[huClasses(Float32Array.from([value]))[0]! - 1]?.name).toBe(name)
})
