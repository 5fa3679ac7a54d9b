import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { random } from '../kernels/random.ts'
import { applyCombat } from './apply.ts'
import { codedColumns } from './coding.ts'
import { type CovbatOptions, fitCovbat } from './covbat.ts'
import type { Features, SampleTable } from './data.ts'
import { explainCombat } from './explain.ts'
import { fitCombat } from './fit.ts'
import { type CombatModel, locationScaleOf, parseCombatModel } from './model.ts'
import { estimateNewBatches } from './new-batch.ts'
import { scoresOf } from './scores.ts'

const F = 6
const OPTIONS: CovbatOptions = {
  components: { share: 0.95 },
  compat: null,
  reference: null,
  singleRow: 'mean-only',
  software: 'attune',
}

/** Features of site A share one direction, those of site B another. */
function drawn(perSite: number, seed = 1): { features: Features; samples: SampleTable } {
  const { normal } = random(seed, 'covbat')
  const rows = 2 * perSite
  const ages = Array.from({ length: rows }, () => 50 + 10 * normal())
  const values = new Float64Array(F * rows)
  for (let i = 0; i < rows; i++) {
    const [shared, own] = [normal(), normal()]
    for (let f = 0; f < F; f++) {
      const along = i < perSite ? shared : (f % 2 === 0 ? 1 : -1) * shared + own
      values[f * rows + i] = 10 + f - 0.02 * ages[i]! + (i < perSite ? 0 : 0.5) + along + 0.5 * normal()
    }
  }
  const samples: SampleTable = {
    batchName: 'site',
    batch: Array.from({ length: rows }, (_, i) => (i < perSite ? 'A' : 'B')),
    covariates: [{ name: 'age', kind: 'continuous', values: Float64Array.from(ages) }],
    rowName: (row) => `line ${row + 2}`,
    source: 'table.csv',
  }
  return { features: { names: Array.from({ length: F }, (_, f) => `f${f + 1}`), rows, values }, samples }
}

const fitted = (table: ReturnType<typeof drawn>, options: Partial<CovbatOptions> = {}): CombatModel =>
  fitCovbat(table.features, table.samples, { ...OPTIONS, ...options })
const combat = ({ features, samples }: ReturnType<typeof drawn>, reference: string | null = null) =>
  applyCombat(fitCombat(features, samples, { ...OPTIONS, reference, variant: 'eb' }), features, samples)
    .values

/** Correlation of two features within the rows of a site. */
function correlation(
  values: Float64Array,
  rows: number,
  from: number,
  end: number,
  f: number,
  g: number,
): number {
  const [x, y] = [f, g].map((k) => {
    const own = values.slice(k * rows + from, k * rows + end)
    const mean = own.reduce((a, b) => a + b, 0) / own.length
    return own.map((value) => value - mean)
  }) as [Float64Array, Float64Array]
  const dot = (a: Float64Array, b: Float64Array): number =>
    a.reduce((sum, value, i) => sum + value * b[i]!, 0)
  return dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y))
}

it('brings the correlations of two sites together, which ComBat leaves apart', () => {
  const table = drawn(200)
  const { rows } = table.features
  const apart = (values: Float64Array): number => {
    let sum = 0
    for (let f = 0; f < F; f++)
      for (let g = 0; g < f; g++)
        sum += Math.abs(correlation(values, rows, 0, 200, f, g) - correlation(values, rows, 200, 400, f, g))
    return sum / ((F * (F - 1)) / 2)
  }
  const model = fitted(table, { components: { share: 1 } })
  const after = applyCombat(model, table.features, table.samples).values
  expect(apart(combat(table))).toBeGreaterThan(0.4)
  expect(apart(after)).toBeLessThan(0.6 * apart(combat(table)))
})
it('after it, the scores of all sites have one mean and one variance, those of the fit', () => {
  const table = drawn(30)
  const model = fitted(table, { components: { count: F } })
  const { covariance } = model
  if (covariance === undefined) throw new Error('no components')
  expect(covariance.explained.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9)
  const after = applyCombat(model, table.features, table.samples).values
  const columns = codedColumns(model.covariates, table.samples)
  const { scores } = scoresOf(after, covariance, locationScaleOf(model), columns)
  for (let k = 0; k < F; k++)
    for (const from of [0, 30]) {
      const own = scores.subarray(60 * k + from, 60 * k + from + 30)
      const mean = own.reduce((a, b) => a + b, 0) / 30
      expect(mean).toBeCloseTo(covariance.mean[k]!, 9)
      expect(own.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 29).toBeCloseTo(covariance.variance[k]!, 9)
    }
})

describe('laws', () => {
  const tables = fc
    .tuple(fc.integer({ min: 6, max: 30 }), fc.integer({ min: 1, max: 1e6 }))
    .map(([n, seed]) => drawn(n, seed))
  it('a model that was saved and read gives the table of the fit, to the last digit', () => {
    fc.assert(
      fc.property(tables, (table) => {
        const model = fitted(table)
        const read = parseCombatModel(JSON.parse(JSON.stringify(model)), 'model.json')
        expect(applyCombat(read, table.features, table.samples).values).toEqual(
          applyCombat(model, table.features, table.samples).values,
        )
      }),
      { numRuns: 20 },
    )
  })
  it('the reference stays as it is', () => {
    fc.assert(
      fc.property(tables, (table) => {
        const after = applyCombat(fitted(table, { reference: 'A' }), table.features, table.samples).values
        const { rows, values } = table.features
        after.forEach((value, at) => {
          if (at % rows < rows / 2)
            expect(Math.abs(value - values[at]!)).toBeLessThan(1e-12 * Math.abs(value))
        })
      }),
      { numRuns: 20 },
    )
  })
  it('units of features do not matter', () => {
    fc.assert(
      fc.property(tables, fc.integer({ min: 2, max: 9 }), (table, factor) => {
        const { features } = table
        const larger = {
          ...features,
          values: features.values.map((value, at) => (at < features.rows ? factor * value + 3 : value)),
        }
        const after = applyCombat(fitted(table), features, table.samples).values
        const other = applyCombat(fitted({ ...table, features: larger }), larger, table.samples).values
        other.forEach((value, at) => {
          const expected = at < features.rows ? factor * after[at]! + 3 : after[at]!
          expect(Math.abs(value - expected)).toBeLessThan(1e-6)
        })
      }),
      { numRuns: 20 },
    )
  })
  it('a copy of a site under a new name is harmonized like that site', () => {
    fc.assert(
      fc.property(tables, (table) => {
        const model = fitted(table)
        const renamed = {
          ...table.samples,
          batch: table.samples.batch.map((name) => (name === 'B' ? 'C' : name)),
        }
        const { model: extended, added } = estimateNewBatches(model, table.features, renamed, 2)
        expect(added.map(({ name }) => name)).toEqual(['C'])
        const expected = applyCombat(model, table.features, table.samples).values
        applyCombat(extended, table.features, renamed).values.forEach((value, at) => {
          expect(Math.abs(value - expected[at]!)).toBeLessThan(1e-6)
        })
        parseCombatModel(JSON.parse(JSON.stringify(extended)), 'model.json')
      }),
      { numRuns: 20 },
    )
  })
})

describe('what is missing', () => {
  const table = drawn(20)
  const gap = {
    ...table,
    features: { ...table.features, values: table.features.values.with(2 * 40 + 5, Number.NaN) },
  }
  it('a row without a value is harmonized by ComBat alone, and named', () => {
    const model = fitted(gap)
    expect(model.covariance?.rows).toBe(39)
    const after = applyCombat(model, gap.features, gap.samples)
    const plain = combat(gap)
    for (let f = 0; f < F; f++) {
      expect(after.values[f * 40 + 5]).toBe(plain[f * 40 + 5])
      expect(after.values[f * 40 + 6]).not.toBe(plain[f * 40 + 6])
    }
    expect(after.values[2 * 40 + 5]).toBeNaN()
    for (const notes of [model.notes, after.notes])
      expect(notes.find(({ code }) => code === 'incomplete-row')?.text).toMatch(
        /1 row of 40 \(line 7\) lacks a feature.*f3 \(1 row\)/,
      )
  })
  it('a feature that ComBat passes through takes no part, missing or not', () => {
    const flat = {
      ...table.features,
      values: table.features.values.slice().fill(7, 0, 40).fill(Number.NaN, 0, 3),
    }
    const model = fitted({ ...table, features: flat })
    expect(model.covariance?.rows).toBe(40)
    expect(model.covariance?.center[0]).toBeNull()
    expect(applyCombat(model, flat, table.samples).values.slice(0, 40)).toEqual(flat.values.slice(0, 40))
  })
  it('refused where a site has no whole row', () => {
    const holes = table.features.values.map((value, at) =>
      at % 40 >= 20 && (at % 40) % 6 === Math.floor(at / 40) ? Number.NaN : value,
    )
    expect(() => fitted({ ...table, features: { ...table.features, values: holes } })).toThrow(
      /no row of site B has every feature.*f/s,
    )
  })
  it('a new site needs whole rows', () => {
    const renamed = {
      ...table.samples,
      batch: table.samples.batch.map((name) => (name === 'B' ? 'C' : name)),
    }
    const holes = table.features.values.map((value, at) => (at >= 20 && at < 35 ? Number.NaN : value))
    expect(() =>
      estimateNewBatches(fitted(table), { ...table.features, values: holes }, renamed, 10),
    ).toThrow(/new site "C" has 5 rows with every feature; 10 are needed/)
  })
})

it.each<[string, CovbatOptions['components'], RegExp]>([
  ['no share', { share: 0 }, /above 0, at most 1/],
  ['a share of percent', { share: 95 }, /above 0, at most 1/],
  ['half a component', { count: 1.5 }, /whole number/],
  ['more components than there are', { count: 7 }, /7 components .* have 6/],
])('refuses %s', (_, components, message) => {
  expect(() => fitted(drawn(20), { components })).toThrow(message)
})
it('a model whose components were cut is refused', () => {
  const model = fitted(drawn(20))
  const broken = { ...model, covariance: { ...model.covariance!, batches: [] } }
  expect(() => parseCombatModel(JSON.parse(JSON.stringify(broken)), 'm.json')).toThrow(
    /components do not fit/,
  )
  const { covariance: _, ...without } = model
  expect(() => parseCombatModel(JSON.parse(JSON.stringify(without)), 'm.json')).toThrow(/has no components/)
})
it('says what it did, for a paper', () => {
  const { methods, covariance } = explainCombat(fitted(drawn(20), { components: { count: 2 } }))
  expect(covariance?.components).toBe(2)
  expect(methods).toMatch(/2 principal components \(\d\d\.\d % of their variance\).*hbm\.25688/s)
})
