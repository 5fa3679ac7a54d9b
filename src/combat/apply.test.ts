import { describe, expect, it } from 'vitest'
import { drawTable, pickRows } from '../../test/combat-table.ts'
import { InputError, RefusedError } from '../errors.ts'
import { applyCombat } from './apply.ts'
import type { SampleTable } from './data.ts'
import { explainCombat } from './explain.ts'
import { fitCombat } from './fit.ts'
import { parseCombatModel } from './model.ts'
import { estimateNewBatches } from './new-batch.ts'

const table = drawTable(21, [25, 30, 28, 24], 12)
const rowsOf = (...sites: readonly string[]) =>
  pickRows(
    table,
    table.samples.batch.flatMap((name, row) => (sites.includes(name) ? [row] : [])),
  )
const trained = rowsOf('site 1', 'site 2', 'site 3')
const model = fitCombat(trained.features, trained.samples, {
  variant: 'eb',
  compat: null,
  reference: null,
  singleRow: 'mean-only',
  software: 'attune 0',
})
const fourth = rowsOf('site 4')
const withCovariate = (
  samples: SampleTable,
  name: string,
  change: (value: string | number) => string | number,
): SampleTable => ({
  ...samples,
  covariates: samples.covariates.map((covariate) => {
    if (covariate.name !== name) return covariate
    return covariate.kind === 'continuous'
      ? { ...covariate, values: covariate.values.map((value) => change(value) as number) }
      : { ...covariate, values: covariate.values.map((value) => change(value) as string) }
  }),
})

describe('apply', () => {
  it('uses the covariates of each new row', () => {
    const one = pickRows(trained, [0])
    const older = withCovariate(one.samples, 'age', () => 80)
    const [a, b] = [one.samples, older].map((samples) => applyCombat(model, one.features, samples).values)
    expect(a).not.toEqual(b)
  })
  it('refuses a site that it does not know, and names its rows', () => {
    const act = () => applyCombat(model, fourth.features, fourth.samples)
    expect(act).toThrow(RefusedError)
    expect(act).toThrow(
      /site "site 4" \(24 rows, line 2, line 3, .* and 19 more\) was not in the fit, which had site 1, site 2, site 3/,
    )
  })
  it('refuses a level that it does not know, a covariate that is missing or absent, features that differ', () => {
    const { features, samples } = pickRows(trained, [0, 1])
    const apply =
      (changed: SampleTable, other = features) =>
      () =>
        applyCombat(model, other, changed)
    expect(apply(withCovariate(samples, 'sex', () => 'X'))).toThrow(
      /"sex" has "X" at line 2, line 3, unknown to the model, which knows "F", "M"/,
    )
    expect(apply(withCovariate(samples, 'age', () => Number.NaN))).toThrow(
      /"age" is missing at line 2, line 3/,
    )
    expect(apply({ ...samples, covariates: [] })).toThrow(/has no covariate "age"/)
    expect(apply(samples, { ...features, names: features.names.toReversed() })).toThrow(InputError)
    expect(apply(samples, { ...features, names: features.names.with(2, 'area') })).toThrow(
      /lacks 1 feature of the model: f3/,
    )
  })
  it('says where a covariate leaves the range of the fit', () => {
    const { features, samples } = pickRows(trained, [0, 1])
    const { notes } = applyCombat(
      model,
      features,
      withCovariate(samples, 'age', (age) => (age as number) + 100),
    )
    expect(notes).toMatchObject([{ code: 'extrapolation' }])
    expect(notes[0]?.text).toMatch(/age is beyond .* at 2 rows \(line 2, line 3\)/)
  })
})

describe('a new site', () => {
  it('loses its effect, as far as it can be known, and the model keeps the rest as it was', () => {
    const { model: extended, added, notes } = estimateNewBatches(model, fourth.features, fourth.samples, 20)
    expect(extended.batches.slice(0, 3)).toEqual(model.batches)
    expect(extended.mean).toEqual(model.mean)
    expect(added).toMatchObject([{ name: 'site 4', rows: 24 }])
    const scales = (extended.batches[3]?.estimatedScale ?? [])
      .map((scale) => scale ?? 0)
      .toSorted((a, b) => a - b)
    expect(added[0]?.locationError).toBeCloseTo(Math.sqrt((scales[6] ?? 0) / 24), 12)
    expect(added[0]?.scaleError).toBeCloseTo(Math.sqrt(2 / 23), 12)
    expect(notes).toMatchObject([{ code: 'new-batch', batches: ['site 4'] }])
    const after = applyCombat(extended, fourth.features, fourth.samples)
    const left = estimateNewBatches(model, { ...fourth.features, values: after.values }, fourth.samples, 20)
    const largest = (values: readonly (number | null)[] = []): number =>
      Math.max(...values.map((value) => Math.abs(value ?? 0)))
    expect(largest(extended.batches[3]?.estimatedLocation)).toBeGreaterThan(0.5)
    expect(largest(left.model.batches[3]?.estimatedLocation)).toBeLessThan(0.15)
    expect(parseCombatModel(JSON.parse(JSON.stringify(extended)), 'm.json')).toEqual(extended)
  })
  it('needs rows', () => {
    const few = pickRows(fourth, [0, 1, 2, 3])
    expect(() => estimateNewBatches(model, few.features, few.samples, 20)).toThrow(
      /"site 4" has 4 rows; 20 are needed/,
    )
    expect(() => estimateNewBatches(model, few.features, few.samples, 20)).toThrow(/0\.50 SD/)
  })
  it('is none where all sites are known', () => {
    expect(estimateNewBatches(model, trained.features, trained.samples, 20)).toEqual({
      model,
      added: [],
      notes: [],
    })
  })
})

describe('a model', () => {
  it.each([
    ['something else', { kind: 'zscore' }, /is not a ComBat model/],
    ['another version', { ...model, version: 7 }, /version 7; this attune reads version 1/],
    ['a list that is too short', { ...model, mean: model.mean.slice(1) }, /12 features, but a list of 11/],
    ['a variance of 0', { ...model, variance: model.variance.map(() => 0) }, /variance/],
    ['a field too many', { ...model, extra: 1 }, /extra/],
  ])('that is %s is refused', (_, input, message) => {
    expect(() => parseCombatModel(input, 'm.json')).toThrow(InputError)
    expect(() => parseCombatModel(input, 'm.json')).toThrow(message)
  })
  it('explains itself', () => {
    const { formula, batches, methods, harmonized } = explainCombat(model)
    expect(formula).toBe('feature ~ age + sex (M against F) + site (location and scale)')
    expect(harmonized).toBe(12)
    expect(batches.map(({ name, rows }) => [name, rows])).toEqual([
      ['site 1', 25],
      ['site 2', 30],
      ['site 3', 28],
    ])
    const known = model.batches[0]?.location.map((value) => value ?? 0) ?? []
    expect(batches[0]?.location.mean).toBeCloseTo(known.reduce((a, b) => a + b, 0) / 12, 12)
    expect(methods).toMatch(/site \(3 levels, 25 to 30 of 83 rows each\) on 12 features/)
    expect(methods).toMatch(/attune 0\. .*age, sex \(M against F\).*doi:10\.1093\/biostatistics\/kxj037/s)
  })
})
