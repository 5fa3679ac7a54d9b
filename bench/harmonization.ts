/**
 * How much of the scanner `local-tone` removes: digital subjects on digital scanners, all drawn from stated ranges
 * (data/generators/scanner.ts); trained on six people, on three and on one; tested on people made from other anatomies.
 */
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Evidence, Metric } from '../src/evidence/evidence.ts'
import { writeFileAtomic } from '../src/files.ts'
import { packageVersion } from '../src/package-root.ts'
import { figureOf } from '../src/report/words.ts'
import { type TrainOptions, train } from '../training/train.ts'
import { pairedFidelity } from '../validation/paired-fidelity.ts'
import { type NoiseFreeErrors, noiseFreeErrors } from './noise-free.ts'
import { fixed, median, percent, publish, type Section, say } from './result.ts'
import { type CohortPlan, startFor, TARGET, travelerPlans, travelers } from './travelers.ts'
import { codeHash, exists, type TrainingChoice, trainingChoice } from './workplace.ts'

const METHOD = 'local-tone'
const BASELINES = ['identity', 'zscore', 'histogram', 'tone']

/** Results of one data seed. */
interface Result {
  readonly seed: number
  /** Trained on everybody, on the first three, on the first. */
  readonly all: Evidence
  readonly three: Evidence
  readonly one: Evidence
  /** Of training on everybody, by source domain. */
  readonly noiseFree: ReadonlyMap<string, NoiseFreeErrors>
}

export async function harmonization(words: readonly string[]): Promise<void> {
  const choice = trainingChoice(words)
  const cohorts = await travelerPlans(choice.seeds)
  const results: Result[] = []
  for (const plan of cohorts) {
    const { cohort, test, learners } = await travelers(plan)
    const start = await startFor(plan.test)
    const all = await evidenceOf(cohort, learners, test, choice, start)
    const three = await evidenceOf(cohort, learners.slice(0, 3), test, choice, start)
    const one = await evidenceOf(cohort, learners.slice(0, 1), test, choice, start)
    const noiseFree = await noiseFreeErrors(plan, {
      cohort,
      test,
      bundle: await bundleOf(cohort, learners, choice),
    })
    results.push({ seed: plan.seed, all, three, one, noiseFree })
    // the tables so far: a cohort takes a quarter of an hour
    await publish(
      'harmonization',
      `Digital subjects, ${choice.seeds} seeds`,
      words,
      sectionsOf(cohorts, results, choice),
      choice.seeds === 'test' ? 'harmonization' : 'harmonization-tuning',
    )
  }
}

function sectionsOf(
  cohorts: readonly CohortPlan[],
  results: readonly Result[],
  choice: TrainingChoice,
): readonly Section[] {
  const people = cohorts
    .slice(0, results.length)
    .map(
      ({ seed, training, test }) =>
        `- Seed ${seed}: trained on ${training.join(', ')}; tested on ${test.join(', ')}.`,
    )
  return [
    accuracy(results, cohorts[0]?.training.length ?? 0),
    withoutNoise(results),
    conditions(results),
    fewSubjects(results, 'Three training subjects', ({ three }) => three),
    fewSubjects(results, 'One training subject', ({ one }) => one),
    requirements(results, [
      ...people,
      `- Individuals drawn from these base anatomies; 2 mm, 3 source scanners, 3 to 6 lesions a head. Curves start from universal-t1w, and from scratch where it has seen an anatomy that is tested.`,
      `- Engine ${choice.engine}; steps: ${choice.config.steps ?? 'the default of attune train'}. MAE in units of the reference's range (1st to 99th percentile).`,
    ]),
  ]
}

/** Trains on `subjects` and validates on `test`; what has been done before is read. */
async function evidenceOf(
  cohort: string,
  subjects: readonly string[],
  test: readonly string[],
  { engine, config }: TrainingChoice,
  start: Pick<TrainOptions, 'from'>,
): Promise<Evidence> {
  const bundle = await bundleOf(cohort, subjects, { engine, config })
  const file = bundle.replace(/\.harmonizer$/, '.json')
  if (await exists(file)) return JSON.parse(await readFile(file, 'utf8')) as Evidence
  if (!(await exists(join(bundle, 'manifest.json')))) {
    say(`training on ${subjects.length} subjects`)
    let last = 0
    await train(
      { ...{ cohort, target: TARGET, method: METHOD, out: bundle, engine, config, subjects }, ...start },
      (event) => {
        if (event.stage === 'remark') say(`  ${event.line}`)
        if (event.stage !== 'steps' || (event.step < last + 100 && event.step < event.steps)) return
        last = event.step
        say(
          `  step ${event.step} of ${event.steps}, loss ${event.loss.toFixed(4)}, ${Math.ceil(event.secondsLeft)} s left`,
        )
      },
    )
  }
  say('  validating')
  const date = new Date().toISOString().slice(0, 10)
  const evidence = await pairedFidelity({
    bundle,
    cohort,
    subjects: test,
    command: 'npm run bench -- harmonization',
    date,
    attune: packageVersion(),
  })
  await writeFileAtomic(file, JSON.stringify(evidence))
  return evidence
}

/** Where the bundle trained on `subjects` is kept, by all code that makes and judges it. */
async function bundleOf(
  cohort: string,
  subjects: readonly string[],
  { engine, config }: Pick<TrainingChoice, 'engine' | 'config'>,
): Promise<string> {
  const learning = ['training', 'models', 'src/kernels', 'src/intensity', 'src/inference', 'src/volume']
  const code = await codeHash(...learning, 'src/harmonizer', 'src/metrics', 'validation')
  const name = `${subjects.length}-${engine}-${config.steps ?? 'default'}-${code}`
  return join(dirname(cohort), `${name}.harmonizer`)
}

function figure(evidence: Evidence, domain: string, method: string, metric: Metric): number | undefined {
  return figureOf(evidence, domain, method, metric)?.value
}

function rowsOf(
  results: readonly Result[],
  cells: (evidence: Evidence, domain: string) => readonly string[],
): string[][] {
  return results.flatMap(({ seed, all }) =>
    all.design.domains.map((domain) => [String(seed), domain, ...cells(all, domain)]),
  )
}

function accuracy(results: readonly Result[], subjects: number): Section {
  const methods = [...BASELINES, METHOD]
  const similar = ['histogram', 'tone', METHOD]
  return {
    title: `${subjects} training subjects`,
    columns: [
      'seed',
      'scanner',
      ...[...methods, 'floor'].map((name) => `MAE ${name}`),
      ...similar.map((name) => `SSIM ${name}`),
      'removed',
    ],
    rows: rowsOf(results, (evidence, domain) => [
      ...[...methods, 'rescan'].map((method) => percent(figure(evidence, domain, method, 'mae'))),
      ...similar.map((method) => fixed(figure(evidence, domain, method, 'ssim'), 3)),
      percent(figure(evidence, domain, METHOD, 'removable-share'), 0),
    ]),
    notes: ['"removed" is the share of removable error: (zscore - local-tone) / (zscore - floor) by MAE.'],
  }
}

function withoutNoise(results: readonly Result[]): Section {
  const cases = results.flatMap(({ seed, noiseFree }) =>
    [...noiseFree].map(([domain, errors]) => ({ seed, domain, ...errors })),
  )
  const shares = cases.map(({ zscore, harmonized, rescan }) => (zscore - harmonized) / (zscore - rescan))
  return {
    title: 'Against targets without noise',
    columns: ['seed', 'scanner', 'MAE zscore', `MAE ${METHOD}`, 'MAE rescan of the target', 'removed'],
    rows: cases.map(({ seed, domain, zscore, harmonized, rescan }, i) => [
      ...[String(seed), domain, ...[zscore, harmonized, rescan].map((error) => percent(error))],
      percent(shares[i], 0),
    ]),
    notes: [
      `The same people, gains and positions, simulated without noise: median ${percent(median(shares), 0)} removed. The floor is the target scanner's own rescan, with its noise.`,
    ],
  }
}

function conditions(results: readonly Result[]): Section {
  return {
    title: 'Conditions',
    columns: [
      'seed',
      'scanner',
      'noise / target',
      'noise / source after tone',
      'counts',
      'lesions',
      'kept',
      '10th percentile',
    ],
    rows: rowsOf(results, (evidence, domain) => {
      const share = figureOf(evidence, domain, METHOD, 'removable-share')
      const lesions = figureOf(evidence, domain, METHOD, 'lesion-contrast')
      return [
        fixed(figure(evidence, domain, METHOD, 'noise-ratio-target'), 2),
        fixed(figure(evidence, domain, METHOD, 'noise-ratio-source'), 2),
        share?.note === undefined ? 'yes' : `no: ${share.note}`,
        String(lesions?.n ?? 0),
        fixed(lesions?.value, 2),
        fixed(lesions?.interval?.low, 2),
      ]
    }),
    notes: [
      "The share counts where noise is at least 0.8 of the target's and at most 1.1 of it, or of the source's after tone.",
    ],
  }
}

function fewSubjects(results: readonly Result[], title: string, of: (result: Result) => Evidence): Section {
  const cases = results.map((result) => ({ seed: String(result.seed), few: of(result) }))
  return {
    title,
    columns: [
      ...['seed', 'scanner', 'MAE zscore', 'MAE tone', 'MAE local-tone', 'MAE floor', 'removed'],
      'lesions kept',
    ],
    rows: cases.flatMap(({ seed, few }) =>
      few.design.domains.map((domain) => [
        ...[seed, domain],
        ...['zscore', 'tone', METHOD, 'rescan'].map((method) => percent(figure(few, domain, method, 'mae'))),
        percent(figure(few, domain, METHOD, 'removable-share'), 0),
        fixed(figure(few, domain, METHOD, 'lesion-contrast'), 2),
      ]),
    ),
  }
}

/** What must hold, against what was found. */
function requirements(results: readonly Result[], notes: readonly string[]): Section {
  const cases = results.flatMap(({ all, one }) => all.design.domains.map((domain) => ({ all, one, domain })))
  const compare = (evidence: Evidence, domain: string, rival: string, metric: Metric): number =>
    (figure(evidence, domain, METHOD, metric) ?? Number.NaN) -
    (figure(evidence, domain, rival, metric) ?? Number.NaN)
  const shares = cases.map(({ all, domain }) => figureOf(all, domain, METHOD, 'removable-share'))
  const counted = shares.filter((share) => share !== undefined && share.note === undefined).length
  const removed = median(shares.map((share) => share?.value ?? Number.NaN))
  const similar = cases.filter(({ all, domain }) =>
    ['histogram', 'tone'].every((rival) => compare(all, domain, rival, 'ssim') > 0),
  ).length
  const kept = cases.map(({ all, domain }) => figure(all, domain, METHOD, 'lesion-contrast') ?? Number.NaN)
  const keeping = kept.filter((value) => value >= 0.9 && value <= 1.1).length
  const better = cases.filter(({ one, domain }) => compare(one, domain, 'tone', 'mae') < 0).length
  const of = (n: number): string => `${n} of ${cases.length}`
  const met = (yes: boolean): string => (yes ? 'yes' : 'no')
  return {
    title: 'What must hold',
    columns: ['requirement', 'found', 'met'],
    rows: [
      [
        'median share of removable error at least 75 % (goal 90 %)',
        percent(removed, 0),
        met(removed >= 0.75),
      ],
      ['noise conditions hold, so that the share counts', of(counted), met(counted === cases.length)],
      ['SSIM above histogram and tone on each scanner', of(similar), met(similar === cases.length)],
      [
        'median lesion contrast kept from 0.9 to 1.1 on each scanner',
        `${of(keeping)}; median ${fixed(median(kept), 2)}`,
        met(keeping === cases.length),
      ],
      ['with one training subject, MAE below tone', of(better), met(better === cases.length)],
    ],
    notes,
  }
}
