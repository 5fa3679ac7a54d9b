/** False positives of the honest, the naive and the permuted test where nothing is to be found. */
import { applyCombat } from '../src/combat/apply.ts'
import type { Features, SampleTable } from '../src/combat/data.ts'
import { fitCombat } from '../src/combat/fit.ts'
import { testCovariate } from '../src/combat/inference.ts'
import { random } from '../src/kernels/random.ts'
import { percent, publish, say } from './result.ts'

const TABLES = 1000
const PERMUTED_TABLES = 100
const PERMUTATIONS = 199
const FEATURES = 10

/** Controls and patients of each site. */
type Design = readonly (readonly [controls: number, patients: number])[]
/** Nygaard 2016 after a real study: sites that hold nearly all of one group. */
const UNBALANCED: Design = [
  [18, 2],
  [2, 18],
  [10, 10],
]
const BALANCED: Design = [
  [10, 10],
  [10, 10],
  [10, 10],
]

interface Scenario {
  readonly name: string
  readonly design: Design
  /** Residual SD of each site. */
  readonly spread: readonly number[]
  readonly variant: 'eb' | 'no-eb' | 'mean-only'
  readonly permuted: boolean
}

const SCENARIOS: readonly Scenario[] = [
  { name: '18:2, 2:18, 10:10', design: UNBALANCED, spread: [1, 1, 1], variant: 'eb', permuted: true },
  { name: '18:2, 2:18, 10:10', design: UNBALANCED, spread: [1, 1, 1], variant: 'no-eb', permuted: false },
  { name: '18:2, 2:18, 10:10', design: UNBALANCED, spread: [1, 1, 1], variant: 'mean-only', permuted: false },
  {
    name: '18:2, 2:18, 10:10, third site noisier',
    design: UNBALANCED,
    spread: [1, 1, 2],
    variant: 'eb',
    permuted: true,
  },
  { name: '10:10 three times', design: BALANCED, spread: [1, 1, 1], variant: 'eb', permuted: false },
]

export async function combatNull(words: readonly string[]): Promise<void> {
  const rows = SCENARIOS.map((scenario, k) => {
    say(`${k + 1} of ${SCENARIOS.length}: ${scenario.name}, ${scenario.variant}`)
    const found = falsePositives(scenario, TABLES, 0)
    const permuted = scenario.permuted
      ? falsePositives(scenario, PERMUTED_TABLES, PERMUTATIONS).permuted
      : undefined
    return [
      scenario.name,
      scenario.spread.join(', '),
      scenario.variant,
      percent(found.honest),
      percent(found.unequal),
      percent(found.naive),
      percent(permuted),
    ]
  })
  await publish('combat-null', 'False positives after ComBat, where diagnosis has no effect', words, [
    {
      columns: [
        'controls:patients by site',
        'residual SD by site',
        'variant',
        'honest',
        'unequal',
        'naive',
        'permuted',
      ],
      rows,
      notes: [
        `p below 0.05, of ${TABLES} tables of 60 people and ${FEATURES} independent features with site effects on location; ${PERMUTED_TABLES} tables and ${PERMUTATIONS} permutations for "permuted". ` +
          `Standard error by the ${TABLES * FEATURES} tests: 0.2 points; of "permuted" 0.7.`,
        'Honest: one linear model with site and diagnosis; unequal: the same with a residual variance for each site (Kenward and Roger). Naive: ComBat with diagnosis kept, then a test without site. Permuted: residuals permuted within sites, ComBat fitted again each time.',
      ],
    },
  ])
}

interface Rates {
  readonly honest: number
  readonly unequal: number
  readonly naive: number
  readonly permuted: number
}

function falsePositives({ design, spread, variant }: Scenario, tables: number, permutations: number): Rates {
  const positives = { honest: 0, unequal: 0, naive: 0, permuted: 0 }
  for (let seed = 0; seed < tables; seed++) {
    const { features, samples } = nullTable(design, spread, seed)
    const options = {
      variant,
      compat: null,
      reference: null,
      singleRow: 'refuse',
      software: 'bench',
    } as const
    const { features: tests } = testCovariate(
      features,
      samples,
      (own, people) => applyCombat(fitCombat(own, people, options), own, people).values,
      { of: 'diagnosis', permutations, seed },
    )
    for (const { honest, unequal, naive, permuted } of tests) {
      if ((honest?.p ?? 1) < 0.05) positives.honest++
      if ((unequal?.p ?? 1) < 0.05) positives.unequal++
      if ((naive?.p ?? 1) < 0.05) positives.naive++
      if ((permuted?.p ?? 1) <= 0.05) positives.permuted++
    }
  }
  const all = tables * FEATURES
  return {
    honest: positives.honest / all,
    unequal: positives.unequal / all,
    naive: positives.naive / all,
    permuted: positives.permuted / all,
  }
}

function nullTable(
  design: Design,
  spread: readonly number[],
  seed: number,
): { readonly features: Features; readonly samples: SampleTable } {
  const { normal } = random(seed, 'combat null')
  const people = design.flatMap(([controls, patients], site) =>
    Array.from({ length: controls + patients }, (_, k) => ({ site, patient: k >= controls })),
  )
  const rows = people.length
  const values = new Float64Array(FEATURES * rows)
  for (let f = 0; f < FEATURES; f++) {
    const shifts = design.map(() => normal())
    people.forEach(({ site }, row) => {
      values[f * rows + row] = (shifts[site] ?? 0) + (spread[site] ?? 1) * normal()
    })
  }
  return {
    features: { names: Array.from({ length: FEATURES }, (_, f) => `f${f}`), rows, values },
    samples: {
      batchName: 'site',
      batch: people.map(({ site }) => `site ${site + 1}`),
      covariates: [
        {
          name: 'diagnosis',
          kind: 'categorical',
          values: people.map(({ patient }) => (patient ? 'patient' : 'control')),
        },
      ],
      rowName: (row) => `row ${row + 1}`,
      source: `null table ${seed}`,
    },
  }
}
