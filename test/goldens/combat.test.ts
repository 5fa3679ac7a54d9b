/** ComBat beside its peers: neuroCombat in R and Python, neuroHarmonize, sva, ComBatFamily. How their tables came about: the README of each folder. */
import { expect, it } from 'vitest'
import { applyCombat } from '../../src/combat/apply.ts'
import type { Features, SampleTable } from '../../src/combat/data.ts'
import { type FitOptions, fitCombat } from '../../src/combat/fit.ts'
import { estimateNewBatches } from '../../src/combat/new-batch.ts'
import { featuresOf, samplesFor, samplesOf } from '../../src/combat/table.ts'
import { readCells } from '../../src/formats/tables/table.ts'
import { packageFile } from '../../src/package-root.ts'

const OPTIONS: FitOptions = {
  variant: 'eb',
  compat: null,
  reference: null,
  singleRow: 'mean-only',
  software: 'attune',
}
const roles = {
  batch: 'site',
  covariates: ['age', 'sex', 'diagnosis'],
  categorical: [],
  id: null,
  features: [],
}
const names = Array.from({ length: 12 }, (_, k) => `f${k + 1}`)
const here = (name: string): string => packageFile(`test/goldens/combat/${name}.csv`)

const table = await readCells(here('table'))
const samples = samplesOf(table, roles)
const features = featuresOf(table, names, samples.batch)

/** The largest difference of any cell, in standard deviations of its feature. */
function apart(found: Float64Array, expected: Features): number {
  const { rows, values } = expected
  let most = 0
  for (let f = 0; f < expected.names.length; f++) {
    const column = values.subarray(f * rows, (f + 1) * rows)
    const mean = column.reduce((sum, value) => sum + value, 0) / rows
    const sd = Math.sqrt(column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (rows - 1))
    column.forEach((value, row) => {
      most = Math.max(most, Math.abs((found[f * rows + row] ?? Number.NaN) - value) / sd)
    })
  }
  return most
}

const harmonized = (options: Partial<FitOptions>): Float64Array =>
  applyCombat(fitCombat(features, samples, { ...OPTIONS, ...options }), features, samples).values

it.each<[string, Partial<FitOptions>]>([
  ['neurocombat-fixed-point', {}],
  ['neurocombat-fixed-point-reference', { reference: 'Cadiz' }],
  ['neurocombat-eb', { compat: 'neurocombat' }],
  ['neurocombat-reference', { compat: 'neurocombat', reference: 'Cadiz' }],
  ['neurocombat-nonparametric', { variant: 'nonparametric' }],
  ['neurocombat-no-eb', { variant: 'no-eb' }],
  ['neurocombat-mean-only', { variant: 'mean-only' }],
  ['neuroharmonize', { compat: 'neurocombat' }],
  ['neuroharmonize-no-eb', { variant: 'no-eb' }],
  ['sva', { compat: 'neurocombat' }],
  ['sva-reference', { compat: 'neurocombat', reference: 'Cadiz' }],
  ['sva-nonparametric', { variant: 'nonparametric' }],
  ['sva-mean-only', { variant: 'mean-only' }],
  ['comfam', { compat: 'neurocombat' }],
  ['comfam-reference', { compat: 'neurocombat', reference: 'Cadiz' }],
  ['comfam-no-eb', { variant: 'no-eb' }],
])('%s', async (name, options) => {
  expect(apart(harmonized(options), featuresOf(await readCells(here(name)), names, []))).toBeLessThan(1e-9)
})
it('neuroCombat stops 1.3e-6 SD before the fixed point', async () => {
  const stopped = featuresOf(await readCells(here('neurocombat-eb')), names, [])
  const distance = apart(harmonized({}), stopped)
  expect(distance).toBeGreaterThan(1e-6)
  expect(distance).toBeLessThan(2e-6)
})
it('a model applied to new rows, of which a site of the fit is absent, and to a new site', async () => {
  const model = fitCombat(features, samples, { ...OPTIONS, compat: 'neurocombat' })
  const file = await readCells(here('new'))
  const site = file.columns.indexOf('site')
  const part = (wanted: boolean): readonly [Features, SampleTable] => {
    const kept = file.rows.flatMap((row, k) => ((row[site] === 'Dover') === wanted ? [k] : []))
    const rows = {
      ...file,
      rows: kept.map((k) => file.rows[k]!),
      lines: kept.map((k) => file.lines[k]!),
    }
    const known = samplesFor(rows, 'site', model.covariates)
    return [featuresOf(rows, names, known.batch), known]
  }
  const known = part(false)
  expect(new Set(known[1].batch)).toEqual(new Set(['Aachen', 'Cadiz']))
  const applied = featuresOf(await readCells(here('neuroharmonize-apply')), names, [])
  expect(apart(applyCombat(model, ...known).values, applied)).toBeLessThan(1e-9)
  const unseen = part(true)
  const extended = estimateNewBatches(model, ...unseen, 20)
  const estimated = featuresOf(await readCells(here('neuroharmonize-new-site')), names, [])
  expect(apart(applyCombat(extended.model, ...unseen).values, estimated)).toBeLessThan(1e-9)
})

/** 200 features stand in lines there. */
async function transposed(name: string): Promise<Features> {
  const { rows } = await readCells(packageFile(`test/goldens/combat-reference/${name}.csv`))
  return {
    names: rows.map((_, f) => `feature ${f + 1}`),
    rows: 10,
    values: Float64Array.from(rows.flat(), Number),
  }
}
it.each<[string, Partial<FitOptions>]>([
  ['parametric_adjusted', {}],
  ['parametric_unadjusted', {}],
  ['parametric_adjusted_batchref', { reference: '1' }],
  ['parametric_adjusted_meanonly', { variant: 'mean-only', compat: null }],
  ['parametric_adjusted_noeb', { variant: 'no-eb', compat: null }],
  ['nonparametric_adjusted', { variant: 'nonparametric', compat: null }],
])("the R code of ComBat's author: %s", async (name, options) => {
  const input = await transposed('testdata')
  const gender = {
    name: 'gender',
    kind: 'categorical',
    values: Array.from({ length: 10 }, (_, i) => `${1 + (i % 2)}`),
  } as const
  const known: SampleTable = {
    batchName: 'batch',
    batch: Array.from({ length: 10 }, (_, i) => (i < 5 ? '1' : '2')),
    covariates: name.includes('unadjusted') ? [] : [gender],
    rowName: String,
    source: 'testdata',
  }
  const model = fitCombat(input, known, { ...OPTIONS, compat: 'neurocombat', ...options })
  expect(
    apart(applyCombat(model, input, known).values, await transposed(`testdata_combat_${name}_r`)),
  ).toBeLessThan(1e-9)
})
