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
import { invertRigid, meanRigid, rigidExp, rigidLog, rotationDegrees, shiftAt } from './rigid.ts'

const coordinate = (most: number) => fc.double({ min: -most, max: most, noNaN: true })
const vector = (most: number) => fc.tuple(coordinate(most), coordinate(most), coordinate(most))
/** Rotations up to 173 degrees, where the logarithm is one of a kind. */
const twist = fc.record({ angular: vector(1.74), linear: vector(120) })
const rigid = twist.map(rigidExp)
/** Poses as of one head in several scanners. */
const nearby = fc.record({ angular: vector(0.4), linear: vector(60) }).map(rigidExp)
const farthest = (a: Affine, b: Affine): number => Math.max(...a.map((value, k) => Math.abs(value - b[k]!)))

describe('exp and log', () => {
  it('a quarter turn about S through (10, 0, 0)', () => {
    const quarter = rigidExp({ angular: [0, 0, Math.PI / 2], linear: [0, (-10 * Math.PI) / 2, 0] })
    expect(farthest(quarter, [0, -1, 0, 10, 1, 0, 0, -10, 0, 0, 1, 0, 0, 0, 0, 1])).toBeLessThan(1e-12)
    expect(transformPoint(quarter, [10, 0, 5]).map((x) => Math.round(x * 1e9) / 1e9)).toEqual([10, 0, 5])
  })
  it('exp is the power series of the twist matrix', () => {
    fc.assert(
      fc.property(twist, ({ angular: [x, y, z], linear }) => {
        const generator = [0, -z, y, linear[0], z, 0, -x, linear[1], -y, x, 0, linear[2], 0, 0, 0, 0]
        let term: Affine = IDENTITY
        const sum = [...IDENTITY]
        for (let n = 1; n < 60; n++) {
          term = multiply(term, generator).map((value) => value / n)
          for (const [k, value] of term.entries()) sum[k]! += value
        }
        expect(farthest(rigidExp({ angular: [x, y, z], linear }), sum)).toBeLessThan(1e-8)
      }),
    )
  })
  it('log undoes exp, also for turns of a millionth of a degree and close to half a turn', () => {
    fc.assert(
      fc.property(twist, fc.constantFrom(1, 1e-3, 1e-5, 1e-8), ({ angular, linear }, scale) => {
        const small = angular.map((value) => value * scale) as unknown as Vector3
        const back = rigidLog(rigidExp({ angular: small, linear }))
        for (const k of [0, 1, 2] as const) {
          expect(Math.abs(back.angular[k] - small[k])).toBeLessThan(1e-9)
          expect(Math.abs(back.linear[k] - linear[k])).toBeLessThan(1e-6)
        }
      }),
    )
    const nearHalf = rigidExp({ angular: [0, 3.14, 0], linear: [1, 2, 3] })
    expect(rotationDegrees(nearHalf)).toBeCloseTo((3.14 * 180) / Math.PI, 6)
    expect(rigidLog(nearHalf).linear[1]).toBeCloseTo(2, 6)
  })
})

it('the inverse is the general inverse', () => {
  fc.assert(
    fc.property(rigid, (map) => {
      expect(farthest(invertRigid(map), invert(map)!)).toBeLessThan(1e-9)
    }),
  )
})
it('says turns in degrees and shifts where they are asked for', () => {
  const third = rigidExp({ angular: [0, Math.PI / 3, 0], linear: [0, 0, 0] })
  expect(rotationDegrees(third)).toBeCloseTo(60, 10)
  const [x, y, z] = shiftAt(third, [10, 3, 0])
  expect([x, y, z].map((mm) => mm.toFixed(6))).toEqual([
    '-5.000000',
    '0.000000',
    (-10 * Math.sin(Math.PI / 3)).toFixed(6),
  ])
})

describe('the mean', () => {
  it('of two lies half-way: the same rigid step leads from the first to it and from it to the second', () => {
    fc.assert(
      fc.property(rigid, nearby, (first, step) => {
        const mean = meanRigid([first, multiply(first, step)])
        const half = multiply(invertRigid(first), mean)
        expect(farthest(multiply(half, half), step)).toBeLessThan(1e-6)
      }),
    )
  })
  it('does not depend on the order', () => {
    fc.assert(
      fc.property(nearby, nearby, nearby, (a, b, c) => {
        expect(farthest(meanRigid([a, b, c]), meanRigid([c, a, b]))).toBeLessThan(1e-6)
      }),
    )
  })
  it('does not depend on where the world has its origin and axes, on either side', () => {
    fc.assert(
      fc.property(fc.array(nearby, { minLength: 2, maxLength: 4 }), rigid, rigid, (maps, left, right) => {
        const seen = (map: Affine): Affine => multiply(left, multiply(map, right))
        expect(farthest(meanRigid(maps.map(seen)), seen(meanRigid(maps)))).toBeLessThan(1e-5)
      }),
    )
  })
  it('turns about one axis average their angles', () => {
    const about = (angle: number): Affine => rigidExp({ angular: [0, 0, angle], linear: [0, 0, 0] })
    expect(farthest(meanRigid([about(0.1), about(0.2), about(0.6)]), about(0.3))).toBeLessThan(1e-9)
  })
})
