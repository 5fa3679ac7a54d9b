/** Smooth terms beside their peers: neuroHarmonize at fixed penalties, mgcv for the choice. How their tables came about: the README of the folder. */
import { expect, it } from 'vitest'
import { applyCombat } from '../../src/combat/apply.ts'
import type { Features } from '../../src/combat/data.ts'
import { type FitOptions, fitCombat } from '../../src/combat/fit.ts'
import type { CombatModel } from '../../src/combat/model.ts'
import { SMOOTH_BASIS, type SmoothOptions } from '../../src/combat/smooth.ts'
import { featuresOf, samplesOf } from '../../src/combat/table.ts'
import { readCells } from '../../src/formats/tables/table.ts'
import { splineColumns } from '../../src/kernels/cubic-spline.ts'
import { packageFile } from '../../src/package-root.ts'

const here = (name: string): string => packageFile(`test/goldens/combat-smooth/${name}.csv`)
const table = await readCells(here('table'))
const names = Array.from({ length: 8 }, (_, k) => `f${k + 1}`)
const rows = table.rows.length
const NOISE = 0.5 // SD that the table was drawn with

interface Fit {
  readonly model: CombatModel
  readonly features: Features
  readonly values: Float64Array
}

function fitted(
  columns: readonly string[],
  penalty: SmoothOptions['penalty'],
  options: Pick<FitOptions, 'variant' | 'compat'>,
): Fit {
  const covariates = ['sex', ...columns]
  const samples = samplesOf(table, { batch: 'site', covariates, categorical: [], id: null, features: names })
  const features = featuresOf(table, names, samples.batch)
  const model = fitCombat(features, samples, {
    ...options,
    reference: null,
    singleRow: 'mean-only',
    smooth: { columns, penalty, basis: SMOOTH_BASIS },
    software: 'attune',
  })
  return { model, features, values: applyCombat(model, features, samples).values }
}

it.each([
  ['age-0.01', ['age'], 0.01, { variant: 'no-eb', compat: null }],
  ['age-1-eb', ['age'], 1, { variant: 'eb', compat: 'neurocombat' }],
  ['age-0.1-bmi-0.1', ['age', 'bmi'], 0.1, { variant: 'no-eb', compat: null }],
] as const)('%s: neuroHarmonize at a fixed penalty, to 1e-9 SD', async (name, columns, penalty, options) => {
  const { features, values } = fitted(columns, penalty, options)
  const expected = featuresOf(await readCells(here(name)), names, [])
  expect(expected.rows).toBe(features.rows)
  const apart = values.reduce((most, value, at) => Math.max(most, Math.abs(value - expected.values[at]!)), 0)
  expect(apart / NOISE).toBeLessThan(1e-9)
})

const mgcv = await readCells(here('mgcv'))
const cell = (row: readonly string[], column: string): string => row[mgcv.columns.indexOf(column)] ?? ''

/** The largest difference between our curve and that of one row of mgcv.csv, in SDs of the noise. */
function apart(model: CombatModel, row: readonly string[]): number {
  const term = cell(row, 'term')
  const f = names.indexOf(cell(row, 'feature'))
  const coding = model.covariates.find((one) => one.name === term)
  const knots = coding?.kind === 'smooth' ? coding.knots : []
  const at = table.columns.indexOf(term)
  const basis = splineColumns(
    knots,
    Float64Array.from(table.rows, (cells) => Number(cells[at])),
  )
  const own = model.slopes.filter(({ column }) => column.startsWith(`s(${term})`))
  return Math.max(
    ...table.rows.map((_, i) => {
      const curve = own.reduce(
        (sum, { values }, k) => sum + (values[f] ?? Number.NaN) * basis[k * rows + i]!,
        0,
      )
      return Math.abs(curve - Number(cell(row, `r${i + 1}`))) / NOISE
    }),
  )
}

/** n * squares / (n - degrees of freedom)^2: three sites, sex, and the curves. */
function gcvOf({ variance, smooth }: CombatModel, f: number): number {
  const spent = smooth!.terms.reduce((sum, { freedom }) => sum + freedom[f]!, 4)
  return (rows * rows * variance[f]!) / (rows - spent) ** 2
}

it.each([
  ['age', ['age']],
  ['both', ['age', 'bmi']],
] as const)(
  '%s: the curves that mgcv finds by REML, to 1e-5 SD, and their degrees of freedom',
  (name, columns) => {
    const { model } = fitted(columns, 'reml', { variant: 'no-eb', compat: null })
    const expected = mgcv.rows.filter((row) => cell(row, 'model') === name && cell(row, 'method') === 'REML')
    expect(expected).toHaveLength(8 * columns.length)
    for (const row of expected) {
      expect(apart(model, row)).toBeLessThan(1e-5)
      const term = model.smooth!.terms.find(({ column }) => column === cell(row, 'term'))!
      expect(term.freedom[names.indexOf(cell(row, 'feature'))]).toBeCloseTo(Number(cell(row, 'edf')), 5)
    }
  },
)

it.each([
  ['age', ['age']],
  ['both', ['age', 'bmi']],
] as const)(
  '%s: no higher GCV score than mgcv, and where it is the same, its curves to 1e-4 SD',
  (name, columns) => {
    const { model } = fitted(columns, 'gcv', { variant: 'no-eb', compat: null })
    const expected = mgcv.rows.filter((row) => cell(row, 'model') === name && cell(row, 'method') === 'GCV')
    expect(expected).toHaveLength(8 * columns.length)
    let same = 0
    for (const row of expected) {
      const ours = gcvOf(model, names.indexOf(cell(row, 'feature')))
      const theirs = Number(cell(row, 'score'))
      expect(ours).toBeLessThan(theirs * (1 + 1e-7))
      if (ours < theirs * (1 - 1e-4)) continue // a lower point than the one where mgcv stopped
      same++
      expect(apart(model, row)).toBeLessThan(1e-4)
    }
    expect(same).toBeGreaterThanOrEqual(expected.length - 2)
  },
)
