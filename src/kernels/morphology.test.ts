import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { close, dilate, distanceToMask, erode, fillHoles, largestComponent } from './morphology.ts'

const shape = [6, 5, 4] as const
const [nx, ny, nz] = shape
const masks = fc
  .array(fc.constantFrom(0, 1), { minLength: nx * ny * nz, maxLength: nx * ny * nz })
  .map((bits) => Uint8Array.from(bits))
const sparse = fc.array(fc.nat(nx * ny * nz - 1), { maxLength: 6 }).map((at) => {
  const mask = new Uint8Array(nx * ny * nz)
  for (const v of at) mask[v] = 1
  return mask
})
const at = (v: number): readonly [number, number, number] => [
  v % nx,
  Math.floor(v / nx) % ny,
  Math.floor(v / nx / ny),
]
const offsets = (v: number, w: number): number[] => at(v).map((a, axis) => Math.abs(a - at(w)[axis]!))
const any = (mask: Uint8Array, near: (w: number) => boolean): number =>
  Number(mask.some((value, w) => value !== 0 && near(w)))

/** Union-find free: labels spread until nothing changes. */
function labels(mask: Uint8Array): number[] {
  const label = [...mask.keys()].map((v) => (mask[v] ? v : -1))
  for (let changed = true; changed; ) {
    changed = false
    for (let v = 0; v < mask.length; v++)
      for (let w = 0; w < mask.length; w++) {
        if (label[v]! < 0 || label[w]! < 0 || label[v]! <= label[w]!) continue
        if (offsets(v, w).reduce((a, b) => a + b, 0) === 1) {
          label[v] = label[w]!
          changed = true
        }
      }
  }
  return label
}

describe('dilate', () => {
  it('reaches n steps through faces, or n voxels along every axis', () => {
    fc.assert(
      fc.property(sparse, fc.integer({ min: 0, max: 3 }), (mask, n) => {
        const faces = mask.map((_, v) => any(mask, (w) => offsets(v, w).reduce((a, b) => a + b, 0) <= n))
        const cube = mask.map((_, v) => any(mask, (w) => Math.max(...offsets(v, w)) <= n))
        expect(dilate(mask, shape, n)).toEqual(faces)
        expect(dilate(mask, shape, n, 26)).toEqual(cube)
      }),
    )
  })
})
describe('erode', () => {
  it('takes what lies within n steps of the outside, and nothing at the border alone', () => {
    expect(erode(new Uint8Array(120).fill(1), shape, 3)).toEqual(new Uint8Array(120).fill(1))
    fc.assert(
      fc.property(masks, fc.constantFrom(6 as const, 26 as const), (mask, neighbours) => {
        const reach = (v: number, w: number): boolean =>
          neighbours === 6 ? offsets(v, w).reduce((a, b) => a + b, 0) <= 1 : Math.max(...offsets(v, w)) <= 1
        const outside = mask.map((value) => 1 - value)
        expect(erode(mask, shape, 1, neighbours)).toEqual(
          mask.map((_, v) => 1 - any(outside, (w) => reach(v, w))),
        )
      }),
      { numRuns: 50 },
    )
  })
})
describe('close', () => {
  it('fills a gap of two voxels between walls, and not one towards the border', () => {
    const wide = [9, 9, 9] as const
    const walls = (...planes: number[]): Uint8Array =>
      Uint8Array.from({ length: 729 }, (_, v) => Number(planes.includes(v % 9)))
    const middle = (mask: Uint8Array): number[] => [...mask.subarray((4 * 9 + 4) * 9, (4 * 9 + 5) * 9)]
    expect(middle(close(walls(1, 2, 5, 8), wide, 1))).toEqual([0, 1, 1, 1, 1, 1, 1, 1, 1])
    expect(middle(close(walls(2, 8), wide, 1))).toEqual([0, 0, 1, 0, 0, 0, 0, 0, 1])
  })
  it('keeps the mask and adds nothing the second time', () => {
    fc.assert(
      fc.property(masks, (mask) => {
        const closed = close(mask, shape, 1)
        expect(mask.every((value, v) => value <= closed[v]!)).toBe(true)
        expect(close(closed, shape, 1)).toEqual(closed)
      }),
    )
  })
})
describe('largestComponent', () => {
  it('is the largest set joined by faces, the first among equals', () => {
    fc.assert(
      fc.property(masks, (mask) => {
        const label = labels(mask)
        const sizes = new Map<number, number>()
        for (const l of label) if (l >= 0) sizes.set(l, (sizes.get(l) ?? 0) + 1)
        const best = [...sizes].sort((a, b) => b[1] - a[1] || a[0] - b[0])[0]?.[0]
        expect(largestComponent(mask, shape)).toEqual(mask.map((_, v) => Number(label[v] === best)))
      }),
      { numRuns: 30 },
    )
  })
})
describe('fillHoles', () => {
  it('fills what no path through faces joins to the border', () => {
    fc.assert(
      fc.property(masks, (mask) => {
        const outside = mask.map((value) => 1 - value)
        const label = labels(outside)
        const border = (v: number): boolean => at(v).some((a, axis) => a === 0 || a === shape[axis]! - 1)
        const open = new Set(label.filter((l, v) => l >= 0 && border(v)))
        expect(fillHoles(mask, shape)).toEqual(mask.map((_, v) => Number(!open.has(label[v]!))))
      }),
      { numRuns: 30 },
    )
  })
})
describe('distanceToMask', () => {
  it('is the squared distance to the nearest voxel of the mask, in mm', () => {
    const size = fc.constantFrom(0.5, 1, 2.7)
    fc.assert(
      fc.property(sparse, fc.tuple(size, size, size), (mask, sizes) => {
        const found = distanceToMask(mask, shape, sizes)
        for (let v = 0; v < mask.length; v++) {
          const all = [...mask.keys()]
            .filter((w) => mask[w])
            .map((w) => offsets(v, w).reduce((sum, d, a) => sum + (d * sizes[a]!) ** 2, 0))
          const expected = Math.min(...all)
          if (expected === Number.POSITIVE_INFINITY) expect(found[v]).toBe(expected)
          else expect(found[v]).toBeCloseTo(expected, 3)
        }
      }),
      { numRuns: 40 },
    )
  })
})
