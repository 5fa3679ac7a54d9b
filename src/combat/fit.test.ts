import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Drawn, drawTable, pickRows } from '../../test/combat-table.ts'
import { ConfigError, RefusedError, UnfittableError } from '../errors.ts'
import { applyCombat } from './apply.ts'
import type { Covariate } from './data.ts'
import { type FitOptions, fitCombat } from './fit.ts'
import { type CombatModel, parseCombatModel } from './model.ts'
import { VARIANTS } from './variants.ts'

const OPTIONS: FitOptions = {
  variant: 'eb',
  compat: null,
  reference: null,
  singleRow: 'mean-only',
  software: 'attune 0',
}
const fitted = ({ features, samples }: Drawn, options: Partial<FitOptions> = {}): CombatModel =>
  fitCombat(features, samples, { ...OPTIONS, ...options })
const harmonized = (drawn: Drawn, options: Partial<FitOptions> = {}): Float64Array =>
  applyCombat(fitted(drawn, options), drawn.features, drawn.samples).values
const distance = (a: Float64Array, b: Float64Array): number =>
  a.reduce((most, value, k) => Math.max(most, Math.abs(value - b[k]!)), 0)
const withCovariates = (drawn: Drawn, covariates: readonly Covariate[]): Drawn => ({
  ...drawn,
  samples: { ...drawn.samples, covariates },
})
const withValues = (
  drawn: Drawn,
  change: (value: number, row: number, feature: number) => number,
): Drawn => ({
  ...drawn,
  features: {
    ...drawn.features,
    values: drawn.features.values.map((value, at) =>
      change(value, at % drawn.features.rows, Math.floor(at / drawn.features.rows)),
    ),
  },
})
const rowsOf = ({ samples }: Drawn, site: string): number =>
  samples.batch.filter((name) => name === site).length

const seed = fc.integer({ min: 0, max: 2 ** 31 })
const sizes = fc.array(fc.integer({ min: 4, max: 9 }), { minLength: 2, maxLength: 4 })
const drawn = fc.tuple(seed, sizes).map(([number, rows]) => drawTable(number, rows, 5))
const shift = fc.integer({ min: -100, max: 100 })

it('two sites, one feature, by hand: 1 2 3 and 11 13 15 both become 6.5 7.5 8.5 at their pooled spread', () => {
  // Means 2 and 13, together 7.5; squares 2 and 8, pooled variance 10 / 6; each site's own variances are 1 and 4.
  const table: Drawn = {
    features: { names: ['x'], rows: 6, values: Float64Array.of(1, 2, 3, 11, 13, 15) },
    samples: { ...drawTable(1, [3, 3], 1).samples, covariates: [] },
  }
  const step = Math.sqrt(10 / 6)
  const expected = [-step, 0, step, -step, 0, step].map((away) => 7.5 + away)
  expect(distance(harmonized(table, { variant: 'no-eb' }), Float64Array.from(expected))).toBeLessThan(1e-14)
})

describe('laws', () => {
  it('with a reference, a shift of another site changes nothing without EB; nor does a stretch without covariates', () => {
    fc.assert(
      fc.property(drawn, shift, fc.integer({ min: 1, max: 10 }), (table, c, factor) => {
        const options = { variant: 'no-eb', reference: 'site 1' } as const
        const there = (row: number): boolean => table.samples.batch[row] === 'site 2'
        const shifted = withValues(table, (value, row) => (there(row) ? value + c : value))
        expect(distance(harmonized(shifted, options), harmonized(table, options))).toBeLessThan(1e-8)
        const bare = withCovariates(table, [])
        const stretched = withValues(bare, (value, row) => (there(row) ? value * factor : value))
        expect(distance(harmonized(stretched, options), harmonized(bare, options))).toBeLessThan(1e-8)
      }),
      { numRuns: 50 },
    )
  })
  it('without a reference, a shift c of a site of n of N rows moves every value by c n / N', () => {
    fc.assert(
      fc.property(drawn, shift, (table, c) => {
        const before = harmonized(table, { variant: 'no-eb' })
        const shifted = withValues(table, (value, row) =>
          table.samples.batch[row] === 'site 2' ? value + c : value,
        )
        const moved = (c * rowsOf(table, 'site 2')) / table.features.rows
        const expected = before.map((value) => value + moved)
        expect(distance(harmonized(shifted, { variant: 'no-eb' }), expected)).toBeLessThan(1e-8)
      }),
      { numRuns: 50 },
    )
  })
  it.each(VARIANTS)('%s: order of rows, names of sites and order of covariates change nothing', (variant) => {
    fc.assert(
      fc.property(drawn, seed, (table, shuffle) => {
        const order = [...Array(table.features.rows).keys()].sort(
          (a, b) => ((a * 7919 + shuffle) % 101) - ((b * 7919 + shuffle) % 101) || a - b,
        )
        const other = pickRows(table, order)
        const renamed: Drawn = {
          ...other,
          samples: {
            ...other.samples,
            batch: other.samples.batch.map((name) => `z${9 - Number(name.slice(5))}`),
            covariates: other.samples.covariates.toReversed(),
          },
        }
        const expected = pickRows(
          { ...table, features: { ...table.features, values: harmonized(table, { variant }) } },
          order,
        )
        expect(distance(harmonized(renamed, { variant }), expected.features.values)).toBeLessThan(1e-7)
      }),
      { numRuns: 20 },
    )
  })
  it.each(VARIANTS)(
    '%s: a model that was saved and read gives the table of the fit, to the last digit',
    (variant) => {
      fc.assert(
        fc.property(drawn, (table) => {
          const model = fitted(table, { variant })
          const read = parseCombatModel(JSON.parse(JSON.stringify(model)), 'model.json')
          expect(read).toEqual(model)
          const first = applyCombat(model, table.features, table.samples).values
          // Each row alone, too: apply knows nothing of the rows beside it.
          const row = table.features.rows - 1
          const alone = pickRows(table, [row])
          const last = applyCombat(read, alone.features, alone.samples).values
          expect([...last]).toEqual(table.features.names.map((_, f) => first[f * table.features.rows + row]))
        }),
        { numRuns: 20 },
      )
    },
  )
  it('a feature with gaps is fitted as if the rows without it were not there, and keeps its gaps', () => {
    fc.assert(
      fc.property(drawn, fc.uniqueArray(fc.nat({ max: 7 }), { maxLength: 2 }), (table, gaps) => {
        const holes = withValues(table, (value, row, f) =>
          f === 1 && gaps.includes(row) ? Number.NaN : value,
        )
        const kept = [...Array(table.features.rows).keys()].filter((row) => !gaps.includes(row))
        const fewer = pickRows(table, kept)
        const [model, expected] = [fitted(holes, { variant: 'no-eb' }), fitted(fewer, { variant: 'no-eb' })]
        expect(model.variance[1]).toBeCloseTo(expected.variance[1]!, 10)
        for (const [g, batch] of model.batches.entries()) {
          expect(batch.location[1]).toBeCloseTo(expected.batches[g]!.location[1]!, 8)
          expect(batch.scale[1]).toBeCloseTo(expected.batches[g]!.scale[1]!, 8)
        }
        const out = harmonized(holes)
        const rows = table.features.rows
        expect(
          [...out.keys()]
            .filter((at) => Number.isNaN(out[at]))
            .map((at) => at - rows)
            .sort((a, b) => a - b),
        ).toEqual(gaps.toSorted((a, b) => a - b))
      }),
      { numRuns: 50 },
    )
  })
})

it('data without effects of site move by less than 0.1 SD, and known effects of site are gone when there are any', () => {
  const none = drawTable(3, [60, 60, 60], 40, { effects: 0 })
  expect(distance(harmonized(none), none.features.values)).toBeLessThan(0.5)
  const rootMeanSquare =
    harmonized(none).reduce((sum, value, k) => sum + (value - none.features.values[k]!) ** 2, 0) /
    none.features.values.length
  expect(Math.sqrt(rootMeanSquare)).toBeLessThan(0.1)
  const some = drawTable(3, [60, 60, 60], 40)
  const again = { ...some, features: { ...some.features, values: harmonized(some) } }
  const before = fitted(some).batches.flatMap(({ estimatedLocation }) =>
    estimatedLocation.map((value) => Math.abs(value!)),
  )
  const after = fitted(again).batches.flatMap(({ estimatedLocation }) =>
    estimatedLocation.map((value) => Math.abs(value!)),
  )
  expect(Math.max(...before)).toBeGreaterThan(0.5)
  expect(Math.max(...after)).toBeLessThan(0.1)
})
it('the reference stays as it is, to the last digit', () => {
  const table = drawTable(5, [6, 7, 8], 4)
  const out = harmonized(table, { reference: 'site 2' })
  const { rows, values } = table.features
  expect(out.filter((_, at) => table.samples.batch[at % rows] === 'site 2')).toEqual(
    values.filter((_, at) => table.samples.batch[at % rows] === 'site 2'),
  )
})
it('robust: one value of 1000 SD moves nothing far; least squares is dragged along', () => {
  const table = drawTable(7, [30, 30], 6)
  const broken = withValues(table, (value, row, f) => (row === 3 && f === 2 ? 1000 : value))
  const others = (out: Float64Array): Float64Array => out.filter((_, at) => at % 60 !== 3)
  const change = (variant: 'eb' | 'robust'): number =>
    distance(others(harmonized(broken, { variant })), others(harmonized(table, { variant })))
  expect(change('robust')).toBeLessThan(0.5)
  expect(change('eb')).toBeGreaterThan(5)
})

describe('what cannot be fitted', () => {
  const table = drawTable(11, [5, 6, 4], 4)
  const refusal = (changed: Drawn, options: Partial<FitOptions> = {}): Error => {
    try {
      fitted(changed, options)
    } catch (error) {
      return error as Error
    }
    throw new UnfittableError('It was fitted.', '')
  }
  const categories = (name: string, value: (row: number) => string): Covariate => ({
    name,
    kind: 'categorical',
    values: table.samples.batch.map((_, row) => value(row)),
  })
  const numbers = (name: string, value: (row: number) => number): Covariate => ({
    name,
    kind: 'continuous',
    values: Float64Array.from(table.samples.batch, (_, row) => value(row)),
  })
  const age = table.samples.covariates[0]!
  const site = (row: number): string => table.samples.batch[row]!

  it('a covariate that is the site: says which values stand at which sites', () => {
    const error = refusal(
      withCovariates(table, [
        age,
        categories('diagnosis', (row) => (site(row) === 'site 2' ? 'patient' : 'control')),
      ]),
    )
    expect(error).toBeInstanceOf(RefusedError)
    expect(error.message).toMatch(/"diagnosis=patient" does not vary within any site/)
    expect(error.message).toMatch(/one value at site 1, site 3, another at site 2/)
  })
  it('a covariate that follows from another: names both', () => {
    const double = numbers('months', (row) => 12 * (age.values[row] as number) + 3)
    const error = refusal(withCovariates(table, [age, double]))
    expect(error).toBeInstanceOf(RefusedError)
    expect(error.message).toMatch(/"(age|months)" follows from "(age|months)" in every row/)
  })
  it('a covariate that follows from another at each site in its own way', () => {
    const mixed = numbers('field', (row) => (age.values[row] as number) + Number(site(row).slice(5)))
    expect(refusal(withCovariates(table, [age, mixed])).message).toMatch(
      /within every site \(site 1, site 2, site 3\)/,
    )
  })
  it.each([
    ['is the same everywhere', numbers('year', () => 0.1), /"year" is 0\.1 in every row/],
    ['has one level', categories('sex', () => 'F'), /"sex" is "F" in every row/],
    [
      'is missing',
      numbers('iq', (row) => (row === 6 ? Number.NaN : row)),
      /"iq" is missing at line 8 \(site site 2\)/,
    ],
    [
      'has an empty name',
      categories('group', (row) => (row === 1 ? '' : `${row % 2}`)),
      /"group" is missing at line 3/,
    ],
  ])('a covariate that %s', (_, covariate, message) => {
    expect(refusal(withCovariates(table, [covariate])).message).toMatch(message)
  })
  it('one site, an unknown reference, more unknowns than rows', () => {
    expect(refusal(pickRows(table, [0, 1, 2, 3])).message).toMatch(/"site" is "site 1" in every row/)
    expect(refusal(table, { reference: 'site 9' }).message).toMatch(
      /"site 9" is no site; there are site 1, site 2, site 3/,
    )
    const many = Array.from({ length: 12 }, (_, k) => numbers(`c${k}`, (row) => Math.sin(row * (k + 1))))
    expect(refusal(withCovariates(table, many)).message).toMatch(/15 rows for 15 unknowns/)
  })
  it('infinity, with its place', () => {
    const infinite = withValues(table, (value, row, f) => (row === 2 && f === 3 ? -Infinity : value))
    expect(refusal(infinite).message).toMatch(/"f4" is infinite at line 4/)
  })
  it('one feature, for variants that need several', () => {
    const one = {
      ...table,
      features: { names: ['f1'], rows: 15, values: table.features.values.slice(0, 15) },
    }
    for (const variant of VARIANTS.filter((name) => name !== 'no-eb'))
      expect(refusal(one, { variant }).message).toMatch(/one feature/)
    expect(fitted(one, { variant: 'no-eb' }).features).toEqual(['f1'])
  })
  it('features that are all constant', () => {
    expect(refusal(withValues(table, () => 3)).message).toMatch(/none of 4 features can be harmonized/)
  })
  it('the rule of neuroCombat for variants that do not iterate', () => {
    expect(refusal(table, { variant: 'no-eb', compat: 'neurocombat' })).toBeInstanceOf(ConfigError)
  })
})

describe('what is fitted with a note', () => {
  const table = drawTable(13, [6, 7, 1], 5)
  const codes = (model: CombatModel): readonly string[] => model.notes.map(({ code }) => code)

  it('a site with one row: its location alone; or refused; never a reference', () => {
    const model = fitted(table)
    expect(codes(model)).toEqual(['single-row-batch'])
    expect(model.notes[0]!.batches).toEqual(['site 3'])
    expect(model.batches[2]!.scale).toEqual([1, 1, 1, 1, 1])
    expect(() => fitted(table, { singleRow: 'refuse' })).toThrow(/site 3 has one row/)
    expect(() => fitted(table, { reference: 'site 3' })).toThrow(/reference site "site 3" has one row/)
  })
  it('constant features pass through, and the others are as if they were not there', () => {
    const flat = withValues(table, (value, row, f) => (f === 1 ? 4 : f === 3 && row < 6 ? 2 : value))
    const model = fitted(flat)
    expect(codes(model)).toEqual(['single-row-batch', 'constant-feature', 'constant-in-group-feature'])
    expect(model.notes.slice(1).map(({ features }) => features)).toEqual([['f2'], ['f4']])
    const rows = table.features.rows
    const out = harmonized(flat)
    for (const f of [1, 3])
      expect(out.slice(f * rows, (f + 1) * rows)).toEqual(
        flat.features.values.slice(f * rows, (f + 1) * rows),
      )
    const kept = [0, 2, 4]
    const fewer: Drawn = {
      ...table,
      features: {
        names: kept.map((f) => table.features.names[f]!),
        rows,
        values: Float64Array.from(
          kept.flatMap((f) => [...table.features.values.slice(f * rows, (f + 1) * rows)]),
        ),
      },
    }
    const alone = harmonized(fewer)
    kept.forEach((f, k) => {
      expect(out.slice(f * rows, (f + 1) * rows)).toEqual(alone.slice(k * rows, (k + 1) * rows))
    })
  })
  it('a feature that the covariates explain fully, and one without values', () => {
    const age = table.samples.covariates[0]!
    const odd = withValues(table, (value, row, f) =>
      f === 0 ? 2 * (age.values[row] as number) : f === 2 ? Number.NaN : value,
    )
    const model = fitted(odd)
    expect(codes(model)).toEqual(['single-row-batch', 'empty-feature', 'explained-feature'])
    expect(model.mean.map((value) => value === null)).toEqual([true, false, true, false, false])
  })
  it('a feature without values at one site is harmonized at the others, and left empty there when values come', () => {
    const holes = withValues(table, (value, row, f) => (f === 2 && row < 6 ? Number.NaN : value))
    const model = fitted(holes)
    expect(model.notes.find(({ code }) => code === 'no-value-in-batch')).toMatchObject({
      features: ['f3'],
      batches: ['site 1'],
    })
    const { values, notes } = applyCombat(model, table.features, table.samples)
    const empty = [...values.keys()].filter((at) => Number.isNaN(values[at]))
    expect(empty).toEqual([28, 29, 30, 31, 32, 33])
    expect(notes).toMatchObject([{ code: 'never-seen-in-batch', features: ['f3'], batches: ['site 1'] }])
    expect(notes[0]!.text).toMatch(/6 values left empty/)
  })
  it('a feature with one value at a site: its location alone there', () => {
    const holes = withValues(table, (value, row, f) => (f === 2 && row < 5 ? Number.NaN : value))
    const model = fitted(holes)
    expect(codes(model)).toEqual(['single-row-batch', 'no-scale-in-batch'])
    expect(model.batches[0]!.scale[2]).toBe(1)
    expect(model.batches[0]!.location[2]).not.toBeNull()
  })
})

it('takes values far from 0 as it takes them near: an offset of 9 digits costs 9 of 16 digits, no more', () => {
  const table = drawTable(17, [9, 8], 3)
  const far = withValues(table, (value) => value + 2 ** 30)
  const back = harmonized(far).map((value) => value - 2 ** 30)
  expect(distance(back, harmonized(table))).toBeLessThan(1e-5)
})
