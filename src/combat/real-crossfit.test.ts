/** Classifiers before and after ComBat on public tables (ATTUNE_DATA), judged on rows that the harmonization has not seen. */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { dataFolder } from '../../test/fixtures/data.ts'
import { sheetRows } from '../../test/fixtures/sheet.ts'
import type { Probe } from '../evidence/combat-diagnostics.ts'
import { readTable, type Table } from '../formats/tables/table.ts'
import { applyCombat } from './apply.ts'
import { fisherRatios } from './class-separation.ts'
import { type CrossfitOptions, type Crossfitted, crossfitCombat, type Way } from './crossfit.ts'
import type { Features, SampleTable } from './data.ts'
import { indicesOf } from './design.ts'
import { fitCombat } from './fit.ts'
import type { Variant } from './variants.ts'

const table = (folder: string, name: string): Promise<Table> =>
  readTable(join(dataFolder ?? '', folder, name))
const fitter =
  (variant: Variant): CrossfitOptions['fit'] =>
  (features, samples) =>
    fitCombat(features, samples, {
      variant,
      compat: null,
      reference: null,
      singleRow: 'refuse',
      software: 'test',
    })
type Row = Table['rows'][number]

/** Columns of finite numbers with more than `least` different ones. */
function numbers(rows: readonly Row[], columns: readonly string[], least: number): Features {
  const names = columns.filter((name) => {
    const values = rows.map((row) => (row[name] === '' ? Number.NaN : Number(row[name])))
    return values.every(Number.isFinite) && new Set(values).size > least
  })
  const values = Float64Array.from(names.flatMap((name) => rows.map((row) => Number(row[name]))))
  return { names, rows: rows.length, values }
}
const sampled = (batchName: string, batch: readonly string[], people?: readonly string[]): SampleTable => ({
  batchName,
  batch,
  covariates: [],
  ...(people === undefined ? {} : { subject: { column: 'person', of: people } }),
  rowName: String,
  source: batchName,
})
const probeOf = ({ ways }: Crossfitted, which: Way): Probe => ways.find(({ way }) => way === which)!.probe

it.runIf(dataFolder !== undefined).each(['eb', 'no-eb'] as const)(
  'one person, 3 scanners (HCPH), %s: held-out scans are not named better than chance, nor much worse; the noise of a scanner stays',
  async (variant) => {
    const metrics = await table('features-hcph-traveling-human', 'group_T1w.tsv')
    const scanners = new Map(
      (await table('features-hcph-traveling-human', 'scanner_by_session.tsv')).rows.map((row) => [
        row['bids_name'],
        row['DeviceSerialNumber'] ?? '',
      ]),
    )
    const balanced = metrics.rows.filter(({ bids_name = '' }) => /_ses-2\d\d/.test(bids_name))
    const columns = metrics.columns.filter((name) => !/^(size|spacing)_/.test(name))
    const features = numbers(balanced, columns, 6)
    const samples = sampled(
      'scanner',
      balanced.map(({ bids_name }) => scanners.get(bids_name) ?? ''),
    )
    const found = crossfitCombat(features, samples, { folds: 6, seed: 0, fit: fitter(variant), label: null })
    expect(probeOf(found, 'none').balancedAccuracy).toBeGreaterThan(0.8)
    // 18 of 36 is the upper 97.5 % bound of a binomial of 1/3, 6 of 36 the lower one: less is a sign of leakage.
    expect(probeOf(found, 'inside').balancedAccuracy).toBeLessThanOrEqual(0.5)
    expect(probeOf(found, 'inside').balancedAccuracy).toBeGreaterThanOrEqual(1 / 6)
    // And it is: a table that was harmonized as a whole is named far worse than chance.
    expect(probeOf(found, 'all').balancedAccuracy).toBeLessThan(probeOf(found, 'all').chance.low)
    const { batch } = samples
    const ratios = features.names.map((_, f) => {
      const [before, after] = [features.values, found.values].map((values) => {
        const x = values.subarray(f * batch.length, (f + 1) * batch.length)
        return [...new Set(batch)].reduce((sum, name) => {
          const own = x.filter((_, row) => batch[row] === name)
          const mean = own.reduce((a, b) => a + b, 0) / own.length
          return sum + own.reduce((a, b) => a + (b - mean) ** 2, 0)
        }, 0)
      })
      return Math.sqrt(after! / before!)
    })
    const middle = ratios.sort((a, b) => a - b)[ratios.length >> 1]!
    expect(middle).toBeGreaterThan(0.9)
    expect(middle).toBeLessThan(1.1)
  },
)

it.runIf(dataFolder !== undefined)(
  'two scans of 50 people on one scanner: what has no batch effect stays nearly as it is, and nothing is found in it',
  async () => {
    const scans = await table('features-youth-scan-rescan', 'youth_scan_rescan.csv')
    const features = numbers(scans.rows, scans.columns.slice(3), 6)
    const samples = sampled(
      'scan',
      scans.rows.map((row) => row['scan_time'] ?? ''),
      scans.rows.map((row) => row['scan_id'] ?? ''),
    )
    expect(features.names.length).toBe(374)
    const model = fitter('eb')(features, samples)
    const after = applyCombat(model, features, samples).values
    const changes = features.names.map((_, f) => {
      let sum = 0
      for (let at = f * features.rows; at < (f + 1) * features.rows; at++)
        sum += (after[at]! - features.values[at]!) ** 2
      return Math.sqrt(sum / features.rows / model.variance[f]!)
    })
    expect(Math.max(...changes)).toBeLessThan(0.05)
    const { ways } = crossfitCombat(features, samples, { folds: 5, seed: 0, fit: fitter('eb'), label: null })
    for (const { probe } of ways) expect(probe.balancedAccuracy).toBeLessThanOrEqual(probe.chance.high)
  },
  60_000,
)

it.runIf(dataFolder !== undefined)(
  '17 sites (ABIDE): held-out scans are named by a third instead of nearly always',
  async () => {
    const metrics = await table('features-abide-mriqc-17sites', 'abide.tsv')
    // Every third scan of a site: a few seconds instead of half a minute.
    const seen = new Map<string, number>()
    const rows = metrics.rows.filter(({ site = '' }) => {
      const count = seen.get(site) ?? 0
      seen.set(site, count + 1)
      return count % 3 === 0
    })
    const columns = metrics.columns.slice(5).filter((name) => !/^(size|spacing)_/.test(name))
    const features = numbers(rows, columns, 6)
    const samples = sampled(
      'site',
      rows.map(({ site = '' }) => site),
    )
    const found = crossfitCombat(features, samples, { folds: 4, seed: 0, fit: fitter('eb'), label: null })
    expect(new Set(samples.batch).size).toBe(17)
    expect(probeOf(found, 'none').balancedAccuracy).toBeGreaterThan(0.8)
    expect(probeOf(found, 'inside').balancedAccuracy).toBeLessThan(
      0.4 * probeOf(found, 'none').balancedAccuracy,
    )
  },
  60_000,
)

it.runIf(dataFolder !== undefined)(
  'CT radiomics of lung cancer, kernel as batch: the kernel is named less; kept, the outcome stays as far apart as it was',
  async () => {
    const folder = 'features-ct-radiomics-nsclc'
    const measured = await table(folder, 'Sandy-Captk.csv')
    const [head, ...scans] = await sheetRows(join(dataFolder ?? '', folder, 'Sandy-CT-parameters.xlsx'))
    expect(head?.get('E')).toBe('ConvolutionKernel')
    const kernels = new Map(scans.map((row) => [row.get('A'), row.get('E') ?? '']))
    const clinical = await table(folder, 'clinical-demographics.csv')
    const events = new Map(clinical.rows.map((row) => [row[''], row['event'] ?? '']))
    const kernelOf = ({ SubjectID = '' }: Row): string => kernels.get(SubjectID) ?? ''
    const rows = measured.rows.filter((row) =>
      ['LUNG', 'STANDARD', 'B45f', 'BONEPLUS'].includes(kernelOf(row)),
    )
    const features = numbers(rows, measured.columns.slice(1), 20)
    const samples = sampled('kernel', rows.map(kernelOf))
    const options = { folds: 5, seed: 0, fit: fitter('eb') }
    const kernel = crossfitCombat(features, samples, { ...options, label: null })
    expect(probeOf(kernel, 'inside').balancedAccuracy).toBeLessThan(probeOf(kernel, 'none').balancedAccuracy)
    const outcome = crossfitCombat(features, samples, {
      ...options,
      label: { name: 'event', values: rows.map(({ SubjectID = '' }) => events.get(SubjectID) ?? '') },
    })
    const [before, kept] = [probeOf(outcome, 'none').area!, probeOf(outcome, 'all-with-label').area!]
    expect(kept.value).toBeGreaterThan(before.low)
    expect(kept.value).toBeLessThan(before.high)
    // Within kernels, in the feature that tells the outcome best.
    const known = rows.map(({ SubjectID = '' }) => events.get(SubjectID) ?? '')
    const own: SampleTable = {
      ...samples,
      covariates: [{ name: 'event', kind: 'categorical', values: known }],
    }
    const after = applyCombat(fitter('eb')(features, own), features, own).values
    const most = (values: Float64Array): number =>
      Math.max(
        ...fisherRatios(
          { ...features, values },
          indicesOf(samples.batch, ['LUNG', 'STANDARD', 'B45f', 'BONEPLUS']),
          indicesOf(known, ['0', '1']),
          2,
        ).map((ratio) => ratio ?? 0),
      )
    expect(most(after) / most(features.values)).toBeGreaterThan(0.9)
    expect(most(after) / most(features.values)).toBeLessThan(1.1)
  },
  60_000,
)
