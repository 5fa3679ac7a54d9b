import { describe, expect, it } from 'vitest'
import { median } from '../kernels/median.ts'
import { random } from '../kernels/random.ts'
import { applyCombat } from './apply.ts'
import { fisherRatios } from './class-separation.ts'
import type { Features, SampleTable } from './data.ts'
import { diagnoseCombat } from './diagnose.ts'
import { fitCombat } from './fit.ts'
import { priorsOf, siteBoxes } from './pictures.ts'
import { siteSizes } from './power.ts'

const { normal } = random(11, 'diagnose test')
const rows = 90
const batch = Array.from({ length: rows }, (_, row) => ['A', 'B', 'C'][row % 3]!)
const age = Float64Array.from({ length: rows }, () => 50 + 10 * normal())
const samples: SampleTable = {
  batchName: 'site',
  batch,
  covariates: [{ name: 'age', kind: 'continuous', values: age }],
  subject: { column: 'person', of: batch.map((_, row) => `SECRET-${row}`) },
  rowName: String,
  source: 'drawn',
}
/** 24 features that fall by half an SD per 10 years, half of them with site effects. */
const features: Features = {
  names: Array.from({ length: 24 }, (_, f) => `f${f}`),
  rows,
  values: Float64Array.from(
    Array.from({ length: 24 }, (_, f) => {
      const shift = f < 12 ? [0, 1.5, -1.5] : [0, 0, 0]
      return batch.map((site, row) => shift['ABC'.indexOf(site)]! - 0.05 * (age[row]! - 50) + normal())
    }).flat(),
  ),
}
const model = fitCombat(
  features,
  { ...samples },
  {
    variant: 'eb',
    compat: null,
    reference: null,
    singleRow: 'refuse',
    software: 'test',
  },
)
const after = { ...features, values: applyCombat(model, features, samples).values }
const diagnostics = diagnoseCombat({
  before: features,
  after: { features: after, from: 'model' },
  samples,
  model,
  label: { name: 'old', values: Array.from(age, (years) => (years > 50 ? 'old' : 'young')) },
  software: 'test',
  notes: [],
})

it('features with site effects come first, and have none afterwards', () => {
  const order = diagnostics.siteVariance.map(({ feature }) => Number(feature.slice(1)))
  expect(Math.max(...order.slice(0, 12))).toBe(11)
  for (const { before } of diagnostics.siteVariance.slice(0, 12))
    expect(before!.location).toBeGreaterThan(0.3)
  for (const { after: own } of diagnostics.siteVariance) expect(own!.location).toBeLessThan(0.03)
  // Without effect the share is 0 on average: 12 features with a standard error of about root(2 * 2) / 87 / root(12).
  const none = diagnostics.siteVariance.slice(12).map(({ before }) => before!.location)
  expect(Math.abs(none.reduce((a, b) => a + b) / 12)).toBeLessThan(0.027)
})
it('a classifier names the sites before, and not after; the effect of age stays', () => {
  const { before, after: own } = diagnostics.siteProbe
  expect(before!.balancedAccuracy).toBeGreaterThan(before!.chance.high)
  expect(own!.balancedAccuracy).toBeLessThan(own!.chance.high)
  expect(diagnostics.effects[0]).toMatchObject({ column: 'age', per: 'sd' })
  expect(diagnostics.effects[0]!.kept).toBeCloseTo(1, 1)
  expect(median(diagnostics.effects[0]!.features.map(({ before: effect }) => effect!.value))).toBeCloseTo(
    -0.5,
    0,
  )
})
it('classes that differ in age are told apart, with an area that has an interval', () => {
  const { area } = diagnostics.separation!.probe.after!
  expect(area!.low).toBeGreaterThan(0.5)
  expect(area!.high).toBeLessThanOrEqual(1)
})
it('no id and no row number is in what is written', () => {
  expect(JSON.stringify(diagnostics)).not.toMatch(/SECRET|person/)
})
it('densities of priors and estimates are densities', () => {
  const narrow = priorsOf(model)
  expect(narrow).toHaveLength(3)
  for (const { location, scale } of narrow)
    for (const { at, estimates, prior } of [location!, scale!]) {
      const step = at[1]! - at[0]!
      const area = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) * step
      expect(area(estimates)).toBeCloseTo(1, 1)
      expect(area(prior!)).toBeGreaterThan(0.8) // the tails of the prior reach beyond the estimates
      expect(area(prior!)).toBeLessThan(1.01)
    }
})
describe('the smallest effect', () => {
  const sized = (a: number, b: number) =>
    siteSizes({ ...samples, batch: [...Array(a).fill('A'), ...Array(b).fill('B')] }, [])
  it.each([
    // R 4.2.2: power.t.test(n = 20, power = 0.8)$delta, and n = 100
    [20, 0.9091306],
    [100, 0.39814],
  ])('two sites of %d: that of power.t.test, to half a percent', (n, delta) => {
    for (const { smallestShift } of sized(n, n)) expect(smallestShift! / delta).toBeCloseTo(1, 2)
  })
  it('cannot be had from two rows', () => {
    expect(sized(2, 30)[0]).toMatchObject({ rows: 2, smallestSlope: null, smallestDifference: null })
  })
})
it('boxes of 1 to 9 and 30: quartiles of ten values, the last beyond', () => {
  const values = Float64Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 30)
  const [box] = siteBoxes(values, { ...samples, batch: Array(10).fill('A') })
  expect(box).toEqual({
    site: 'A',
    rows: 10,
    low: 1,
    quartile1: 3.25,
    median: 5.5,
    quartile3: 7.75,
    high: 9,
    beyond: [30],
  })
})
it('the Fisher ratio of 0 2 against 10 12 is 100 / 2, whatever is added to a site', () => {
  const own = (shift: number) =>
    fisherRatios(
      {
        names: ['x'],
        rows: 8,
        values: Float64Array.of(0, 2, 10, 12, shift, 2 + shift, 10 + shift, 12 + shift),
      },
      Int32Array.of(0, 0, 0, 0, 1, 1, 1, 1),
      Int32Array.of(0, 0, 1, 1, 0, 0, 1, 1),
      2,
    )[0]
  expect(own(0)).toBeCloseTo(50, 10)
  expect(own(500)).toBeCloseTo(50, 10)
})
it('sites too small for the classifier are left out, and said', () => {
  const few = batch.map((site, row) => (row < 3 ? 'D' : site))
  const { siteProbe, notes } = diagnoseCombat({
    before: features,
    after: null,
    samples: { ...samples, batch: few },
    model: null,
    label: null,
    software: 'test',
    notes: [],
  })
  expect(siteProbe.leftOut).toEqual(['D'])
  expect(notes.map(({ code }) => code)).toEqual(['low-power', 'small-sites'])
})
