/** Tests and diagnostics of ComBat beside statsmodels and nlme. How their tables came about: the README of the folder. */
import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { batchDesign, together } from '../../src/combat/batch-model.ts'
import { testCovariate } from '../../src/combat/inference.ts'
import { covariateEffects, siteVariances } from '../../src/combat/site-variance.ts'
import { featuresOf, samplesOf } from '../../src/combat/table.ts'
import { readCells, readTable } from '../../src/formats/tables/table.ts'
import { unequalVariances } from '../../src/kernels/unequal-variances.ts'
import { packageFile } from '../../src/package-root.ts'

interface Expected {
  readonly [name: 'age' | 'diagnosis' | string]: {
    readonly f: number
    readonly p: number
    readonly holm: number
    readonly fdr: number
  }
}
const table = await readCells(packageFile('test/goldens/combat/table.csv'))
const samples = samplesOf(table, {
  batch: 'site',
  covariates: ['age', 'sex', 'diagnosis'],
  categorical: [],
  id: null,
  features: [],
})
const names = Array.from({ length: 12 }, (_, k) => `f${k + 1}`)
const features = featuresOf(table, names, samples.batch)
const here = (name: string): string => packageFile(`test/goldens/combat-diagnose/${name}`)
const expected = JSON.parse(await readFile(here('tests.json'), 'utf8'))

it.each(['age', 'diagnosis'])('honest test of %s, adjusted, as statsmodels', (of) => {
  const { features: tests } = testCovariate(features, samples, ({ values }) => values, {
    of,
    permutations: 0,
    seed: 0,
  })
  for (const { feature, honest } of tests) {
    const other = (expected[feature] as Expected)[of]!
    expect(honest!.f / other.f).toBeCloseTo(1, 9)
    expect(honest!.p / other.p).toBeCloseTo(1, 9)
    expect(honest!.holm / other.holm).toBeCloseTo(1, 9)
    expect(honest!.fdr / other.fdr).toBeCloseTo(1, 9)
  }
})
it('with a variance for each site: variances, estimate and standard error as gls of nlme', async () => {
  const { batches, groupOf, rows, batchColumns, covariateColumns } = batchDesign(samples)
  const expected = await readTable(here('unequal.csv'))
  expected.rows.forEach((other, f) => {
    const y = features.values.subarray(f * rows, (f + 1) * rows)
    const found = unequalVariances(y, together(covariateColumns, batchColumns), groupOf, batches.length)!
    batches.forEach((site, g) => {
      expect(Math.sqrt(found.variances[g]!) / Number(other[site])).toBeCloseTo(1, 4)
    })
    expect(found.coefficients[0]! / Number(other['age'])).toBeCloseTo(1, 4)
    expect(Math.sqrt(found.covariance[0]!) / Number(other['error'])).toBeCloseTo(1, 4)
  })
})
it('standardized effects with their intervals, and the share of site, as statsmodels', () => {
  const design = batchDesign(samples)
  const [age] = covariateEffects(features, null, design)
  const shares = siteVariances(features, design)
  expect(age).toMatchObject({ column: 'age', per: 'sd', kept: null })
  age!.features.forEach(({ feature, before }, f) => {
    const { effect, site } = expected[feature]
    expect(before!.value).toBeCloseTo(effect.value, 9)
    expect(before!.low).toBeCloseTo(effect.low, 9)
    expect(before!.high).toBeCloseTo(effect.high, 9)
    expect(shares[f]!.location).toBeCloseTo(site, 9)
  })
})
