/** Traveling-subject ComBat on a public table (ATTUNE_DATA): image-quality metrics of one person on three scanners. */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { dataFolder } from '../../test/fixtures/data.ts'
import { readTable } from '../formats/tables/table.ts'
import { applyCombat } from './apply.ts'
import type { SampleTable } from './data.ts'
import { fitTraveling } from './traveling.ts'

it.runIf(dataFolder !== undefined)(
  'effects of scanners from half of the sessions hold in the other half; what one scanner scatters stays',
  async () => {
    const folder = join(dataFolder ?? '', 'features-hcph-traveling-human')
    const metrics = await readTable(join(folder, 'group_T1w.tsv'))
    const scanners = new Map(
      (await readTable(join(folder, 'scanner_by_session.tsv'))).rows.map((row) => [
        row['bids_name'],
        row['DeviceSerialNumber'] ?? '',
      ]),
    )
    const session = (name = ''): number => Number(/_ses-(2\d\d)/.exec(name)?.[1] ?? Number.NaN)
    const balanced = metrics.rows.filter(({ bids_name }) => !Number.isNaN(session(bids_name)))
    const names = metrics.columns.filter((name) => {
      const values = balanced.map((row) => Number(row[name]))
      return values.every(Number.isFinite) && new Set(values).size > 6 && !/^(size|spacing)_/.test(name)
    })
    const half = (odd: number) => {
      const rows = balanced.filter(({ bids_name }) => session(bids_name) % 2 === odd)
      const samples: SampleTable = {
        batchName: 'scanner',
        batch: rows.map(({ bids_name }) => scanners.get(bids_name) ?? ''),
        covariates: [],
        subject: { column: 'person', of: rows.map(() => 'one') },
        rowName: String,
        source: 'HCPH',
      }
      const values = Float64Array.from(names.flatMap((name) => rows.map((row) => Number(row[name]))))
      return { features: { names, rows: rows.length, values }, samples }
    }
    const [learned, other] = [half(0), half(1)]
    const options = { shrink: true, reference: null, software: 'attune' }
    const model = fitTraveling(learned.features, learned.samples, options)
    const after = applyCombat(model, other.features, other.samples).values

    const { batch } = other.samples
    const [between, within] = [0, 1].map((what) => {
      const ratios = names.map((_, f) => {
        const squares = [other.features.values, after].map((table) => {
          const x = table.subarray(f * batch.length, (f + 1) * batch.length)
          const means = new Map(
            [...new Set(batch)].map((name) => {
              const own = x.filter((_, row) => batch[row] === name)
              return [name, own.reduce((sum, value) => sum + value, 0) / own.length]
            }),
          )
          const all = x.reduce((sum, value) => sum + value, 0) / x.length
          return x.reduce((sum, value, row) => {
            const mean = means.get(batch[row]!)!
            return sum + (what === 0 ? mean - all : value - mean) ** 2
          }, 0)
        })
        return Math.sqrt(squares[1]! / squares[0]!)
      })
      return ratios.sort((a, b) => a - b)[Math.floor(ratios.length / 2)]!
    })
    expect(between).toBeLessThan(0.5)
    expect(within).toBeGreaterThan(0.9)
    expect(within).toBeLessThan(1.1)
  },
)
