import { describe, expect, it } from 'vitest'
import { random } from '../../src/kernels/random.ts'
import { curveAt, inEllipsoid, latticePair } from '../../test/lattice-pair.ts'
import { sampleModel } from '../../test/local-tone-oracle.ts'
import { type Augmentation, drawSample, type Look, POINTS, SAMPLED, type Sample, STRIDE } from './samples.ts'

const STILL: Augmentation = { shading: 0, shiftMm: 0, mirror: 0, gain: 0, composition: 0 }
const model = { ...sampleModel(5, ['a', 't']), knots: [0, 0.1, 0.3, 0.6, 0.8, 1] }
const values = [0, 0.5, 0.6, 1.3, 1.31, 2]
const increments = values.slice(1).map((value, k) => value - values[k]!)
const toned = latticePair((u) => model.referenceScale * curveAt(model.knots, values, u))
/** Every point says where it is; exact in float32. */
const places = latticePair(
  (_, r, a, s) => model.referenceScale * ((r + 8) * 2 ** 16 + (a + 8) * 2 ** 8 + s + 8),
)
const draw = (pair: typeof toned, augmentation: Augmentation, seed = 1): Sample =>
  drawSample(pair, 0, model, augmentation, random(seed, 'samples'))

/** [r, a, s, point] of the points that count; R fastest. */
function* counted({ weight }: Look): Generator<readonly [number, number, number, number]> {
  for (let point = 0; point < POINTS; point++)
    if (weight[point] !== 0) {
      const [r, a] = [point % SAMPLED[0], Math.floor(point / SAMPLED[0]) % SAMPLED[1]]
      yield [r, a, Math.floor(point / SAMPLED[0] / SAMPLED[1]), point]
    }
}
/** Where on the lattice a point of `places` was read. */
function placeOf({ goal }: Look, point: number): readonly [number, number, number] {
  const code = Math.round(goal[point]!)
  return [Math.floor(code / 2 ** 16) - 8, (Math.floor(code / 2 ** 8) % 2 ** 8) - 8, (code % 2 ** 8) - 8]
}
const outputOf = ({ ramps, beyond }: Look, point: number): number =>
  increments.reduce((sum, rise, k) => sum + rise * ramps[point * increments.length + k]!, 0) +
  beyond[point]! * increments.at(-1)!

describe('a sample', () => {
  it('reproduces a piecewise linear curve by its ramps, also above the last knot', () => {
    let above = 0
    for (const look of draw(toned, STILL).looks)
      for (const [, , , point] of counted(look)) {
        expect(Math.abs(outputOf(look, point) - look.goal[point]!)).toBeLessThan(2e-6)
        if (look.beyond[point]! > 0) above++
      }
    expect(above).toBeGreaterThan(100)
  })

  it('reads every fourth point from its start, and its second look one point further along one axis', () => {
    for (const seed of [1, 2, 3, 4]) {
      const [here, next] = draw(places, STILL, seed).looks
      const step = next.start.map((first, axis) => first - here.start[axis]!)
      expect(step.toSorted()).toEqual([0, 0, 1])
      for (const look of [here, next])
        for (const [r, a, s, point] of counted(look)) {
          const expected = [r, a, s].map((index, axis) => STRIDE * index + look.start[axis]!)
          expect(placeOf(look, point)).toEqual(expected)
        }
    }
  })

  it('counts only where the pair does, and is 0 elsewhere', () => {
    const { looks } = draw(toned, STILL)
    for (const look of looks) {
      let inside = 0
      for (let point = 0; point < POINTS; point++) {
        const index = [point % SAMPLED[0], Math.floor(point / SAMPLED[0]) % SAMPLED[1]]
        const [r, a, s] = [...index, Math.floor(point / SAMPLED[0] / SAMPLED[1])].map(
          (i, axis) => STRIDE * i + look.start[axis]!,
        ) as [number, number, number]
        const counts = inEllipsoid(r, a, s) && a >= 20
        inside += Number(counts)
        expect(look.weight[point]).toBe(Number(counts))
        if (!counts) expect([look.goal[point], outputOf(look, point)]).toEqual([0, 0])
      }
      expect(inside).toBeGreaterThan(1000)
    }
  })

  it('mirrors left and right, of source and target alike', () => {
    const [look] = draw(places, { ...STILL, mirror: 1 }).looks
    for (const [r, a, s, point] of counted(look)) {
      const [x, y, z] = [r, a, s].map((index, axis) => STRIDE * index + look.start[axis]!)
      expect(placeOf(look, point)).toEqual([95 - x!, y, z])
    }
    const [mirrored] = draw(toned, { ...STILL, mirror: 1 }).looks
    for (const [, , , point] of counted(mirrored))
      expect(Math.abs(outputOf(mirrored, point) - mirrored.goal[point]!)).toBeLessThan(2e-6)
  })

  it('shifts the box by whole points, up to the reach along each axis', () => {
    const seen = [new Set<number>(), new Set<number>(), new Set<number>()]
    for (let seed = 0; seed < 12; seed++) {
      const [look] = draw(places, { ...STILL, shiftMm: 4 }, seed).looks
      const shifts = new Set<string>()
      for (const [r, a, s, point] of counted(look)) {
        const at = placeOf(look, point)
        const shift = [r, a, s].map((index, axis) => at[axis]! - STRIDE * index - look.start[axis]!)
        shifts.add(shift.join())
        for (const [axis, points] of shift.entries()) seen[axis]!.add(points)
      }
      expect(shifts.size).toBe(1)
    }
    for (const shifts of seen) {
      expect(Math.max(...[...shifts].map(Math.abs))).toBeLessThanOrEqual(2)
      expect(shifts.size).toBeGreaterThan(2)
    }
  })

  it('puts shading on the source only, about as much as asked', () => {
    const [plain, shaded] = [draw(toned, STILL), draw(toned, { ...STILL, shading: 0.1 })]
    const [was, is] = [plain.looks[0], shaded.looks[0]]
    expect(is.start).toEqual(was.start)
    expect(is.goal).toEqual(was.goal)
    expect(is.weight).toEqual(was.weight)
    const change: number[] = []
    for (const [, , , point] of counted(was))
      if (was.beyond[point] === 0 && is.beyond[point] === 0 && was.goal[point]! > 0.5)
        change.push(Math.log(intensity(is, point) / intensity(was, point)))
    const mean = change.reduce((sum, v) => sum + v, 0) / change.length
    const sd = Math.sqrt(change.reduce((sum, v) => sum + (v - mean) ** 2, 0) / change.length)
    expect(sd).toBeGreaterThan(0.02)
    expect(sd).toBeLessThan(0.3)
    expect(shaded.features.length).toBe(plain.features.length)
    expect(shaded.features).not.toEqual(plain.features)
  })

  it('has a gain of its own, with which the target does not change', () => {
    const proportional = latticePair((u) => model.referenceScale * u)
    const found = Array.from({ length: 30 }, (_, seed) => {
      const { looks } = draw(proportional, { ...STILL, gain: 0.1 }, seed)
      const [look] = looks
      const ratios = [...counted(look)].flatMap(([, , , point]) =>
        look.beyond[point] === 0 && look.goal[point]! > 0.2
          ? [intensity(look, point) / look.goal[point]!]
          : [],
      )
      expect(Math.max(...ratios) - Math.min(...ratios)).toBeLessThan(1e-4)
      return Math.log(ratios[0]!)
    })
    const sd = Math.sqrt(found.reduce((sum, value) => sum + value ** 2, 0) / found.length)
    expect(sd).toBeGreaterThan(0.06)
    expect(sd).toBeLessThan(0.14)
    expect(draw(proportional, { ...STILL, gain: 0.1 }).features).not.toEqual(
      draw(proportional, STILL).features,
    )
  })

  it('is the same for the same seed', () => {
    const augmentation = { shading: 0.05, shiftMm: 4, mirror: 0.5, gain: 0, composition: 0 }
    const [one, again, other] = [1, 1, 2].map((seed) => draw(toned, augmentation, seed)) as [
      Sample,
      Sample,
      Sample,
    ]
    const equal = (p: Sample, q: Sample): boolean =>
      Buffer.from(p.features.buffer).equals(Buffer.from(q.features.buffer)) &&
      Buffer.from(p.looks[1].ramps.buffer).equals(Buffer.from(q.looks[1].ramps.buffer))
    expect([equal(one, again), equal(one, other)]).toEqual([true, false])
  })
})

/** Normalized intensity below the last knot, from its ramps. */
function intensity({ ramps }: Look, point: number): number {
  const bins = increments.length
  return increments.reduce(
    (sum, _, k) => sum + ramps[point * bins + k]! * (model.knots[k + 1]! - model.knots[k]!),
    0,
  )
}
