/** Smooth terms beside their peers: neuroHarmonize at fixed penalties, mgcv for the choice. How their tables came about: the README of the folder. */
import { expect, it } from 'vitest'
import { applyCombat } from '../../src/combat/apply.ts'
import type { Features } from '../../src/combat/data.ts'
import { fitCombat } from '../../src/combat/fit.ts'
import type { CombatModel } from '../../src/combat/model.ts'
import { SMOOTH_BASIS, type SmoothOptions } from '../../src/combat/smooth.ts'
import { featuresOf, samplesOf } from '../../src/combat/table.ts'
import { readCells } from '../../src/formats/tables/table.ts'
import { splineColumns } from '../../src/kernels/cubic-spline.ts'
import { packageFile } from '../../src/package-root.ts'

const here = (name: string): string => packageFile(`test/goldens/combat-smooth/${name}.csv`)
const table = await readCells(here('table'))
const names = Array.from({ length: 8 }, (_, k) => `f${k + 1}`)
const SD = 0.5 // of the noise that the table was drawn with

function fitted(
  columns: readonly string[],
  penalty: SmoothOptions['penalty'],
  variant: 'eb' | 'no-eb',
): [CombatModel, Features, Float64Array] {
  const roles = { batch: 'site', covariates: ['sex', ...columns], categorical: [], id: null, features: names }
  const samples = samplesOf(table, roles)
  const features = featuresOf(table, names, samples.batch)
  const model = fitCombat(features, samples, {
    variant,
    compat: null,
    reference: null,
    singleRow: 'mean-only',
    smooth: { columns, penalty, basis: SMOOTH_BASIS },
    software: 'attune',
  })
  return [model, features, applyCombat(model, features, samples).values]
}

it.each([
  ['age-0.01', ['age'], 0.01, 'no-eb'],
  ['age-1-eb', ['age'], 1, 'eb'],
  ['age-0.1-bmi-0.1', ['age', 'bmi'], 0.1, 'no-eb'],
] as const)('%s: within 1e-7 SD of neuroHarmonize', async (name, columns, penalty, variant) => {
  const [, features, found] = fitted(columns, penalty, variant)
  const expected = featuresOf(await readCells(here(name)), names, [])
  const apart = found.reduce((most, value, at) => Math.max(most, Math.abs(value - expected.values[at]!)), 0)
  process.stdout.write(`${name}: ${apart / SD}\n`)
  expect(features.rows).toBe(expected.rows)
  expect(apart / SD).toBeLessThan(1e-7)
})

const mgcv = await readCells(here('mgcv'))
const cell = (row: readonly string[], column: string): string => row[mgcv.columns.indexOf(column)] ?? ''

it.each([
  ['age', ['age'], 'reml'],
  ['both', ['age', 'bmi'], 'reml'],
  ['age', ['age'], 'gcv'],
  ['both', ['age', 'bmi'], 'gcv'],
] as const)('%s %s by %s: the curves of mgcv', (name, columns, criterion) => {
  const [model] = fitted(columns, criterion, 'no-eb')
  const rows = mgcv.rows.filter(
    (row) => cell(row, 'model').trim() === name && cell(row, 'method').trim() === criterion.toUpperCase(),
  )
  expect(rows).toHaveLength(8 * columns.length)
  for (const row of rows) {
    const term = cell(row, 'term').trim()
    const f = names.indexOf(cell(row, 'feature').trim())
    const coding = model.covariates.find((one) => one.name === term)
    if (coding?.kind !== 'smooth') throw new RangeError(term)
    const at = table.columns.indexOf(term)
    const basis = splineColumns(
      coding.knots,
      Float64Array.from(table.rows, (cells) => Number(cells[at])),
    )
    const n = table.rows.length
    const coefficients = model.slopes
      .filter(({ column }) => column.startsWith(`s(${term})`))
      .map(({ values }) => values[f] ?? Number.NaN)
    let most = 0
    for (let i = 0; i < n; i++) {
      const curve = coefficients.reduce((sum, c, k) => sum + c * basis[k * n + i]!, 0)
      most = Math.max(most, Math.abs(curve - Number(cell(row, `r${i + 1}`))))
    }
    const spent = 3 + 1 + (model.smooth?.terms.reduce((a, { freedom }) => a + (freedom[f] ?? 0), 0) ?? 0)
    const gcv = (n * n * (model.variance[f] ?? 0)) / (n - spent) ** 2
    process.stdout.write(
      `${name} ${criterion} ${gcv} ${cell(row, 'score')} ${names[f]} ${term}: ${(most / SD).toExponential(1)} ${model.smooth?.terms.find(({ column }) => column === term)?.freedom[f]?.toFixed(6)} ${cell(row, 'edf')}\n`,
    )
    expect.soft(most / SD).toBeLessThan(1e-4)
  }
})
