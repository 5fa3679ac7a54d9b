import { describe, expect, it } from 'vitest'
import { random } from '../kernels/random.ts'
import { applyCombat } from './apply.ts'
import { type CrossfitOptions, crossfitCombat, type Way } from './crossfit.ts'
import type { Features, SampleTable } from './data.ts'
import { fitCombat } from './fit.ts'
import { rowsOf } from './folds.ts'

const fitted: CrossfitOptions['fit'] = (features, samples) =>
  fitCombat(features, samples, {
    variant: 'eb',
    compat: null,
    reference: null,
    singleRow: 'refuse',
    software: 'test',
  })
/** Two sites that differ by `shift` SD in every feature, and two classes, half of each site, that differ by `effect`. */
function drawn(rows: number, count: number, shift: number, effect: number, seed: number) {
  const { normal } = random(seed, 'crossfit test')
  const site = Array.from({ length: rows }, (_, row) => (row % 2 === 0 ? 'a' : 'b'))
  const sick = Array.from({ length: rows }, (_, row) => row % 4 > 1)
  const values = Float64Array.from({ length: rows * count }, (_, at) => {
    const row = at % rows
    return (site[row] === 'b' ? shift : 0) + (sick[row] ? effect : 0) + normal()
  })
  const features: Features = { names: Array.from({ length: count }, (_, f) => `f${f}`), rows, values }
  const samples: SampleTable = {
    batchName: 'site',
    batch: site,
    covariates: [],
    rowName: (row) => `line ${row + 2}`,
    source: 't.csv',
  }
  return { features, samples, label: { name: 'group', values: sick.map((is) => (is ? 'sick' : 'well')) } }
}
const options = { folds: 4, seed: 1, fit: fitted, label: null }

it('each row is harmonized by the model of the other folds: as a fit on these rows, applied to it', () => {
  const { features, samples } = drawn(24, 5, 2, 0, 1)
  const { values, foldOf } = crossfitCombat(features, samples, options)
  for (let fold = 0; fold < 4; fold++) {
    const others = [...foldOf.keys()].filter((row) => foldOf[row] !== fold)
    const own = rowsOf(features, samples, others)
    const expected = applyCombat(fitted(own.features, own.samples), features, samples).values
    values.forEach((value, at) => {
      if (foldOf[at % 24] === fold) expect(value).toBe(expected[at])
    })
  }
})
it('what a held-out row holds has no part in how its training set is harmonized', () => {
  const { features, samples } = drawn(24, 5, 2, 0, 1)
  const { values, foldOf } = crossfitCombat(features, samples, options)
  const row = 7
  const changed = features.values.slice()
  changed[row] = 1000
  const again = crossfitCombat({ ...features, values: changed }, samples, options)
  for (let at = 0; at < values.length; at++)
    if (at % 24 !== row && foldOf[at % 24] === foldOf[row]) expect(again.values[at]).toBe(values[at])
})
describe('classes of noise', () => {
  it('are named by chance inside, and far too well where they were kept while all rows were harmonized', () => {
    // 20 features and 60 rows without any effect of the class, which is rare at one site and frequent at the other: what is found is what leaks.
    const found = Array.from({ length: 3 }, (_, seed) => {
      const { features, samples } = drawn(60, 20, 1, 0, seed)
      const values = samples.batch.map((site, row) => ((site === 'a') === row % 10 > 1 ? 'well' : 'sick'))
      return crossfitCombat(features, samples, { ...options, label: { name: 'group', values } }).ways
    })
    const mean = (which: Way): number =>
      found.reduce((sum, ways) => sum + ways.find(({ way }) => way === which)!.probe.balancedAccuracy, 0) /
      found.length
    expect(mean('inside')).toBeLessThan(0.62) // 0.5 and 3.2 standard errors of 180 rows
    expect(mean('inside')).toBeGreaterThan(0.38)
    expect(mean('all-with-label')).toBeGreaterThan(mean('inside') + 0.05)
  })
})
it('a true effect is found inside, and sites no longer are', () => {
  const { features, samples, label } = drawn(80, 12, 3, 1, 2)
  const outcome = crossfitCombat(features, samples, { ...options, label }).ways
  expect(outcome.find(({ way }) => way === 'inside')!.probe.balancedAccuracy).toBeGreaterThan(0.85)
  const { ways } = crossfitCombat(features, samples, options)
  const of = (which: Way) => ways.find(({ way }) => way === which)!.probe
  expect(ways.map(({ way }) => way)).toEqual(['none', 'inside', 'fresh', 'all'])
  expect(of('none').balancedAccuracy).toBeGreaterThan(0.95)
  expect(of('inside').balancedAccuracy).toBeLessThan(of('inside').chance.high)
})
it('nobody is in two folds, and each fold has its share of each site', () => {
  const { features, samples } = drawn(48, 3, 0, 0, 3)
  const people = samples.batch.map((_, row) => `p${Math.floor(row / 2)}`) // each person at both sites
  const { foldOf } = crossfitCombat(
    features,
    { ...samples, subject: { column: 'person', of: people } },
    options,
  )
  people.forEach((person, row) => {
    expect(foldOf[row]).toBe(foldOf[people.indexOf(person)])
  })
  for (const name of ['a', 'b'])
    for (let fold = 0; fold < 4; fold++)
      expect(samples.batch.filter((site, row) => site === name && foldOf[row] === fold)).toHaveLength(6)
})
describe('refuses', () => {
  const { features, samples, label } = drawn(24, 3, 0, 0, 4)
  it('a site with fewer people than folds', () => {
    const batch = samples.batch.map((site, row) => (row < 3 ? 'c' : site))
    expect(() => crossfitCombat(features, { ...samples, batch }, options)).toThrow(
      /site c \(3\): fewer than 4 folds/,
    )
  })
  it('to predict a covariate, whose value it would have to know', () => {
    const covariates = [{ ...label, kind: 'categorical' as const }]
    expect(() => crossfitCombat(features, { ...samples, covariates }, { ...options, label })).toThrow(
      /"group" is predicted, and is a covariate.*the answer/s,
    )
  })
  it('classes that are measurements, and one class', () => {
    const values = Array.from({ length: 24 }, (_, row) => String(row))
    expect(() => crossfitCombat(features, samples, { ...options, label: { name: 'id', values } })).toThrow(
      /24 values: no classes/,
    )
    expect(() =>
      crossfitCombat(features, samples, { ...options, label: { name: 'x', values: values.map(() => 'y') } }),
    ).toThrow(/1 value: no classes/)
  })
})
