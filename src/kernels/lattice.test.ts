import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addFromLattice, BOX, INSIDE, LATTICE, type LatticePlacement, sampleLattice } from './lattice.ts'
import { random } from './random.ts'

type Triple = readonly [number, number, number]
const [NR, NA, NS] = LATTICE.shape

const triple = (min: number, max: number): fc.Arbitrary<[number, number, number]> => {
  const mm = fc.double({ min, max, noNaN: true })
  return fc.tuple(mm, mm, mm)
}
const placement = fc.record({
  axes: fc.constantFrom<Triple>([0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]),
  flips: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
  shape: fc.tuple(
    fc.integer({ min: 1, max: 40 }),
    fc.integer({ min: 1, max: 40 }),
    fc.integer({ min: 1, max: 40 }),
  ),
  voxel: triple(1, 9),
  corner: triple(-150, 40),
})

function storedShape({ axes, shape }: LatticePlacement): Triple {
  const stored: [number, number, number] = [0, 0, 0]
  for (const axis of [0, 1, 2] as const) stored[axes[axis]] = shape[axis]
  return stored
}

/** The definition: eight voxels around a point of the frame (mm), those outside the image counting 0. */
function naive(
  data: ArrayLike<number>,
  { axes, flips, shape, voxel, ...rest }: LatticePlacement,
  point: Triple,
): number {
  const [nx, ny] = storedShape({ axes, flips, shape, voxel, ...rest })
  const index = point.map((mm, axis) => mm / voxel[axis]!)
  let sum = 0
  for (let corner = 0; corner < 8; corner++) {
    const stored = [0, 0, 0]
    let weight = 1
    for (const axis of [0, 1, 2] as const) {
      const at = Math.floor(index[axis]!) + ((corner >> axis) & 1)
      weight *= 1 - Math.abs(index[axis]! - at)
      if (at < 0 || at >= shape[axis]) weight = 0
      stored[axes[axis]] = flips[axis] ? shape[axis] - 1 - at : at
    }
    if (weight > 0) sum += weight * data[stored[0]! + nx * (stored[1]! + ny * stored[2]!)]!
  }
  return sum
}

const UPRIGHT: LatticePlacement = {
  axes: [0, 1, 2],
  flips: [false, false, false],
  shape: [100, 124, 100],
  voxel: [2, 2, 2],
  corner: [0, 0, 0],
}

describe('sampleLattice', () => {
  it('fills the box with points 2 mm apart', () => {
    for (const axis of [0, 1, 2] as const) expect(LATTICE.shape[axis] * LATTICE.spacing).toBe(BOX[axis])
    expect(LATTICE.points).toBe(NR * NA * NS)
  })

  it('reads half way between voxels of 2 mm when the box begins at the first voxel', () => {
    const data = Int16Array.from({ length: 100 * 124 * 100 }, (_, i) => i % 100)
    const out = sampleLattice(data, UPRIGHT.shape, UPRIGHT, 10, 3)
    expect([out[0], out[NA * NS], out[95 * NA * NS]]).toEqual([8, 18, 958])
  })

  it('is the definition for any storage order, flip, voxel size, position and margin', () => {
    fc.assert(
      fc.property(placement, fc.integer(), fc.integer({ min: 0, max: 3 }), (place, seed, margin) => {
        const source = random(seed)
        const stored = storedShape(place)
        const raw = Float32Array.from({ length: stored[0] * stored[1] * stored[2] }, () =>
          source.between(-9, 9),
        )
        const [slope, intercept] = [0.5, 20]
        const values = raw.map((value) => value * slope + intercept)
        const out = sampleLattice(raw, stored, place, slope, intercept, margin)
        const [na, ns] = [NA + 2 * margin, NS + 2 * margin]
        expect(out.length).toBe((NR + 2 * margin) * na * ns)
        for (let i = source.integer(499); i < out.length; i += 499) {
          const at = [Math.floor(i / ns / na), Math.floor(i / ns) % na, i % ns]
          const point = at.map((k, axis) => place.corner[axis]! + 2 * (k - margin) + 1) as unknown as Triple
          if (!(Math.abs(out[i]! - naive(values, place, point)) < 1e-4))
            expect([point, out[i]]).toEqual([point, naive(values, place, point)])
        }
      }),
      { numRuns: 12 },
    )
  })

  it('fades to 0 over one voxel at the edge of the image', () => {
    const ones = new Uint8Array(100 * 124 * 100).fill(1)
    const out = sampleLattice(ones, UPRIGHT.shape, { ...UPRIGHT, corner: [-4.5, 1, 1] })
    const alongR = [0, 1, 2, 3].map((r) => out[r * NA * NS])
    // at -3.5, -1.5, 0.5 and 2.5 mm from the centre of the first voxel
    expect(alongR).toEqual([0, 0.25, 1, 1])
  })
})

it('counts a point half way out of the mask as inside', () => {
  const ones = new Uint8Array(100 * 124 * 100).fill(1)
  const [edge] = sampleLattice(ones, UPRIGHT.shape, { ...UPRIGHT, corner: [-2, 1, 1] })
  expect(edge).toBe(0.5)
  expect(edge! >= INSIDE).toBe(true)
})

describe('adding from the lattice', () => {
  it('reproduces every linear function at the voxels, in any storage order', () => {
    fc.assert(
      fc.property(
        placement,
        triple(-3, 3),
        fc.double({ min: 10, max: 50, noNaN: true }),
        (place, slope, level) => {
          const linear = (point: Triple): number =>
            level + (slope[0] * point[0] + slope[1] * point[1] + slope[2] * point[2]) / 100
          const lattice = new Float32Array(LATTICE.points)
          for (let r = 0, i = 0; r < NR; r++)
            for (let a = 0; a < NA; a++)
              for (let s = 0; s < NS; s++, i++) lattice[i] = linear([2 * r + 1, 2 * a + 1, 2 * s + 1])
          const stored = storedShape(place)
          const x = new Float32Array(stored[0] * stored[1] * stored[2]).fill(1000)
          addFromLattice(x, stored, place, lattice)
          for (let i = 0; i < x.length; i += 1 + Math.floor(x.length / 200)) {
            const at = [
              i % stored[0],
              Math.floor(i / stored[0]) % stored[1],
              Math.floor(i / stored[0] / stored[1]),
            ]
            const inBox = ([0, 1, 2] as const).map((axis) => {
              const k = at[place.axes[axis]]!
              const index = place.flips[axis] ? place.shape[axis] - 1 - k : k
              return index * place.voxel[axis] - place.corner[axis]
            }) as unknown as Triple
            const inside = inBox.every((mm, axis) => mm >= 1 && mm <= BOX[axis]! - 1)
            const beyond = inBox.some((mm, axis) => mm <= -1 || mm >= BOX[axis]! + 1)
            if (inside) expect(x[i]! - 1000).toBeCloseTo(linear(inBox), 2)
            if (beyond) expect(x[i]).toBe(1000)
          }
        },
      ),
      { numRuns: 30 },
    )
  })

  it('leaves zeros and what is no number as they are, and makes nothing negative', () => {
    const place: LatticePlacement = {
      axes: [0, 1, 2],
      flips: [false, false, false],
      shape: [4, 1, 1],
      voxel: [2, 2, 2],
      corner: [-51, -51, -51],
    }
    const x = Float32Array.of(0, Number.NaN, 3, -2)
    addFromLattice(x, [4, 1, 1], place, new Float32Array(LATTICE.points).fill(-5))
    expect([...x]).toEqual([0, Number.NaN, 0, -7])
  })
})
