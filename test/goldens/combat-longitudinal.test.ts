/** Longitudinal ComBat beside its steps on mixed models of statsmodels and lme4. How the tables came about: the README of the folder. */
import { describe, expect, it } from 'vitest'
import { applyCombat } from '../../src/combat/apply.ts'
import { fitLongitudinal } from '../../src/combat/longitudinal.ts'
import type { CombatModel } from '../../src/combat/model.ts'
import { numberOf } from '../../src/combat/numbers.ts'
import { featuresOf, samplesOf } from '../../src/combat/table.ts'
import { readCells } from '../../src/formats/tables/table.ts'
import { packageFile } from '../../src/package-root.ts'

const names = Array.from({ length: 6 }, (_, k) => `f${k + 1}`)
const here = (name: string): string => packageFile(`test/goldens/combat-longitudinal/${name}.csv`)
const table = await readCells(here('table'))
const samples = samplesOf(table, {
  batch: 'scanner',
  covariates: ['age', 'years'],
  categorical: [],
  id: null,
  subject: 'person',
  features: [],
})
const features = featuresOf(table, names, samples.batch)
const fitted = (method: 'reml' | 'msr'): CombatModel =>
  fitLongitudinal(features, samples, { method, reference: null, singleRow: 'mean-only', software: 'attune' })

describe.each(['reml', 'msr'] as const)('%s', (method) => {
  it('harmonized values, to 1e-5 of the SD of the feature', async () => {
    const { values } = applyCombat(fitted(method), features, samples)
    const expected = featuresOf(await readCells(here(method)), names, [])
    names.forEach((_, f) => {
      const column = expected.values.subarray(f * expected.rows, (f + 1) * expected.rows)
      const mean = column.reduce((sum, value) => sum + value, 0) / expected.rows
      const sd = Math.sqrt(column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / expected.rows)
      column.forEach((value, row) => {
        expect(Math.abs(values[f * expected.rows + row]! - value) / sd).toBeLessThan(1e-5)
      })
    })
  })
})
it.each(['reml', 'msr'] as const)('longCombat itself: %s', async (method) => {
  const { values } = applyCombat(fitted(method), features, samples)
  const expected = featuresOf(await readCells(here(`longcombat-${method}`)), names, [])
  let most = 0
  names.forEach((_, f) => {
    const column = expected.values.subarray(f * expected.rows, (f + 1) * expected.rows)
    const mean = column.reduce((sum, value) => sum + value, 0) / expected.rows
    const sd = Math.sqrt(column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / expected.rows)
    column.forEach((value, row) => {
      most = Math.max(most, Math.abs(values[f * expected.rows + row]! - value) / sd)
    })
  })
  expect(most).toBeLessThan(1e-5)
})
it.each(['estimates', 'lme4'])('%s: variances, slopes and effects of scanners', async (name) => {
  const { columns, rows } = await readCells(here(name))
  const { variance, slopes, batches, repeated } = fitted('reml')
  rows.forEach((cells, f) => {
    const at = (column: string): number => numberOf(cells[columns.indexOf(column)] ?? '') ?? Number.NaN
    const ratio = repeated!.reliability[f]! / (1 - repeated!.reliability[f]!)
    expect(Math.abs(variance[f]! / at('scale') - 1)).toBeLessThan(1e-5)
    expect(Math.abs(ratio / at('ratio') - 1)).toBeLessThan(1e-5)
    for (const { column, values } of slopes) expect(Math.abs(values[f]! - at(column))).toBeLessThan(1e-6)
    for (const { name: scanner, estimatedLocation } of batches)
      expect(Math.abs(estimatedLocation[f]! * Math.sqrt(variance[f]!) - at(scanner))).toBeLessThan(1e-6)
  })
})
