import { describe, expect, it } from 'vitest'
import { drawTable } from '../../test/combat-table.ts'
import { random } from '../kernels/random.ts'
import { balanceNotes, imbalanceOf, rareChiSquared } from './balance.ts'
import type { Covariate, SampleTable } from './data.ts'
import type { TextTable } from './numbers.ts'
import { biologyWithoutRole } from './table.ts'

const samplesOf = (batch: readonly string[], covariates: readonly Covariate[] = []): SampleTable => ({
  batchName: 'site',
  batch,
  covariates,
  rowName: String,
  source: 'table.csv',
})
const repeat = (name: string, n: number): string[] => Array.from({ length: n }, () => name)

it('limits of chi squared are those of the tables, to half a percent', () => {
  // NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.4, upper critical values at 0.01.
  for (const [freedom, expected] of [
    [2, 9.21],
    [5, 15.086],
    [10, 23.209],
    [50, 76.154],
  ] as const)
    expect(Math.abs(rareChiSquared(freedom) / expected - 1)).toBeLessThan(0.005)
})

describe('by hand', () => {
  it('ages 20 and 40 at A, 40 and 60 at B: the site explains half', () => {
    const age: Covariate = {
      name: 'age',
      kind: 'continuous',
      values: Float64Array.from({ length: 40 }, (_, k) => (k < 20 ? 20 : 40) + (k % 2) * 20),
    }
    const found = imbalanceOf(age, samplesOf([...repeat('A', 20), ...repeat('B', 20)]))
    // Between: 40 * 10^2; all: that and 40 * 10^2 within.
    expect(found?.text).toBe('explains 50 % of the variance of age')
  })
  it("Nygaard's three sites of 18:2, 2:18 and 10:10: phi is root(64 / 150)", () => {
    const site = [...repeat('A', 20), ...repeat('B', 20), ...repeat('C', 20)]
    const group: Covariate = {
      name: 'group',
      kind: 'categorical',
      values: [
        ...repeat('x', 18),
        ...repeat('y', 2),
        ...repeat('x', 2),
        ...repeat('y', 18),
        ...repeat('x', 10),
        ...repeat('y', 10),
      ],
    }
    // Expected are 10 in every cell, found 18 2 2 18 10 10: chi squared 4 * 64 / 10, over 60 rows.
    const found = imbalanceOf(group, samplesOf(site))
    expect(found?.text).toBe(`goes with group (phi ${Math.sqrt(25.6 / 60).toFixed(2)})`)
    const [note] = balanceNotes(samplesOf(site, [group]), [], [])
    expect(note).toMatchObject({ code: 'unbalanced-design' })
    expect(note?.text).toMatch(/as it was, in one model with site.*or permute, and fit again/s)
  })
})

it('says nothing of random spread: at most 2 of 100 tables of 60 people, quantities and names', () => {
  const { between } = random(5, 'spread')
  let said = 0
  for (let k = 0; k < 400; k++) {
    const batch = Array.from({ length: 60 }, () => `s${Math.floor(between(0, 3))}`)
    const covariate: Covariate =
      k % 2 === 0
        ? { name: 'age', kind: 'continuous', values: Float64Array.from(batch, () => between(20, 80)) }
        : { name: 'sex', kind: 'categorical', values: batch.map(() => (between(0, 1) < 0.5 ? 'F' : 'M')) }
    if (imbalanceOf(covariate, samplesOf(batch)) !== null) said++
  }
  expect(said).toBeLessThanOrEqual(8)
})

describe('over-harmonization', () => {
  const table = (column: string): TextTable => ({
    source: 'table.csv',
    columns: ['site', column, 'f1'],
    rows: Array.from({ length: 40 }, (_, k) => [
      k < 20 ? 'A' : 'B',
      String((k < 20 ? 25 : 60) + (k % 10)),
      '1',
    ]),
    lines: Array.from({ length: 40 }, (_, k) => k + 2),
  })
  const roles = { batch: 'site', covariates: [], categorical: [], id: null, features: [] }
  const notesFor = (column: string): ReturnType<typeof balanceNotes> => {
    const text = table(column)
    return balanceNotes(samplesOf(text.rows.map(([site = '']) => site)), biologyWithoutRole(text, roles), [
      column,
      'f1',
    ])
  }
  it.each(['age', 'Age_at_scan', 'patientAge', 'AGE'])('%s is found, and named with its remedy', (column) => {
    const [note] = notesFor(column)
    expect(note).toMatchObject({ code: 'over-harmonization' })
    expect(note?.text).toContain(`--covariate ${column}`)
    expect(note?.text).toContain(`${column} was even harmonized as a feature`)
  })
  it.each(['average', 'thickness', 'image'])('%s does not describe people', (column) => {
    expect(notesFor(column)).toEqual([])
  })
  it('is not said of what is declared', () => {
    expect(biologyWithoutRole(table('age'), { ...roles, covariates: ['age'] })).toEqual([])
  })
})

it('people who came back count once at each batch', () => {
  const { samples } = drawTable(1, [8, 8], 1)
  const age: Covariate = {
    name: 'age',
    kind: 'continuous',
    values: Float64Array.from(samples.batch, (_, k) => (k < 8 ? 30 : 31)),
  }
  const one = {
    ...samples,
    covariates: [age],
    subject: { column: 'person', of: samples.batch.map((site) => site) },
  }
  // Two people, one at each site: nothing can be said of two rows.
  expect(balanceNotes(one, [], [])).toEqual([])
  expect(balanceNotes({ ...samples, covariates: [age] }, [], [])).toHaveLength(1)
})
