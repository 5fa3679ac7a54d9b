import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  priorOf,
  shrinkByErrorsInPlace,
  shrinkByOthersInPlace,
  shrinkInPlace,
  shrinkLocationInPlace,
  shrinkUntilSmallChangeInPlace,
} from './empirical-bayes.ts'
import { random } from './random.ts'

/** Standardized values z[feature][row] of one batch. */
const draw = (seed: number, features: number, rows: number): readonly (readonly number[])[] => {
  const { normal, between } = random(seed)
  return Array.from({ length: features }, () => {
    const [location, width] = [normal(), between(0.5, 2)]
    return Array.from({ length: rows }, () => location + width * normal())
  })
}
const mean = (x: readonly number[]): number => x.reduce((a, b) => a + b, 0) / x.length
const variance = (x: readonly number[]): number =>
  x.reduce((sum, v) => sum + (v - mean(x)) ** 2, 0) / (x.length - 1)
const moments = (z: readonly (readonly number[])[]) => ({
  location: Float64Array.from(z, mean),
  scale: Float64Array.from(z, variance),
  counts: Float64Array.from(z, (row) => row.length),
})
const apart = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce(
    (most, value, k) => Math.max(most, Math.abs(value - b[k]!) / Math.max(1e-3, Math.abs(b[k]!))),
    0,
  )

/** Johnson 2007, written down as it stands there, from the values themselves, for 5,000 rounds. */
function naiveParametric(z: readonly (readonly number[])[]): { g: number[]; d: number[] } {
  const [gHat, dHat] = [z.map(mean), z.map(variance)]
  const [gBar, t2] = [mean(gHat), variance(gHat)]
  const [m, s2] = [mean(dHat), variance(dHat)]
  const a = (2 * s2 + m ** 2) / s2
  const b = (m * s2 + m ** 3) / s2
  let [g, d] = [gHat, dHat]
  for (let round = 0; round < 5000; round++) {
    g = z.map((x, f) => (t2 * x.length * gHat[f]! + d[f]! * gBar) / (t2 * x.length + d[f]!))
    d = z.map((x, f) => (0.5 * x.reduce((sum, v) => sum + (v - g[f]!) ** 2, 0) + b) / (x.length / 2 + a - 1))
  }
  return { g, d }
}
it('is the fixed point of the published equations', () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.integer({ min: 2, max: 9 }),
      fc.integer({ min: 3, max: 9 }),
      (seed, features, rows) => {
        const z = draw(seed, features, rows)
        const found = moments(z)
        expect(shrinkInPlace(found, priorOf(found))).toBe(-1)
        const { g, d } = naiveParametric(z)
        expect(apart(found.location, g)).toBeLessThan(1e-9)
        expect(apart(found.scale, d)).toBeLessThan(1e-9)
      },
    ),
    { numRuns: 30 },
  )
})
it('the non-parametric means are those of the likelihood products', () => {
  const z = draw(4, 6, 5)
  const found = moments(z)
  const [gHat, dHat] = [z.map(mean), z.map(variance)]
  shrinkByOthersInPlace(found)
  z.forEach((x, f) => {
    const others = gHat.map((_, k) => k).filter((k) => k !== f)
    const likelihood = others.map((k) =>
      x.reduce(
        (product, v) =>
          product * (Math.exp(-((v - gHat[k]!) ** 2) / (2 * dHat[k]!)) / Math.sqrt(2 * Math.PI * dHat[k]!)),
        1,
      ),
    )
    const total = likelihood.reduce((a, b) => a + b, 0)
    const weighted = (values: readonly number[]): number =>
      others.reduce((sum, k, j) => sum + values[k]! * likelihood[j]!, 0) / total
    expect(found.location[f]).toBeCloseTo(weighted(gHat), 12)
    expect(found.scale[f]).toBeCloseTo(weighted(dHat), 12)
  })
})
it('the non-parametric weights of 5,000 rows do not vanish, where products of likelihoods do', () => {
  const found = moments(draw(9, 4, 5000))
  shrinkByOthersInPlace(found)
  for (const value of [...found.location, ...found.scale]) expect(Number.isFinite(value)).toBe(true)
})
it('equal features stay as they are: there is nothing to draw them to', () => {
  const z = [
    [1, 2, 4],
    [1, 2, 4],
  ]
  const found = moments(z)
  shrinkInPlace(found, priorOf(found))
  expect([...found.location]).toEqual([7 / 3, 7 / 3])
  expect([...found.scale]).toEqual([variance(z[0]!), variance(z[0]!)])
})
it('an estimated location lies between its own and the common one, a scale of NaN stays', () => {
  const found = moments(draw(2, 7, 4))
  found.scale.fill(Number.NaN)
  const own = found.location.slice()
  const prior = priorOf(found)
  expect(prior.scaleMean).toBeNaN()
  shrinkInPlace(found, prior)
  const meanOnly = own.slice()
  shrinkLocationInPlace(meanOnly, prior)
  // One value of known scale 1: t2 / (t2 + 1) of the way is kept.
  const kept = prior.locationVariance / (prior.locationVariance + 1)
  own.forEach((value, f) => {
    expect(found.location[f]).toBeCloseTo(prior.locationMean + kept * (value - prior.locationMean), 12)
    expect(meanOnly[f]).toBe(found.location[f])
    expect(found.scale[f]).toBeNaN()
  })
})
it('features without a location are left out of everything', () => {
  const z = draw(6, 5, 6)
  const all = moments(z)
  const holed = moments([...z.slice(0, 2), [9, 8, 7, 6, 5, 9], ...z.slice(2)])
  holed.location[2] = Number.NaN
  holed.scale[2] = Number.NaN
  for (const shrink of [
    (one: typeof all) => shrinkInPlace(one, priorOf(one)),
    (one: typeof all) => shrinkUntilSmallChangeInPlace(one, priorOf(one)),
    shrinkByOthersInPlace,
  ]) {
    const [a, b] = [structuredClone(all), structuredClone(holed)]
    shrink(a)
    shrink(b)
    expect(b.location.filter((_, f) => f !== 2)).toEqual(a.location)
    expect(b.location[2]).toBeNaN()
  }
})

it('with known errors, by hand: 0 and 2 of squared error 1/2 come to 1/4 and 7/4; an unknown error leaves the value', () => {
  // Variance of the estimates 2, of true locations 3/2: three quarters of the way from the mean, 1.
  const location = Float64Array.of(0, 2)
  const scale = Float64Array.of(Number.NaN, Number.NaN)
  const prior = shrinkByErrorsInPlace(location, Float64Array.of(0.5, 0.5), scale, 4)
  expect([...location]).toEqual([0.25, 1.75])
  expect(prior).toMatchObject({ locationMean: 1, locationVariance: 1.5 })
  const unknown = Float64Array.of(0, 2)
  shrinkByErrorsInPlace(unknown, Float64Array.of(Number.NaN, Number.NaN), scale, 4)
  expect([...unknown]).toEqual([0, 2])
})
it('with known errors, differences that noise explains vanish', () => {
  const location = Float64Array.of(0, 2)
  shrinkByErrorsInPlace(location, Float64Array.of(3, 3), Float64Array.of(1, 1), 4)
  expect([...location]).toEqual([1, 1])
})
