/**
 * Whether uncertainty maps hold what they promise: trained on six digital people (five anatomies) and three source scanners, tested on
 * people of other anatomies.
 */
import { join } from 'node:path'
import type { AnatomyName } from '../data/generators/anatomy.ts'
import { simulateCohort } from '../data/generators/simulate.ts'
import { type Cohort, pairsOf } from '../src/cohort/cohort.ts'
import { loadScan } from '../src/cohort/images.ts'
import { requireCohort } from '../src/cohort/manifest.ts'
import type { UncertaintyResult, WidthRow } from '../src/evidence/uncertainty.ts'
import { loadHarmonizer } from '../src/harmonizer/harmonizer.ts'
import { pooledRange, rangeSample } from '../src/harmonizer/reference-range.ts'
import { rescanErrors } from '../src/harmonizer/rescan.ts'
import { toFloat32 } from '../src/volume/volume.ts'
import { train } from '../training/train.ts'
import { coverageOf } from '../validation/coverage.ts'
import { fixed, percent, publish, type Section, say } from './result.ts'
import { startFor } from './travelers.ts'
import { codeHash, exists, type TrainingChoice, trainingChoice, workplace } from './workplace.ts'

interface Plan {
  readonly seed: number
  readonly training: readonly AnatomyName[]
  /** People are drawn from these in turn. */
  readonly test: readonly AnatomyName[]
}

const TARGET = 'scanner-A'
const VOXEL_MM = 3
const TEST_PEOPLE = 6
/** `tuning`: looked at while the map was made. `test`: never. */
const PLANS: Readonly<Record<string, readonly Plan[]>> = {
  tuning: [
    {
      seed: 7101,
      training: ['synthseg-05', 'synthseg-06', 'synthseg-03', 'synthseg-04', 'mni152', 'synthseg-05'],
      test: ['synthseg-01', 'synthseg-02'],
    },
  ],
  test: [
    {
      seed: 90_501,
      training: ['synthseg-01', 'synthseg-02', 'synthseg-03', 'synthseg-04', 'mni152', 'synthseg-01'],
      test: ['synthseg-05', 'synthseg-06'],
    },
    {
      seed: 90_502,
      training: ['synthseg-05', 'synthseg-06', 'synthseg-01', 'synthseg-02', 'mni152', 'synthseg-05'],
      test: ['synthseg-03', 'synthseg-04'],
    },
  ],
}
const METHODS = ['tone', 'local-tone'] as const

interface Result {
  readonly seed: number
  readonly method: string
  readonly found: UncertaintyResult
}

export async function uncertainty(words: readonly string[]): Promise<void> {
  const choice = trainingChoice(words)
  const results: Result[] = []
  for (const plan of PLANS[choice.seeds] ?? []) {
    const cohort = await cohortOf(plan)
    for (const method of METHODS) {
      say(`${plan.seed}: ${method}`)
      const found = await resultOf(cohort, plan, method, choice)
      say(`  ${found.rows.map(({ place, covered }) => `${place} ${percent(covered)}`).join(', ')}`)
      results.push({ seed: plan.seed, method, found })
    }
  }
  const file = choice.seeds === 'test' ? 'uncertainty' : 'uncertainty-tuning'
  const sections = [summary(results), places(results, choice)]
  await publish(
    'uncertainty',
    `Uncertainty maps on unseen digital people, ${choice.seeds} seeds`,
    words,
    sections,
    file,
  )
}

/** What was simulated before is read. The people to test on come first: the first two are scanned twice. */
async function cohortOf({ seed, training, test }: Plan): Promise<string> {
  const folder = join(workplace, `uncertainty-${seed}-${await codeHash('data/generators')}`)
  const people = Array.from({ length: TEST_PEOPLE }, (_, i) => test[i % test.length] as AnatomyName)
  if (!(await exists(join(folder, 'derivatives/truth/code/parameters.json')))) {
    say(`simulating cohort ${seed}`)
    await simulateCohort(folder, {
      subjects: people.length + training.length,
      scanners: 4,
      seed,
      voxelMm: VOXEL_MM,
      lesions: [3, 6],
      rescans: 1,
      rescannedSubjects: 2,
      anatomies: [...people, ...training],
      overwrite: true,
    })
  }
  return join(folder, 'cohort.tsv')
}

async function resultOf(
  manifest: string,
  { seed, test }: Plan,
  method: (typeof METHODS)[number],
  { engine, config }: TrainingChoice,
): Promise<UncertaintyResult> {
  const whole = await requireCohort(manifest, { target: TARGET })
  const people = [...new Set(whole.scans.map(({ subject }) => subject))].toSorted()
  const tested = people.slice(0, TEST_PEOPLE)
  const out = join(workplace, `uncertainty-${seed}-${method}.harmonizer`)
  await train(
    {
      ...{ cohort: manifest, target: TARGET, method, out, engine, overwrite: true, uncertainty: true },
      subjects: people.slice(TEST_PEOPLE),
      ...(method === 'local-tone' && { config, ...(await startFor(test)) }),
    },
    (event) => {
      if (event.stage === 'fold') say(`  fold ${event.done + 1} of ${event.total}`)
    },
  )
  const cohort: Cohort = { ...whole, scans: whole.scans.filter(({ subject }) => tested.includes(subject)) }
  const pairs = pairsOf(cohort, TARGET)
  const samples: Float32Array[] = []
  for (const { target } of pairs) {
    const { volume, mask } = await loadScan(target)
    samples.push(rangeSample(toFloat32(volume), mask))
  }
  const { low, high } = pooledRange(samples)
  const range = high - low
  const rescans = await rescanErrors(cohort, TARGET, undefined, range)
  const harmonizer = await loadHarmonizer(out)
  try {
    return (await coverageOf(pairs, {
      ...{ cohort, harmonizer, range, rescans, onPair: () => {} },
    })) as UncertaintyResult
  } finally {
    await harmonizer.close()
  }
}

function summary(results: readonly Result[]): Section {
  const at = ({ found }: Result, place: string): WidthRow | undefined =>
    found.rows.find((row) => row.place === place)
  return {
    title: 'Against what is asked',
    columns: [
      'seed',
      'method',
      'overall (87 to 93 %)',
      'worst tissue (at least 80 %)',
      'edges (at least 80 %)',
      'lesions (at least 80 %)',
      'Spearman (at least 0.3)',
      'half width',
      'MAE',
      'rescan MAE',
      'left out',
      'tested',
    ],
    rows: results.map((result) => {
      const { seed, method, found } = result
      const [worst] = found.rows
        .filter(({ place }) => place.startsWith('tissue'))
        .toSorted((a, b) => a.covered - b.covered)
      return [
        ...[String(seed), method, percent(at(result, 'overall')?.covered)],
        `${percent(worst?.covered)} (${worst?.place})`,
        ...[percent(at(result, 'edges')?.covered), percent(at(result, 'lesions')?.covered)],
        ...[fixed(found.spearman, 2), percent(at(result, 'overall')?.halfWidth)],
        ...[percent(at(result, 'overall')?.error), percent(found.rescan)],
        ...[String(found.calibratedOn), `${found.people} of ${found.families} anatomies`],
      ]
    }),
    notes: ['Widths and errors in units of the robust range of the target.'],
  }
}

function places(results: readonly Result[], { config }: TrainingChoice): Section {
  const names = [...new Set(results.flatMap(({ found }) => found.rows.map(({ place }) => place)))]
  return {
    title: 'Covered, by place',
    columns: ['place', ...results.map(({ seed, method }) => `${seed} ${method}`)],
    rows: names.map((name) => [
      name,
      ...results.map(({ found }) => percent(found.rows.find(({ place }) => place === name)?.covered)),
    ]),
    notes: [
      `Tissues: 1 white, 2 grey matter, 3 striatum, 4 thalamus, 5 pallidum, 6 CSF, 7 blood, 8 fat, 9 muscle, 10 skin, 11 marrow, 12 bone, 13 vitreous, 14 mucosa, 15 lesion (data/generators/tissues.ts).`,
      `${VOXEL_MM} mm, 3 source scanners, 3 to 6 lesions a head; steps of \`local-tone\`: ${config.steps ?? 'the default'}. Means over people, of the mean over their scans.`,
    ],
  }
}
