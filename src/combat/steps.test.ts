import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Drawn, drawTable, pickRows } from '../../test/combat-table.ts'
import { ConfigError, InputError, RefusedError } from '../errors.ts'
import { random } from '../kernels/random.ts'
import { applyCombat } from './apply.ts'
import { explainSteps } from './explain-steps.ts'
import { type FitOptions, fitCombat } from './fit.ts'
import { applySteps, type BatchColumn, fitSteps, parseCombatSteps, type StepsFit, stepsOf } from './steps.ts'
import { VARIANTS } from './variants.ts'

const OPTIONS: FitOptions = {
  variant: 'eb',
  compat: null,
  reference: null,
  singleRow: 'mean-only',
  software: 'attune 0',
}
/** Sites, and scanners within them: every third row of a site is from its second scanner; the last site has one. */
const columnsOf = ({ samples }: Drawn): readonly BatchColumn[] => {
  const last = samples.batch.at(-1)
  return [
    { name: 'site', batch: samples.batch },
    {
      name: 'scanner',
      batch: samples.batch.map((site, row) => (site !== last && row % 3 === 0 ? 'new' : 'old')),
    },
  ]
}
const fitted = (drawn: Drawn, nested: boolean, options: Partial<FitOptions> = {}): StepsFit =>
  fitSteps(drawn.features, drawn.samples, columnsOf(drawn), nested, { ...OPTIONS, ...options })
const distance = (a: Float64Array, b: Float64Array): number =>
  a.reduce((most, value, k) => Math.max(most, Math.abs(value - b[k]!)), 0)

const seed = fc.integer({ min: 0, max: 2 ** 31 })
const sizes = fc.array(fc.integer({ min: 9, max: 14 }), { minLength: 2, maxLength: 3 })
const drawn = fc.tuple(seed, sizes).map(([number, rows]) => drawTable(number, rows, 4))
const few = { numRuns: 20 }

it('by hand: scanners 1 2 3 and 5 7 9 of one site meet at 4.5 with their pooled spread, and the other site stays', () => {
  // Means 2 and 7, together 4.5; squares 2 and 8 over six rows make 10 / 6; scanners have variances 1 and 4 of their own.
  const table: Drawn = {
    features: { names: ['x'], rows: 9, values: Float64Array.of(1, 2, 3, 5, 7, 9, 20, 26, 29) },
    samples: { ...drawTable(1, [6, 3], 1).samples, covariates: [] },
  }
  const columns = [
    { name: 'site', batch: table.samples.batch },
    { name: 'scanner', batch: ['a', 'a', 'a', 'b', 'b', 'b', 'a', 'a', 'a'] },
  ]
  const [inner] = stepsOf(table.samples, columns, true)
  const model = fitCombat(table.features, inner!.samples, {
    ...OPTIONS,
    variant: 'no-eb',
    within: inner!.within!,
  })
  const out = applyCombat(model, table.features, inner!.samples).values
  const step = Math.sqrt(10 / 6)
  expect(
    distance(
      out.slice(0, 6),
      Float64Array.from([-1, 0, 1, -1, 0, 1], (k) => 4.5 + k * step),
    ),
  ).toBeLessThan(1e-14)
  expect([...out.slice(6)]).toEqual([20, 26, 29])
  expect(model.batches.map(({ name }) => name)).toEqual(['site 1/a', 'site 1/b', 'site 2/a'])
})

describe('laws', () => {
  it.each([true, false])(
    'nested %s: a model that was saved, read and applied gives the table of the fit',
    (nested) => {
      fc.assert(
        fc.property(drawn, fc.constantFrom(...VARIANTS), (table, variant) => {
          const { model, values } = fitted(table, nested, { variant })
          const read = parseCombatSteps(JSON.parse(JSON.stringify(model)), 'model.json')
          expect(read).toEqual(model)
          const applied = applySteps(read, table.features, table.samples, columnsOf(table), null)
          expect([...applied.values]).toEqual([...values])
        }),
        few,
      )
    },
  )
  it.each([true, false])('nested %s: the order of rows and the names of batches change nothing', (nested) => {
    fc.assert(
      fc.property(drawn, seed, (table, shuffle) => {
        const order = [...Array(table.features.rows).keys()].sort(
          (a, b) => ((a * 7919 + shuffle) % 101) - ((b * 7919 + shuffle) % 101) || a - b,
        )
        const columns = columnsOf(table).map(({ name, batch }) => ({
          name,
          batch: order.map(
            (row) => `${9 - Number(/\d/.exec(batch[row]!)?.[0] ?? 0)}/${batch[row]!.toUpperCase()}`,
          ),
        }))
        const other = pickRows(table, order)
        const found = fitSteps(other.features, other.samples, columns, nested, OPTIONS).values
        const { values } = fitted(table, nested)
        const expected = pickRows({ ...table, features: { ...table.features, values } }, order)
        expect(distance(found, expected.features.values)).toBeLessThan(1e-7)
      }),
      few,
    )
  })
  it('in sequence, each step is the ComBat of its column on what the one before left', () => {
    fc.assert(
      fc.property(drawn, (table) => {
        const { model, values } = fitted(table, false)
        const [site, scanner] = columnsOf(table)
        const first = fitCombat(
          table.features,
          { ...table.samples, batchName: 'site', batch: site!.batch },
          OPTIONS,
        )
        const left = applyCombat(first, table.features, { ...table.samples, batch: site!.batch }).values
        const samples = { ...table.samples, batchName: 'scanner', batch: scanner!.batch }
        const second = fitCombat({ ...table.features, values: left }, samples, OPTIONS)
        expect(model.steps).toEqual([first, second])
        expect([...applyCombat(second, { ...table.features, values: left }, samples).values]).toEqual([
          ...values,
        ])
      }),
      few,
    )
  })
  it('within sites, without EB: a shift of one scanner changes nothing within its site but the mean of the site', () => {
    fc.assert(
      fc.property(drawn, fc.integer({ min: -50, max: 50 }), (table, c) => {
        const [inner] = stepsOf(table.samples, columnsOf(table), true)
        const options = { ...OPTIONS, variant: 'no-eb', within: inner!.within! } as const
        const moved = (values: Float64Array): Float64Array => {
          const features = { ...table.features, values }
          return applyCombat(fitCombat(features, inner!.samples, options), features, inner!.samples).values
        }
        const there = inner!.samples.batch.map((name) => name === 'site 1/new')
        const rows = there.length
        const site = table.samples.batch.filter((name) => name === 'site 1').length
        const mean = (c * there.filter(Boolean).length) / site
        const shifted = moved(table.features.values.map((value, at) => value + (there[at % rows] ? c : 0)))
        const expected = moved(table.features.values).map(
          (value, at) => value + (table.samples.batch[at % rows] === 'site 1' ? mean : 0),
        )
        expect(distance(shifted, expected)).toBeLessThan(1e-8)
      }),
      few,
    )
  })
  it('the only scanner of a site leaves it as it is, to the last digit', () => {
    fc.assert(
      fc.property(drawn, fc.constantFrom(...VARIANTS), (table, variant) => {
        const [inner] = stepsOf(table.samples, columnsOf(table), true)
        const model = fitCombat(table.features, inner!.samples, {
          ...OPTIONS,
          variant,
          within: inner!.within!,
        })
        const { values } = applyCombat(model, table.features, inner!.samples)
        const last = table.samples.batch.at(-1)
        const own = [...values.keys()].filter((at) => table.samples.batch[at % table.features.rows] === last)
        expect(own.map((at) => values[at])).toEqual(own.map((at) => table.features.values[at]))
      }),
      few,
    )
  })
  it('without effects of site and scanner, data move by less than 0.2 SD', () => {
    const none = drawTable(3, [60, 60, 60], 40, { effects: 0 })
    for (const nested of [true, false]) {
      const moved = fitted(none, nested).values.map((value, k) => value - none.features.values[k]!)
      expect(Math.sqrt(moved.reduce((sum, value) => sum + value * value, 0) / moved.length)).toBeLessThan(0.2)
    }
  })
})

it('a scanner of few rows is better known within its site than by itself', () => {
  // Sites differ by 1 SD in every feature, scanners within a site by 0.2; one scanner in each site has 4 rows.
  const { normal } = random(5, 'nested')
  const count = 60
  const sites = [0, 1, 2, 3, 4]
  const layout = sites.flatMap((site) => Array.from({ length: 40 }, (_, k) => ({ site, small: k < 4 })))
  const rows = layout.length
  const values = new Float64Array(rows * count)
  const truth = new Float64Array(rows * count)
  for (let f = 0; f < count; f++) {
    const shifts = sites.map(() => ({ site: normal(), small: 0.2 * normal() }))
    layout.forEach(({ site, small }, row) => {
      truth[f * rows + row] = normal()
      values[f * rows + row] = truth[f * rows + row]! + shifts[site]!.site + (small ? shifts[site]!.small : 0)
    })
  }
  const features = { names: Array.from({ length: count }, (_, f) => `f${f}`), rows, values }
  const columns = [
    { name: 'site', batch: layout.map(({ site }) => `${site}`) },
    { name: 'scanner', batch: layout.map(({ small }) => (small ? 'small' : 'large')) },
  ]
  const samples = { ...drawTable(1, [rows], 1).samples, covariates: [], batch: columns[0]!.batch }
  /** How far the small scanners are from where they belong beside all rows, root mean square over features and sites. */
  const error = (out: Float64Array): number => {
    const mean = (own: readonly number[]): number => own.reduce((a, b) => a + b, 0) / own.length
    const errors = features.names.flatMap((_, f) => {
      const away = layout.map((__, row) => out[f * rows + row]! - truth[f * rows + row]!)
      const all = mean(away)
      return sites.map(
        (site) => mean(away.filter((__, row) => layout[row]!.site === site && layout[row]!.small)) - all,
      )
    })
    return Math.sqrt(mean(errors.map((value) => value * value)))
  }
  const nested = fitSteps(features, samples, columns, true, OPTIONS).values
  const flat = { ...samples, batch: layout.map(({ site, small }) => `${site} ${small}`) }
  const byItself = applyCombat(fitCombat(features, flat, OPTIONS), features, flat).values
  expect(error(nested)).toBeLessThan(0.8 * error(byItself))
})

it('explains the order, each step, and gives every reference once', () => {
  const table = drawTable(2, [12, 12, 12], 4)
  const nested = explainSteps(fitted(table, true).model)
  expect(nested.steps.map(({ formula }) => formula)).toEqual([
    'feature ~ age + sex (M against F) + site/scanner (location and scale, against site)',
    'feature ~ age + sex (M against F) + site (location and scale)',
  ])
  expect(nested.methods).toMatch(
    /scanner within site.*Step 1: .*mean and variance of the site of their own.*Step 2: /s,
  )
  const sequence = explainSteps(fitted(table, false).model)
  expect(sequence.methods).toMatch(/Effects of site, then of scanner .*Horng 2022/)
  expect(sequence.methods.match(/^Johnson WE/gm)).toHaveLength(1)
})

describe('refusals', () => {
  const table = drawTable(1, [12, 12], 3)
  const { features, samples } = table
  const [site, scanner] = columnsOf(table)
  const columns = [site!, scanner!]
  it.each<[string, readonly BatchColumn[], boolean, Partial<FitOptions>, RegExp]>([
    ['one column', [site!], true, {}, /one column of batches/],
    ['a reference', columns, true, { reference: 'site 1' }, /"site 1" stays as it is in one column/],
    [
      'the same twice',
      [site!, { name: 'place', batch: site!.batch.map((name) => `at ${name}`) }],
      false,
      {},
      /"place" divides the rows as "site" does/,
    ],
    [
      'nothing within',
      [site!, { name: 'place', batch: site!.batch.map(() => 'x') }],
      true,
      {},
      /"place" has one value within each "site"/,
    ],
  ])('%s', (_, given, nested, options, message) => {
    const run = (): StepsFit => fitSteps(features, samples, given, nested, { ...OPTIONS, ...options })
    expect(run).toThrow(ConfigError)
    expect(run).toThrow(message)
  })
  it('a scanner that the model does not know; it is estimated in sequence, not within', () => {
    const unknown = [
      site!,
      { name: 'scanner', batch: scanner!.batch.map((name) => (name === 'new' ? 'newer' : name)) },
    ]
    const sequence = fitted(table, false).model
    expect(() => applySteps(sequence, features, samples, unknown, null)).toThrow(RefusedError)
    const { added, model } = applySteps(sequence, features, samples, unknown, 4)
    expect(added).toMatchObject([{ name: 'newer', rows: 4 }])
    expect(model.steps[1]?.batches.at(-1)).toMatchObject({ name: 'newer', estimated: 'apply' })
    const nested = fitted(table, true).model
    expect(() => applySteps(nested, features, samples, unknown, null)).toThrow(
      /site\/scanner "site 1\/newer"/,
    )
    expect(() => applySteps(nested, features, samples, unknown, 4)).toThrow(ConfigError)
  })
  it('files that were changed', () => {
    const { model } = fitted(table, true)
    const broken =
      (change: object): (() => unknown) =>
      () =>
        parseCombatSteps({ ...model, ...change }, 'm.json')
    expect(broken({ version: 9 })).toThrow(InputError)
    expect(broken({ steps: model.steps.slice(1) })).toThrow(/2 columns of batches and 1 steps/)
    const [first, second] = model.steps
    expect(broken({ steps: [{ ...first, within: { ...first!.within, of: [0] } }, second] })).toThrow(
      /step 1.*lies within/s,
    )
  })
})
