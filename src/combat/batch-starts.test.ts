import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConfigError, InputError, RefusedError } from '../errors.ts'
import { dayOf, fittedBatches, parseStarts, startedBatches } from './batch-starts.ts'

const table = {
  source: 't.csv',
  columns: ['scanner', 'date'],
  rows: [
    ['A', '2020-03-01'],
    ['A', '2021-05-31T23:59:59'],
    ['A', '2021-06-01'],
    ['A', '20230102'],
    ['B', 'unknown'],
  ],
  lines: [2, 3, 4, 5, 6],
}
const batch = table.rows.map(([scanner = '']) => scanner)
const rule = (...starts: [string, string][]) => ({
  dateColumn: 'date',
  starts: starts.map(([name, from]) => ({ batch: name, from })),
})

it('splits at the day itself, at several days, and leaves other batches without dates alone', () => {
  expect(fittedBatches(batch, 'scanner', rule(['A', '2021-06-01'], ['A', '2023-01-01']), table)).toEqual([
    'A',
    'A',
    'A@2021-06-01',
    'A@2023-01-01',
    'B',
  ])
})

it('reads ISO and DICOM days, and no day that the calendar does not have', () => {
  fc.assert(
    fc.property(
      fc.date({ min: new Date('1900-01-01'), max: new Date('2100-01-01'), noInvalidDate: true }),
      (date) => {
        const iso = date.toISOString().slice(0, 10)
        expect([iso, iso.replaceAll('-', ''), `${iso}T08:15`, `${iso} 08:15`].map(dayOf)).toEqual([
          iso,
          iso,
          iso,
          iso,
        ])
      },
    ),
  )
  for (const wrong of ['2021-02-29', '2021-13-01', '01.06.2021', '6/1/2021', '2021', '', '2021-06-011'])
    expect(dayOf(wrong)).toBeNull()
})

it('reads rules of one column and of several, in the order of time', () => {
  const one = parseStarts(['A@2023-01-01', 'a@b@20210601'], ['scanner'])
  expect(one).toEqual(
    new Map([
      [
        'scanner',
        [
          { batch: 'a@b', from: '2021-06-01' },
          { batch: 'A', from: '2023-01-01' },
        ],
      ],
    ]),
  )
  expect(parseStarts(['scanner=A@2021-06-01'], ['site', 'scanner'])).toEqual(
    new Map([['scanner', [{ batch: 'A', from: '2021-06-01' }]]]),
  )
})

describe('refusals', () => {
  it.each([
    [['A@2021-06-31'], /A@2021-06-31 is no batch with a date/],
    [['2021-06-01'], /is no batch with a date/],
    [['@2021-06-01'], /is no batch with a date/],
    [['A@2021-06-01', 'A@20210601'], /given twice/],
  ])('%s', (words, message) => {
    expect(() => parseStarts(words, ['scanner'])).toThrow(ConfigError)
    expect(() => parseStarts(words, ['scanner'])).toThrow(message)
  })
  it('a rule that could be about several columns', () => {
    expect(() => parseStarts(['A@2021-06-01'], ['site', 'scanner'])).toThrow(/site, scanner.*scanner=BATCH/s)
  })
  it('a row without a date where one is needed, by column, line and batch', () => {
    const split = (): unknown => startedBatches(batch, 'scanner', rule(['B', '2021-06-01']), table)
    expect(split).toThrow(InputError)
    expect(split).toThrow(/"date" holds no date where scanner B .*"unknown" on line 6 \(scanner B\)/)
  })
  it('a batch that is not there, a name that is taken, a date that splits nothing off', () => {
    const fitted = (...starts: [string, string][]) => fittedBatches(batch, 'scanner', rule(...starts), table)
    expect(() => fitted(['C', '2021-06-01'])).toThrow(/"C" of --batch-from is no scanner; there are A, B/)
    expect(() => fitted(['A', '2030-01-01'])).toThrow(RefusedError)
    expect(() => fitted(['A', '2030-01-01'])).toThrow(
      /no row is left for scanner "A@2030-01-01" when its 4 rows/,
    )
    expect(() => fitted(['A', '2020-01-01'])).toThrow(/no row is left for scanner "A" /)
    const taken = [...batch.slice(1), 'A@2021-06-01']
    expect(() => fittedBatches(taken, 'scanner', rule(['A', '2021-06-01']), table)).toThrow(
      /"A@2021-06-01" already/,
    )
  })
})
