import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConfigError, InputError } from '../errors.ts'
import { numberOf, type TextTable } from './numbers.ts'
import {
  chooseFeatures,
  codeLikeCovariates,
  featuresOf,
  idLikeFeatures,
  type Roles,
  rowsWith,
  samplesFor,
  samplesOf,
} from './table.ts'

const HEADER = ['subject', 'site', 'age', 'sex', 'thick_l', 'thick_r', 'volume', 'comment']
const ROWS = [
  ['s1', 'A', '30', 'F', '2.50', '2.6', '1000', ''],
  ['s2', 'A', '41.5', 'M', '2.41', 'NA', '1100', 'moved'],
  ['s3', 'B', '52', 'F', '2.3', '2.4', '1.05e3', ''],
  ['s4', 'B', '63', 'M', '2.2', '', '1200', ''],
]
const tableOf = (
  rows: readonly (readonly string[])[] = ROWS,
  columns: readonly string[] = HEADER,
): TextTable => ({
  source: 't.csv',
  columns,
  rows,
  lines: rows.map((_, k) => k + 2),
})
const changed = (row: number, column: string, cell: string): TextTable =>
  tableOf(ROWS.map((cells, k) => (k === row ? cells.with(HEADER.indexOf(column), cell) : cells)))
const ROLES: Roles = {
  batch: 'site',
  covariates: ['age', 'sex'],
  categorical: [],
  id: 'subject',
  features: [],
}

it('takes every other column of numbers as a feature, and says what it leaves', () => {
  const { names, notes } = chooseFeatures(tableOf(), ROLES)
  expect(names).toEqual(['thick_l', 'thick_r', 'volume'])
  expect(notes.map(({ text }) => text)).toEqual(['Not harmonized: comment (holds text, or nothing).'])
})
it('takes the columns that fit a pattern, in the order of the table', () => {
  const names = (...features: string[]): readonly string[] =>
    chooseFeatures(tableOf(), { ...ROLES, features }).names
  expect(names('volume', 'thick_*')).toEqual(['thick_l', 'thick_r', 'volume'])
  expect(names('*_l')).toEqual(['thick_l'])
  expect(() => names('thick.l')).toThrow(/no column fits --features thick\.l; free are thick_l/)
})
it('quantities are numbers, names are names, and numbers are names where that is declared', () => {
  const kinds = (roles: Roles): readonly string[] =>
    samplesOf(tableOf(), roles).covariates.map(({ kind }) => kind)
  expect(kinds(ROLES)).toEqual(['continuous', 'categorical'])
  expect(kinds({ ...ROLES, categorical: ['age'] })).toEqual(['categorical', 'categorical'])
})
it('reads features column by column, with NaN for what is missing', () => {
  const { rows, values } = featuresOf(tableOf(), ['thick_r', 'volume'], [])
  expect(rows).toBe(4)
  expect([...values]).toEqual([2.6, Number.NaN, 2.4, Number.NaN, 1000, 1100, 1050, 1200])
})
it('writes changed numbers and leaves every other cell as it was, 2.50 and NA too', () => {
  const table = tableOf()
  const features = featuresOf(table, ['thick_l', 'thick_r'], [])
  const after = Float64Array.of(2.5, 2.41, 0.1 + 0.2, 2.2, 7, Number.NaN, Number.NaN, Number.NaN)
  const rows = [...rowsWith(table, features, after)]
  expect(rows.map((cells) => cells[4])).toEqual(['2.50', '2.41', 0.1 + 0.2, '2.2'])
  expect(rows.map((cells) => cells[5])).toEqual([7, 'NA', '', ''])
  expect(rows.map((cells) => cells.toSpliced(4, 2))).toEqual(ROWS.map((cells) => cells.toSpliced(4, 2)))
})
it('numbers are what R and Python would read as numbers, nothing else', () => {
  expect(['1', '-2.5', '+.5', '1e-3', '1.'].map(numberOf)).toEqual([1, -2.5, 0.5, 0.001, 1])
  expect(['0x10', '1,5', '12 mm', 'Infinity', '1e999', '1_000', '.', 'true'].map(numberOf)).toEqual(
    Array(8).fill(undefined),
  )
  expect(['', 'NA', 'n/a', 'NaN', 'null'].map(numberOf)).toEqual(Array(5).fill(Number.NaN))
  fc.assert(
    fc.property(fc.double({ noDefaultInfinity: true, noNaN: true }), (value) => {
      expect(numberOf(String(value))).toBe(value === 0 ? 0 : value)
    }),
  )
})
it('asks about covariates that look like codes', () => {
  const coded = tableOf(ROWS.map((cells, k) => cells.with(2, String(k % 3))))
  expect(codeLikeCovariates(samplesOf(coded, ROLES))).toMatchObject([{ code: 'whole-number-covariate' }])
  expect(codeLikeCovariates(samplesOf(tableOf(), ROLES))).toEqual([])
})
it('asks about features that count the rows, in any order', () => {
  const numbered = tableOf(ROWS.map((cells, k) => cells.with(6, String([103, 101, 102, 104][k]))))
  const notes = idLikeFeatures(featuresOf(numbered, ['thick_l', 'volume'], []))
  expect(notes).toMatchObject([{ code: 'id-like-feature', features: ['volume'] }])
  expect(idLikeFeatures(featuresOf(tableOf(), ['thick_l', 'volume'], []))).toEqual([])
})

describe('refusals', () => {
  it.each<[string, TextTable, Partial<Roles>, RegExp]>([
    [
      'a column that is not there',
      tableOf(),
      { batch: 'Site' },
      /no column "Site" \(batch\); it has subject, site/,
    ],
    ['a column with two roles', tableOf(), { covariates: ['site'] }, /"site" has two roles/],
    [
      'a categorical column that is no covariate',
      tableOf(),
      { categorical: ['volume'] },
      /"volume" is declared categorical/,
    ],
    ['a row without site', changed(2, 'site', ''), {}, /"site" is empty at line 4/],
    [
      'text in a quantity',
      changed(1, 'age', 'old'),
      {},
      /covariate "age" holds text among its numbers: "old" on line 3 \(A\)/,
    ],
  ])('%s', (_, table, roles, message) => {
    expect(() => samplesOf(table, { ...ROLES, ...roles })).toThrow(message)
  })
  it('an id that comes twice, by its lines: the id itself may be the name of a patient', () => {
    const act = () => samplesOf(changed(3, 'subject', 's2'), ROLES)
    expect(act).toThrow(InputError)
    expect(act).toThrow(/lines 3 and 5 have the same "subject"/)
    expect(act).not.toThrow(/s2/)
  })
  it('text in a feature: column, line, site', () => {
    const table = changed(2, 'volume', '1,05')
    expect(chooseFeatures(table, ROLES).names).toContain('volume')
    expect(() => featuresOf(table, ['volume'], ['A', 'A', 'B', 'B'])).toThrow(
      /feature "volume" .* "1,05" on line 4 \(B\)/,
    )
  })
  it('a table without a column of numbers', () => {
    const table = tableOf(
      ROWS.map((cells) => cells.slice(0, 4)),
      HEADER.slice(0, 4),
    )
    expect(() => chooseFeatures(table, ROLES)).toThrow(ConfigError)
  })
  it('a table that lacks features of a model', () => {
    expect(() => featuresOf(tableOf(), ['volume', 'area'], [])).toThrow(/lacks 1 feature of the model: area/)
  })
  it('text where the model has a quantity', () => {
    const codings = [{ name: 'age', kind: 'continuous', center: 40, low: 30, high: 60 }] as const
    const table = tableOf(ROWS.map((cells) => cells.with(2, 'old')))
    expect(() => samplesFor(table, 'site', codings)).toThrow(/"age" holds text/)
  })
})
