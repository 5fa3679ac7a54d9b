/**
 * What `attune train` does when it is left alone (`--method auto`): trained on six digital travelers, tested on people of other anatomies,
 * the cohorts of `npm run bench -- harmonization`. What it chose and why, and what the bundle that it wrote does.
 */
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Evidence, Metric } from '../src/evidence/evidence.ts'
import type { Selection } from '../src/evidence/selection.ts'
import { writeFileAtomic } from '../src/files.ts'
import { packageVersion } from '../src/package-root.ts'
import { figureOf } from '../src/report/words.ts'
import { train } from '../training/train.ts'
import { pairedFidelity } from '../validation/paired-fidelity.ts'
import { fixed, median, percent, publish, type Section, say } from './result.ts'
import { type CohortPlan, startFor, TARGET, travelerPlans, travelers } from './travelers.ts'
import { codeHash, exists, type TrainingChoice, trainingChoice } from './workplace.ts'

interface Result {
  readonly seed: number
  readonly selection: Selection
  readonly minutes: number
  readonly evidence: Evidence
}

export async function autoTravelers(words: readonly string[]): Promise<void> {
  const choice = trainingChoice(words)
  const results: Result[] = []
  for (const plan of await travelerPlans(choice.seeds)) {
    results.push(await resultOf(plan, choice))
    // the tables so far: a cohort takes half an hour
    await publish(
      'auto-travelers',
      `--method auto on digital travelers, ${choice.seeds} seeds`,
      words,
      [accuracy(results), ladder(results), requirements(results)],
      choice.seeds === 'test' ? 'auto-travelers' : 'auto-travelers-tuning',
    )
  }
}

/** What has been done before is read. */
async function resultOf(plan: CohortPlan, { engine, config }: TrainingChoice): Promise<Result> {
  const { cohort, test, learners } = await travelers(plan)
  const learning = ['training', 'models', 'src/kernels', 'src/intensity', 'src/inference', 'src/volume']
  const code = await codeHash(...learning, 'src/harmonizer', 'src/metrics', 'validation')
  const out = join(dirname(cohort), `auto-${engine}-${config.steps ?? 'default'}-${code}.harmonizer`)
  const file = out.replace(/\.harmonizer$/, '.json')
  if (await exists(file)) return JSON.parse(await readFile(file, 'utf8')) as Result
  say(`${plan.seed}: training`)
  const started = performance.now()
  const options = { cohort, target: TARGET, method: 'auto', out, overwrite: true, resume: true } as const
  const { selection } = await train(
    { ...options, ...(await startFor(plan.test)), engine, config, subjects: learners },
    (event) => {
      if (event.stage === 'remark') say(`  ${event.line}`)
      if (event.stage === 'fold')
        say(`  fold ${event.done + 1} of ${event.total}: ${event.methods.join(', ')}`)
    },
  )
  if (selection === undefined) throw new Error(`${out} tells nothing of what was chosen.`)
  const minutes = (performance.now() - started) / 60_000
  say('  validating')
  const evidence = await pairedFidelity({
    bundle: out,
    cohort,
    subjects: test,
    command: 'npm run bench -- auto-travelers',
    date: new Date().toISOString().slice(0, 10),
    attune: packageVersion(),
  })
  const result: Result = { seed: plan.seed, selection, minutes, evidence }
  await writeFileAtomic(file, JSON.stringify(result))
  return result
}

/** One row for each source scanner. */
interface Case {
  readonly result: Result
  readonly domain: string
  readonly method: string
  readonly value: (metric: Metric, method?: string) => number | undefined
}

function casesOf(results: readonly Result[]): readonly Case[] {
  return results.flatMap((result) => {
    const { evidence, selection } = result
    const method = chosenIn(selection)
    return evidence.design.domains.map(
      (domain): Case => ({
        ...{ result, domain, method },
        value: (metric, of = method) => figureOf(evidence, domain, of, metric)?.value,
      }),
    )
  })
}

function chosenIn({ rungs }: Selection): string {
  return rungs.find(({ status }) => status === 'chosen')?.method ?? 'nothing'
}

function accuracy(results: readonly Result[]): Section {
  return {
    title: 'What the bundle does on unseen people',
    columns: [
      ...['seed', 'scanner', 'chosen', 'MAE zscore', 'MAE', 'MAE floor', 'removed'],
      ...['noise / target', 'lesions kept'],
    ],
    rows: casesOf(results).map(({ result, domain, method, value }) => [
      ...[String(result.seed), domain, method],
      ...[value('mae', 'zscore'), value('mae'), value('mae', 'rescan')].map((error) => percent(error, 2)),
      percent(value('removable-share'), 0),
      ...[value('noise-ratio-target'), value('lesion-contrast')].map((ratio) => fixed(ratio, 2)),
    ]),
    notes: [
      'Six people, 2 mm, three source scanners, 3 to 6 lesions a head; everything as `attune train` does it unless told otherwise, but that curves start from scratch where the universal network has seen an anatomy that is tested.',
      ...results.map(
        ({ seed, minutes }) => `Seed ${seed}: ${fixed(minutes, 0)} minutes of training and choosing.`,
      ),
    ],
  }
}

function ladder(results: readonly Result[]): Section {
  return {
    title: 'Why',
    columns: ['seed', 'method', 'error left in people left out', 'why'],
    rows: results.flatMap(({ seed, selection: { rungs } }) =>
      rungs.map(({ method, error, standardError, status, reason }) => [
        String(seed),
        status === 'chosen' ? `**${method}**` : method,
        `${percent(error, 2)}${standardError === undefined ? '' : ` ± ${percent(standardError, 2)}`}`,
        reason,
      ]),
    ),
  }
}

/** What must hold, against what was found. */
function requirements(results: readonly Result[]): Section {
  const cases = casesOf(results)
  const removed = median(cases.map(({ value }) => value('removable-share') ?? Number.NaN))
  const kept = cases.map(({ value }) => value('lesion-contrast') ?? Number.NaN)
  const keeping = kept.filter((ratio) => ratio >= 0.9 && ratio <= 1.1).length
  const gates = results.flatMap(({ evidence }) => evidence.gates)
  const atrophy = gates.filter(({ id }) => id === 'atrophy')
  const survive = atrophy.filter(({ status }) => status === 'pass').length
  const failed = results.flatMap(({ seed, evidence }) =>
    evidence.gates
      .filter(({ status }) => status === 'fail')
      .map(({ title, finding }) => `Seed ${seed} misses: ${title} (${finding})`),
  )
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
      [
        'median lesion contrast kept from 0.9 to 1.1 on each scanner',
        `${keeping} of ${kept.length}; median ${fixed(median(kept), 2)}`,
        met(keeping === kept.length),
      ],
      [
        'changes of volume of 1 to 5 % kept within a tenth',
        `${survive} of ${atrophy.length} cohorts`,
        met(survive === results.length),
      ],
    ],
    notes: failed.length === 0 ? ['No gate of `attune validate` is missed.'] : failed,
  }
}
