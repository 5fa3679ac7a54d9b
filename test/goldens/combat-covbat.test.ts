/** CovBat beside the code of its authors, in R and Python. How the tables came about: README of the folder. */
import { expect, it } from 'vitest'
import { applyCombat } from '../../src/combat/apply.ts'
import { type ComponentChoice, fitCovbat } from '../../src/combat/covbat.ts'
import { featuresOf, samplesOf } from '../../src/combat/table.ts'
import { readCells } from '../../src/formats/tables/table.ts'
import { packageFile } from '../../src/package-root.ts'

const roles = { batch: 'site', covariates: ['age', 'male'], categorical: [], id: null, features: [] }
const names = Array.from({ length: 14 }, (_, k) => `f${k + 1}`)
const here = (name: string): string => packageFile(`test/goldens/combat-covbat/${name}.csv`)
const table = await readCells(here('table'))
const samples = samplesOf(table, roles)
const features = featuresOf(table, names, samples.batch)

/** As the authors: their stopping rule ends the iteration of ComBat. */
const fitted = (components: ComponentChoice, compat: 'neurocombat' | null = 'neurocombat') =>
  fitCovbat(features, samples, {
    components,
    compat,
    reference: null,
    singleRow: 'refuse',
    software: 'attune',
  })

/** The largest difference of any cell, in standard deviations of its feature. */
async function apart(name: string, ...choice: Parameters<typeof fitted>): Promise<number> {
  const expected = featuresOf(await readCells(here(name)), names, [])
  const found = applyCombat(fitted(...choice), features, samples).values
  let most = 0
  for (let f = 0; f < names.length; f++) {
    const column = expected.values.subarray(f * expected.rows, (f + 1) * expected.rows)
    const mean = column.reduce((sum, value) => sum + value, 0) / expected.rows
    const sd = Math.sqrt(column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (expected.rows - 1))
    column.forEach((value, row) => {
      most = Math.max(most, Math.abs((found[f * expected.rows + row] ?? Number.NaN) - value) / sd)
    })
  }
  return most
}

it.each<[string, ComponentChoice]>([
  ['r', { share: 0.95 }],
  ['r-half', { share: 0.5 }],
  ['r-five', { count: 5 }],
  ['python-variance', { share: 0.95 }],
])('%s', async (name, choice) => {
  expect(await apart(name, choice)).toBeLessThan(1e-9)
})
it('as many components as in R', () => {
  const count = (choice: ComponentChoice): number | undefined => fitted(choice).covariance?.explained.length
  expect([count({ share: 0.95 }), count({ share: 0.5 }), count({ count: 5 })]).toEqual([10, 3, 5])
})
it('the Python code as it is divides the variance of locations by F', async () => {
  const distance = await apart('python', { share: 0.95 })
  expect(distance).toBeGreaterThan(1e-4)
  expect(distance).toBeLessThan(1e-2)
})
it('the fixed point of ComBat lies near where the authors stop', async () => {
  const distance = await apart('r', { share: 0.95 }, null)
  expect(distance).toBeGreaterThan(1e-9)
  expect(distance).toBeLessThan(1e-3)
})
