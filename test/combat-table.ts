/** Tables of features with effects of site, age and sex that are known, for tests of ComBat. */
import type { Features, SampleTable } from '../src/combat/data.ts'
import { random } from '../src/kernels/random.ts'

export interface Drawn {
  readonly features: Features
  readonly samples: SampleTable
}

/** Rows of each site, in blocks. Feature f is 10 f + slope * age + (sex M: 1) + site effects + noise of SD 1 (times the site's). */
export function drawTable(
  seed: number,
  sizes: readonly number[],
  count: number,
  { effects = 1 }: { effects?: number } = {},
): Drawn {
  const { normal, between } = random(seed, 'combat table')
  const rows = sizes.reduce((a, b) => a + b, 0)
  const batch = sizes.flatMap((size, site) => Array.from({ length: size }, () => `site ${site + 1}`))
  const age = Float64Array.from({ length: rows }, () => between(20, 80))
  const sex = Array.from({ length: rows }, (_, row) => (row % 2 === 0 ? 'F' : 'M'))
  const widths = sizes.map(() => 1 + effects * between(-0.4, 0.6))
  const values = new Float64Array(rows * count)
  for (let f = 0; f < count; f++) {
    const slope = between(-0.05, 0.05)
    const shifts = sizes.map(() => effects * normal())
    let row = 0
    for (const [site, size] of sizes.entries())
      for (let k = 0; k < size; k++, row++)
        values[f * rows + row] =
          10 * f + slope * age[row]! + (sex[row] === 'M' ? 1 : 0) + shifts[site]! + widths[site]! * normal()
  }
  return {
    features: { names: Array.from({ length: count }, (_, f) => `f${f + 1}`), rows, values },
    samples: {
      batchName: 'site',
      batch,
      covariates: [
        { name: 'age', kind: 'continuous', values: age },
        { name: 'sex', kind: 'categorical', values: sex },
      ],
      rowName: (row) => `line ${row + 2}`,
      source: 'table.csv',
    },
  }
}

/** Row `order[k]` becomes row k. */
export function pickRows({ features, samples }: Drawn, order: readonly number[]): Drawn {
  const values = features.names.flatMap((_, f) =>
    order.map((row) => features.values[f * features.rows + row]!),
  )
  return {
    features: { ...features, rows: order.length, values: Float64Array.from(values) },
    samples: {
      ...samples,
      batch: order.map((row) => samples.batch[row]!),
      covariates: samples.covariates.map((covariate) =>
        covariate.kind === 'continuous'
          ? { ...covariate, values: Float64Array.from(order, (row) => covariate.values[row]!) }
          : { ...covariate, values: order.map((row) => covariate.values[row]!) },
      ),
    },
  }
}
