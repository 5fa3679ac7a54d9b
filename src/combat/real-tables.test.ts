/** ComBat on a public table (ATTUNE_DATA): 260 volumes of the brain, 291 people, three hospitals. */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { dataFolder } from '../../test/fixtures/data.ts'
import { readTable } from '../formats/tables/table.ts'
import { applyCombat } from './apply.ts'
import type { SampleTable } from './data.ts'
import { fitCombat } from './fit.ts'
import { VARIANTS } from './variants.ts'

it.runIf(dataFolder !== undefined).each(VARIANTS)(
  'IXI, %s: what is the hospital goes, the effect of age within hospitals stays',
  async (variant) => {
    const folder = join(dataFolder ?? '', 'features-ixi-roi-3sites')
    const people = new Map(
      (await readTable(join(folder, 'IXI_demog.csv'))).rows.map((row) => [row['ID'], row]),
    )
    const volumes = await readTable(join(folder, 'IXI_DLMUSE.csv'))
    const names = volumes.columns.filter((name) => name !== 'ID')
    const values = Float64Array.from(names.flatMap((name) => volumes.rows.map((row) => Number(row[name]))))
    const features = { names, rows: volumes.rows.length, values }
    const person = (column: string): string[] => volumes.rows.map(({ ID }) => people.get(ID)?.[column] ?? '')
    const age = Float64Array.from(person('Age'), Number)
    const hospital = volumes.rows.map(({ ID = '' }) => ID.split('-')[1] ?? '')
    const samples: SampleTable = {
      batchName: 'hospital',
      batch: hospital,
      covariates: [
        { name: 'age', kind: 'continuous', values: age },
        { name: 'sex', kind: 'categorical', values: person('Sex') },
      ],
      rowName: (row) => `line ${row + 2}`,
      source: 'IXI',
    }
    const options = {
      variant,
      compat: null,
      reference: null,
      singleRow: 'refuse',
      software: 'attune',
    } as const
    const model = fitCombat(features, samples, options)
    const after = applyCombat(model, features, samples).values

    const rows = age.length
    const within = (x: Float64Array): Float64Array => {
      const mean = new Map(
        [...new Set(hospital)].map((name) => {
          const own = x.filter((_, row) => hospital[row] === name)
          return [name, own.reduce((sum, value) => sum + value, 0) / own.length]
        }),
      )
      return x.map((value, row) => value - mean.get(hospital[row]!)!)
    }
    const centred = within(age)
    const square = centred.reduce((sum, value) => sum + value * value, 0)
    const slope = (table: Float64Array, f: number): number =>
      within(table.slice(f * rows, (f + 1) * rows)).reduce(
        (sum, value, row) => sum + value * centred[row]!,
        0,
      ) / square
    // Slopes in residual SD, all features together: after against before, along before.
    const pooled = (table: Float64Array): number =>
      names.reduce((sum, _, f) => sum + (slope(table, f) * slope(values, f)) / model.variance[f]!, 0)
    expect(pooled(after) / pooled(values)).toBeGreaterThan(0.98)
    expect(pooled(after) / pooled(values)).toBeLessThan(1.02)
    const again = fitCombat({ ...features, values: after }, samples, { ...options, variant: 'no-eb' })
    const size = ({ batches }: typeof model): number =>
      batches
        .flatMap(({ estimatedLocation }) => estimatedLocation)
        .reduce<number>((sum, value) => sum + (value ?? 0) ** 2, 0)
    // mean-only, as sva defines it, draws every location together as if one person had been measured: half stays.
    expect(size(again)).toBeLessThan((variant === 'mean-only' ? 0.6 : 0.15) * size(model))
  },
)
