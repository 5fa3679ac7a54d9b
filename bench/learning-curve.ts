/**
 * How many traveling subjects are enough: `tone` and `local-tone` trained on 1, 3 and 6 digital people, tested on four others made from
 * other anatomies; and what becomes of a scanner that training has not seen.
 */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AnatomyName } from '../data/generators/anatomy.ts'
import { simulateCohort } from '../data/generators/simulate.ts'
import type { Evidence, Figure } from '../src/evidence/evidence.ts'
import { parseEvidence } from '../src/evidence/schema.ts'
import { writeFileAtomic } from '../src/files.ts'
import { packageVersion } from '../src/package-root.ts'
import { figureOf } from '../src/report/words.ts'
import { train } from '../training/train.ts'
import { pairedFidelity } from '../validation/paired-fidelity.ts'
import { fixed, percent, publish, type Section, say } from './result.ts'
import { startFor } from './travelers.ts'
import { codeHash, exists, type TrainingChoice, trainingChoice, workplace } from './workplace.ts'

/** Of heads, scanners and noise; used by no tuning. */
const SEED = 71_001
const TARGET = 'scanner-A'
/** Left out of training. */
const UNSEEN = 'scanner-C'
/** Coarse, to end within minutes: what one number of subjects gains on another is what counts here. */
const VOXEL_MM = 3
/** The test people come first in a cohort, since the first one is scanned twice. */
const TEST: readonly AnatomyName[] = ['synthseg-01', 'synthseg-02', 'synthseg-03', 'synthseg-04']
const LEARNERS: readonly AnatomyName[] = [
  'synthseg-05',
  'synthseg-06',
  'mni152',
  'synthseg-05',
  'synthseg-06',
  'mni152',
]
const COUNTS = [1, 3, 6] as const
const METHODS = ['tone', 'local-tone'] as const
/** Fewer than the default of attune train, to end within minutes: the curve compares like with like. */
const STEPS = 100

interface Run {
  readonly subjects: number
  readonly method: (typeof METHODS)[number]
  readonly evidence: Evidence
}

export async function learningCurve(words: readonly string[]): Promise<void> {
  const choice = trainingChoice(words)
  const cohort = await cohortOf()
  const runs: Run[] = []
  for (const subjects of COUNTS)
    for (const method of METHODS)
      runs.push({ subjects, method, evidence: await evidenceOf(cohort, subjects, method, choice) })
  const sections = [
    curve(runs),
    proof(runs.at(-1) as Run),
    unseen(runs.at(-1) as Run, choice.config.steps ?? STEPS, choice.engine),
  ]
  await publish('learning-curve', 'Training subjects, and scanners unseen', words, sections)
}

async function cohortOf(): Promise<string> {
  const folder = join(workplace, `learning-curve-${SEED}-${VOXEL_MM}mm-${await codeHash('data/generators')}`)
  const manifest = join(folder, 'cohort.tsv')
  if (!(await exists(join(folder, 'derivatives/truth/code/parameters.json')))) {
    say('simulating')
    const anatomies = [...TEST, ...LEARNERS]
    await simulateCohort(folder, {
      subjects: anatomies.length,
      scanners: 3,
      seed: SEED,
      voxelMm: VOXEL_MM,
      lesions: [3, 6],
      rescans: 1,
      rescannedSubjects: 1,
      anatomies,
      overwrite: true,
    })
  }
  const rows = (await readFile(manifest, 'utf8')).split('\n').filter((row) => !row.includes(`\t${UNSEEN}\t`))
  await writeFileAtomic(join(folder, 'known-scanners.tsv'), rows.join('\n'))
  return manifest
}

/** What has been done before is read. */
async function evidenceOf(
  cohort: string,
  subjects: number,
  method: Run['method'],
  { engine, config }: TrainingChoice,
): Promise<Evidence> {
  const steps = config.steps ?? STEPS
  const name = (i: number): string => `sub-${String(i + 1).padStart(2, '0')}`
  const learners = LEARNERS.slice(0, subjects).map((_, i) => name(TEST.length + i))
  const learning = ['training', 'models', 'src/kernels', 'src/intensity', 'src/inference', 'src/volume']
  const code = await codeHash(...learning, 'src/harmonizer', 'src/metrics', 'validation')
  const stem = join(cohort, '..', `${subjects}-${method}-${engine}-${steps}-${code}`)
  const file = `${stem}.json`
  if (await exists(file)) return parseEvidence(JSON.parse(await readFile(file, 'utf8')), file)
  const bundle = `${stem}.harmonizer`
  if (!(await exists(join(bundle, 'manifest.json')))) {
    say(`training ${method} on ${subjects}`)
    await train({
      cohort: join(cohort, '..', 'known-scanners.tsv'),
      target: TARGET,
      method,
      out: bundle,
      engine,
      subjects: learners,
      ...(method === 'local-tone' && { config: { steps }, ...(await startFor(TEST)) }),
    })
  }
  say('  validating')
  const evidence = await pairedFidelity({
    bundle,
    cohort,
    subjects: TEST.map((_, i) => name(i)),
    command: 'npm run bench -- learning-curve',
    date: new Date().toISOString().slice(0, 10),
    attune: packageVersion(),
  })
  await writeFileAtomic(file, JSON.stringify(evidence))
  return evidence
}

function curve(runs: readonly Run[]): Section {
  const sum = ({ value, confidence }: Partial<Figure> = {}): string =>
    `${percent(value)}${confidence === undefined ? '' : ` (${(100 * confidence.low).toFixed(1)}–${(100 * confidence.high).toFixed(1)})`}`
  const cells = ({ evidence, method, subjects }: Run, domain: string): readonly string[] => {
    const of = (name: string, metric: Figure['metric']): Figure | undefined =>
      figureOf(evidence, domain, name, metric)
    return [
      domain,
      method,
      String(subjects),
      sum(of(method, 'mae')),
      percent(of('zscore', 'mae')?.value),
      percent(of('rescan', 'mae')?.value),
      percent(of(method, 'removable-share')?.value, 0),
      fixed(of(method, 'ssim')?.value, 3),
      fixed(of(method, 'fisher-ratio')?.value, 2),
      fixed(of(method, 'lesion-contrast')?.value, 2),
    ]
  }
  const domains = runs[0]?.evidence.design.domains ?? []
  return {
    title: 'Learning curve',
    columns: [
      'scanner',
      'method',
      'training subjects',
      'MAE (95 %)',
      'MAE zscore',
      'MAE floor',
      'removed',
      'SSIM',
      'tissues / target',
      'lesions kept',
    ],
    rows: domains.flatMap((domain) =>
      METHODS.flatMap((method) =>
        runs.filter((run) => run.method === method).map((run) => cells(run, domain)),
      ),
    ),
    notes: [
      'Medians over the test people, of whom one was scanned twice; intervals by a bootstrap over the four of them, which is few: they hold the median of a population with at most 88 % probability. "removed" is the share of removable error.',
    ],
  }
}

function proof({ evidence, subjects, method }: Run): Section {
  const { probe, identification } = evidence
  const interval = (chance?: { low: number; high: number }): string =>
    chance === undefined ? '–' : `${percent(chance.low, 0)}–${percent(chance.high, 0)}`
  return {
    title: `The scanner named by a classifier, ${method} trained on ${subjects}`,
    columns: ['method', 'frozen', 'chance', 'retrained', 'chance', 'own subject found', 'self − others'],
    rows: (evidence.ladder ?? []).map((step) => {
      const of = (training: 'frozen' | 'retrained') =>
        probe?.results.find((found) => found.method === step.method && found.training === training)
      const [frozen, retrained] = [of('frozen'), of('retrained')]
      const person = identification?.results.find((found) => found.method === step.method)
      return [
        step.method,
        percent(frozen?.accuracy, 0),
        interval(frozen?.chance),
        percent(retrained?.accuracy, 0),
        interval(retrained?.chance),
        percent(person?.rankOne, 0),
        fixed(person && person.self - person.others, 3),
      ]
    }),
    notes: [
      `${probe?.scans ?? 0} scans of ${probe?.families ?? 0} people; scanners: ${probe?.scanners.join(', ')}. ${probe?.note ?? ''}`.trim(),
    ],
  }
}

function unseen({ evidence }: Run, steps: number, engine: string): Section {
  return {
    title: 'A scanner that training has not seen',
    columns: ['scanner', 'method', 'MAE', 'outcome'],
    rows: (evidence.unseen ?? []).flatMap(({ domain, refusal, figures }) => [
      ...figures.map(({ method, value }) => [domain, method, percent(value), 'applied']),
      ...(refusal === undefined ? [] : [[domain, evidence.harmonizer.method, '–', `refused: ${refusal}`]]),
    ]),
    notes: [
      `Seed ${SEED}, ${VOXEL_MM} mm; trained on ${LEARNERS.join(', ')} (the first 1, 3, 6), tested on ${TEST.join(', ')}. local-tone: ${steps} steps, engine ${engine}.`,
    ],
  }
}
