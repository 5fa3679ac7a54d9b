import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Drawn, drawTable, pickRows } from '../../test/combat-table.ts'
import { ConfigError, RefusedError, UnfittableError } from '../errors.ts'
import { splineColumns } from '../kernels/cubic-spline.ts'
import { random } from '../kernels/random.ts'
import { applyCombat } from './apply.ts'
import type { Covariate } from './data.ts'
import { explainCombat } from './explain.ts'
import { type FitOptions, fitCombat } from './fit.ts'
import { type CombatModel, parseCombatModel } from './model.ts'
import { estimateNewBatches } from './new-batch.ts'
import type { SmoothOptions } from './smooth.ts'
import { VARIANTS } from './variants.ts'

const AGE: SmoothOptions = { columns: ['age'], penalty: 'reml', basis: 10 }
const OPTIONS: FitOptions = {
  variant: 'eb',
  compat: null,
  reference: null,
  singleRow: 'mean-only',
  smooth: AGE,
  software: 'attune 0',
}
const fitted = ({ features, samples }: Drawn, options: Partial<FitOptions> = {}): CombatModel =>
  fitCombat(features, samples, { ...OPTIONS, ...options })
const harmonized = (drawn: Drawn, options: Partial<FitOptions> = {}): Float64Array =>
  applyCombat(fitted(drawn, options), drawn.features, drawn.samples).values
const distance = (a: Float64Array, b: Float64Array): number =>
  a.reduce((most, value, k) => Math.max(most, Math.abs(value - b[k]!)), 0)
const withAge = (drawn: Drawn, change: (age: number, row: number) => number): Drawn => ({
  ...drawn,
  samples: {
    ...drawn.samples,
    covariates: drawn.samples.covariates.map((one) =>
      one.kind === 'continuous' && one.name === 'age' ? { ...one, values: one.values.map(change) } : one,
    ),
  },
})
const withCovariate = (drawn: Drawn, covariate: Covariate): Drawn => ({
  ...drawn,
  samples: { ...drawn.samples, covariates: [...drawn.samples.covariates, covariate] },
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
const ages = ({ samples }: Drawn): Float64Array =>
  samples.covariates.find((one) => one.kind === 'continuous')!.values as Float64Array
/** The features rise and fall with age, 2 up and down over 60 years. */
const curved = (drawn: Drawn): Drawn => {
  const age = ages(drawn)
  return withValues(drawn, (value, row) => value + 2 * Math.sin(age[row]! / 9))
}

const seed = fc.integer({ min: 0, max: 2 ** 31 })
const sizes = fc.array(fc.integer({ min: 9, max: 16 }), { minLength: 2, maxLength: 4 })
const drawn = fc.tuple(seed, sizes).map(([number, rows]) => curved(drawTable(number, rows, 4)))
const few = { numRuns: 15 }

describe('laws', () => {
  it.each(VARIANTS)('%s: an enormous penalty is the covariate as a straight line', (variant) => {
    fc.assert(
      fc.property(drawn, (table) => {
        const straight = harmonized(table, { variant, smooth: { ...AGE, columns: [] } })
        const stiff = harmonized(table, { variant, smooth: { ...AGE, penalty: 1e12 } })
        expect(distance(stiff, straight)).toBeLessThan(1e-6)
      }),
      few,
    )
  })
  it.each(['eb', 'robust', 'mean-only'] as const)(
    '%s: order of rows, names of sites and order of covariates change nothing',
    (variant) => {
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
          const values = harmonized(table, { variant })
          const expected = pickRows({ ...table, features: { ...table.features, values } }, order)
          // A penalty is known to 1e-4 of itself: the criterion is flat at its lowest point.
          expect(distance(harmonized(renamed, { variant }), expected.features.values)).toBeLessThan(1e-4)
        }),
        few,
      )
    },
  )
  it.each(['reml', 'gcv'] as const)(
    '%s: the unit of the covariate changes nothing, nor does that of the features',
    (penalty) => {
      fc.assert(
        fc.property(drawn, (table) => {
          const smooth = { ...AGE, penalty }
          const first = harmonized(table, { smooth })
          expect(
            distance(
              harmonized(
                withAge(table, (age) => 365.25 * age - 4000),
                { smooth },
              ),
              first,
            ),
          ).toBeLessThan(1e-4)
          const thousands = withValues(table, (value) => 1000 * value)
          expect(
            distance(
              harmonized(thousands, { smooth }),
              first.map((value) => 1000 * value),
            ),
          ).toBeLessThan(0.1)
        }),
        few,
      )
    },
  )
  it.each(VARIANTS)(
    '%s: a model that was saved and read gives the table of the fit, to the last digit',
    (variant) => {
      fc.assert(
        fc.property(drawn, (table) => {
          const model = fitted(table, { variant })
          const read = parseCombatModel(JSON.parse(JSON.stringify(model)), 'model.json')
          expect(read).toEqual(model)
          const row = table.features.rows - 1
          const alone = pickRows(table, [row])
          const all = applyCombat(model, table.features, table.samples).values
          const last = applyCombat(read, alone.features, alone.samples).values
          expect([...last]).toEqual(table.features.names.map((_, f) => all[f * table.features.rows + row]))
        }),
        few,
      )
    },
  )
  it('with a reference, a shift of another site changes nothing without EB', () => {
    fc.assert(
      fc.property(drawn, fc.integer({ min: -50, max: 50 }), (table, c) => {
        const options = { variant: 'no-eb', reference: 'site 1' } as const
        const shifted = withValues(table, (value, row) =>
          table.samples.batch[row] === 'site 2' ? value + c : value,
        )
        expect(distance(harmonized(shifted, options), harmonized(table, options))).toBeLessThan(1e-4)
      }),
      few,
    )
  })
  it('a feature with gaps has the curve and effects of the table without these rows, and keeps its gaps', () => {
    fc.assert(
      fc.property(drawn, fc.uniqueArray(fc.nat({ max: 7 }), { maxLength: 2 }), (table, gaps) => {
        const smooth = { ...AGE, penalty: 0.1 }
        const holes = withValues(table, (value, row, f) =>
          f === 1 && gaps.includes(row) ? Number.NaN : value,
        )
        // With four functions the knots are the ends of the range, which stand in rows that both tables have.
        const wide = (one: Drawn): Drawn =>
          withAge(one, (age, row) => (row === 8 ? 15 : row === 9 ? 85 : gaps.includes(row) ? 50 : age))
        const model = fitted(wide(holes), { variant: 'no-eb', smooth: { ...smooth, basis: 4 } })
        const kept = [...Array(table.features.rows).keys()].filter((row) => !gaps.includes(row))
        const fewer = fitted(pickRows(wide(table), kept), {
          variant: 'no-eb',
          smooth: { ...smooth, basis: 4 },
        })
        expect(model.variance[1]).toBeCloseTo(fewer.variance[1]!, 8)
        model.batches.forEach((batch, g) => {
          expect(batch.location[1]).toBeCloseTo(fewer.batches[g]!.location[1]!, 6)
        })
        const out = harmonized(holes)
        const empty = [...out.keys()]
          .filter((at) => Number.isNaN(out[at]))
          .map((at) => at - table.features.rows)
        expect(empty).toEqual(gaps.toSorted((a, b) => a - b))
      }),
      few,
    )
  })
  it('curves have mean 0 over the rows of the fit, so that the mean of a model is that of the sites', () => {
    fc.assert(
      fc.property(drawn, (table) => {
        const model = fitted(table)
        const [coding] = model.covariates
        const knots = coding?.kind === 'smooth' ? coding.knots : []
        const rows = table.features.rows
        const basis = splineColumns(knots, ages(table))
        const own = model.slopes.filter(({ column }) => column.startsWith('s(age)'))
        let sum = 0
        for (let i = 0; i < rows; i++)
          for (const [k, { values }] of own.entries()) sum += values[0]! * basis[k * rows + i]!
        expect(sum / rows).toBeCloseTo(0, 9)
      }),
      few,
    )
  })
})

it('data without effects of site move by less than 0.15 SD', () => {
  const none = curved(drawTable(3, [60, 60, 60], 40, { effects: 0 }))
  const moved = harmonized(none).map((value, k) => value - none.features.values[k]!)
  expect(Math.sqrt(moved.reduce((sum, value) => sum + value * value, 0) / moved.length)).toBeLessThan(0.15)
})

it('a curve is kept where sites differ in age: a straight line takes it for an effect of the site', () => {
  const { normal, between } = random(11, 'curve')
  const rows = 240
  const batch = Array.from({ length: rows }, (_, i) => (i < 120 ? 'narrow' : 'wide'))
  const age = Float64Array.from(batch, (name) => (name === 'narrow' ? between(40, 60) : between(20, 80)))
  const truth = (x: number): number => ((x - 50) / 10) ** 2 // a U over age, the same at both sites
  const count = 30
  const values = Float64Array.from(
    { length: rows * count },
    (_, at) => truth(age[at % rows]!) + 0.5 * normal(),
  )
  const table: Drawn = {
    features: { names: Array.from({ length: count }, (_, f) => `f${f}`), rows, values },
    samples: {
      batchName: 'site',
      batch,
      covariates: [{ name: 'age', kind: 'continuous', values: age }],
      rowName: String,
      source: 't.csv',
    },
  }
  /** Mean difference of the sites from the truth, where both have people. */
  const bias = (out: Float64Array): number => {
    const there = (name: string): number => {
      const left = [...out.keys()].filter(
        (at) => batch[at % rows] === name && age[at % rows]! > 40 && age[at % rows]! < 60,
      )
      return left.reduce((sum, at) => sum + out[at]! - truth(age[at % rows]!), 0) / left.length
    }
    return Math.abs(there('narrow') - there('wide'))
  }
  expect(bias(values)).toBeLessThan(0.1)
  expect(bias(harmonized(table, { smooth: { ...AGE, columns: [] } }))).toBeGreaterThan(1)
  expect(bias(harmonized(table))).toBeLessThan(0.1)
})

it('beyond the ages of the fit the curve is a straight line, and the rows are named', () => {
  const table = curved(drawTable(5, [30, 30], 4))
  const model = fitted(table)
  const coding = model.covariates[0]!
  const high = coding.kind === 'smooth' ? coding.knots.at(-1)! : Number.NaN
  const expected = (age: number): number => {
    const one = withAge(pickRows(table, [0]), () => age)
    const { values } = applyCombat(model, one.features, one.samples)
    return values[0]!
  }
  const step = expected(high + 20) - expected(high + 10)
  expect(expected(high + 30) - expected(high + 20)).toBeCloseTo(step, 9)
  expect(expected(high + 10) - expected(high)).toBeCloseTo(step, 9)
  const older = withAge(table, (age, row) => (row === 3 ? 99 : age))
  const { notes } = applyCombat(model, older.features, older.samples)
  expect(notes).toMatchObject([
    { code: 'extrapolation', text: expect.stringMatching(/line 5.*straight line/) },
  ])
})

it('a new site is estimated against the curve of the fit', () => {
  const table = curved(drawTable(7, [40, 40, 40], 30))
  const known = pickRows(table, [...Array(80).keys()])
  const incoming = pickRows(
    table,
    [...Array(40).keys()].map((k) => 80 + k),
  )
  const { model } = estimateNewBatches(fitted(known), incoming.features, incoming.samples, 20)
  const alone = applyCombat(model, incoming.features, incoming.samples).values
  const together = harmonized(table)
  const moved = table.features.names.map((_, f) => {
    let sum = 0
    for (let k = 0; k < 40; k++) sum += alone[f * 40 + k]! - together[f * 120 + 80 + k]!
    return sum / 40
  })
  // Apart from where the mean of all is, which the third site helped to place.
  const middle = moved.reduce((a, b) => a + b, 0) / moved.length
  expect(Math.sqrt(moved.reduce((sum, value) => sum + (value - middle) ** 2, 0) / moved.length)).toBeLessThan(
    0.6,
  )
})

it('outliers bend no curve of the robust variant', () => {
  const table = drawTable(9, [40, 40], 3)
  const old = ages(table).indexOf(Math.max(...ages(table)))
  const wrong = withValues(table, (value, row, f) => (row === old && f === 0 ? value + 40 : value))
  const move = (variant: 'robust' | 'eb'): number => {
    const [a, b] = [harmonized(table, { variant }), harmonized(wrong, { variant })]
    return Math.max(...[...a.keys()].filter((at) => at !== old).map((at) => Math.abs(a[at]! - b[at]!)))
  }
  expect(move('robust')).toBeLessThan(0.5)
  expect(move('eb')).toBeGreaterThan(1)
})

it('explains curves: formula, degrees of freedom, and a sentence for a paper with its source', () => {
  const explanation = explainCombat(fitted(curved(drawTable(5, [30, 30], 4))))
  expect(explanation.formula).toBe('feature ~ s(age) + sex (M against F) + site (location and scale)')
  expect(explanation.smooth![0]).toMatchObject({ column: 'age', straight: 0 })
  expect(explanation.smooth![0]!.freedom.median).toBeGreaterThan(3)
  expect(explanation.methods).toMatch(
    /cubic B-splines of age \(10 functions\).*restricted maximum likelihood.*Wood SN/s,
  )
})

describe('refusals', () => {
  const table = drawTable(1, [20, 20], 3)
  it.each<[string, Drawn, Partial<SmoothOptions>, typeof ConfigError, RegExp]>([
    ['names', table, { columns: ['sex'] }, ConfigError, /"sex" holds names.*--covariate/s],
    ['a column that is not there', table, { columns: ['iq'] }, ConfigError, /"iq" is no covariate/],
    ['a basis of three', table, { basis: 3 }, ConfigError, /basis has 3/],
    ['a penalty of 0', table, { penalty: 0 }, ConfigError, /penalty is 0.*above 0/s],
    ['a penalty of NaN', table, { penalty: Number.NaN }, ConfigError, /penalty is NaN/],
  ])('%s', (_, { features, samples }, smooth, kind, message) => {
    const fit = (): CombatModel => fitCombat(features, samples, { ...OPTIONS, smooth: { ...AGE, ...smooth } })
    expect(fit).toThrow(kind)
    expect(fit).toThrow(message)
  })
  it('three different values, and says so of seven', () => {
    const three = withAge(table, (_, row) => 30 + (row % 3))
    expect(() => fitted(three)).toThrow(RefusedError)
    expect(() => fitted(three)).toThrow(/"age" has 3 different values.*--categorical/s)
    const seven = fitted(withAge(table, (_, row) => 30 + (row % 7)))
    expect(seven.notes).toMatchObject([
      { code: 'smaller-smooth-basis', text: expect.stringMatching(/7 functions/) },
    ])
    expect(seven.slopes.filter(({ column }) => column.startsWith('s(age)'))).toHaveLength(7)
  })
  it('an age that does not vary within any site, as for a straight line', () => {
    const apart = withAge(table, (_, row) => (row < 20 ? 30 : 60))
    expect(() => fitted(apart)).toThrow(/"age" does not vary within any site/)
  })
  it('two columns that say the same', () => {
    const months = { name: 'months', kind: 'continuous', values: ages(table).map((age) => 12 * age) } as const
    const both = { smooth: { ...AGE, columns: ['age', 'months'] } }
    expect(() => fitted(withCovariate(table, months), both)).toThrow(/follows from/)
  })
  it('fewer rows than functions', () => {
    const small = drawTable(1, [6, 6], 3)
    expect(() => fitted(small)).toThrow(UnfittableError)
    expect(() => fitted(small)).toThrow(/12 rows.*--smooth-basis/s)
  })
})
