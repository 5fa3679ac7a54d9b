import fc from 'fast-check'
import { expect, it } from 'vitest'
import { missingIn } from './missing.ts'
import { firstInfinite, turnBackInto, turnInto } from './turn.ts'

it('two runs of three, places 2 and 0', () => {
  const runs = Float64Array.of(1, 2, 3, 0, 4, 5, 6, 0)
  const turned = new Float64Array(4)
  turnInto(turned, runs, 4, 2, Int32Array.of(2, 0))
  expect([...turned]).toEqual([3, 6, 1, 4])
  turnBackInto(
    runs,
    turned.map((x) => 10 * x),
    4,
    2,
    Int32Array.of(2, 0),
  )
  expect([...runs]).toEqual([10, 2, 30, 0, 40, 5, 60, 0])
})
it('any number of runs and places comes back as it was', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.uniqueArray(fc.nat(29)), (count, chosen) => {
      const [room, places] = [30, Int32Array.from(chosen)]
      const runs = Float64Array.from({ length: count * room }, (_, at) => at + 1)
      const turned = new Float64Array(count * places.length)
      turnInto(turned, runs, room, count, places)
      turned.forEach((value, at) => {
        expect(value).toBe(1 + (at % count) * room + places[Math.floor(at / count)]!)
      })
      const back = runs.slice().fill(0)
      turnBackInto(back, turned, room, count, places)
      back.forEach((value, at) => {
        expect(value).toBe(chosen.includes(at % room) ? at + 1 : 0)
      })
    }),
  )
})
it('finds infinity at the given places only, and takes NaN for missing', () => {
  const run = Float64Array.of(Number.POSITIVE_INFINITY, Number.NaN, 1, Number.NEGATIVE_INFINITY)
  expect(firstInfinite(run, Int32Array.of(1, 2))).toBe(-1)
  expect(firstInfinite(run, Int32Array.of(1, 3, 0))).toBe(3)
  expect(missingIn(run)).toBe(1)
})
