import type { CommandModule } from 'yargs'
import { METHODS } from '../harmonizer/ladder.ts'
import type { Method } from '../harmonizer/method.ts'
import { COHORT_FLAGS, type CohortFlags, cohortOptions } from './cohort-options.ts'
import { type CommonOptions, clearProgress, progress, remarks, report } from './output.ts'

interface TrainArguments extends CommonOptions, CohortFlags {
  readonly cohort: string
  readonly target: string
  readonly method: Method | 'auto'
  readonly config: string | undefined
  readonly out: string | undefined
  readonly engine: 'auto' | 'native' | 'wasm' | 'cpu'
  readonly seed: number
  readonly from: string | undefined
  readonly subjects: string | undefined
  readonly 'exclude-subjects': string | undefined
  readonly 'single-reference': boolean
  readonly 'max-rung': number | undefined
  readonly prepared: string | undefined
  readonly resume: boolean
  readonly overwrite: boolean
}

export const train: CommandModule<object, TrainArguments> = {
  command: 'train <cohort>',
  describe: 'Learn, from people scanned on several scanners, the mapping of each to a reference',
  builder: (args) =>
    args
      .positional('cohort', {
        type: 'string',
        demandOption: true,
        describe: 'manifest: subject, domain, image, ... (TSV), or BIDS dataset',
      })
      .option('target', { type: 'string', demandOption: true, describe: 'Domain that images are brought to' })
      .option('method', {
        choices: ['auto', ...METHODS] as const,
        default: 'auto' as const,
        describe:
          'What may be changed, from nothing to a curve that varies over the head; auto: the weakest that suffices, by leaving people out',
      })
      .option('config', { type: 'string', describe: 'YAML or JSON file with settings of the method' })
      .option('out', { type: 'string', describe: 'NAME.harmonizer to write (default: TARGET.harmonizer)' })
      .option('engine', { choices: ['auto', 'native', 'wasm', 'cpu'] as const, default: 'auto' as const })
      .option('seed', { type: 'number', default: 1, describe: 'Same seed and engine, same bytes' })
      .option('from', {
        type: 'string',
        describe:
          'Where a network starts: universal, scratch, or a universal bundle (default: universal where the scans fit it)',
      })
      .option('subjects', { type: 'string', describe: 'Train on these only: a,b,c' })
      .option('exclude-subjects', { type: 'string', describe: 'Keep these for validation: a,b,c' })
      .option('single-reference', {
        type: 'boolean',
        default: false,
        describe: "With `histogram` and `nyul`: accept one person's intensities as the reference",
      })
      .option('max-rung', {
        type: 'number',
        describe:
          'With `auto`: the strongest rung that may be chosen (default: 2 with one traveling subject)',
      })
      .option('prepared', {
        type: 'string',
        describe: 'What was done to all images before, such as skull-stripped,bias-corrected,not-defaced',
      })
      .option('resume', {
        type: 'boolean',
        default: false,
        describe: 'Go on from where an interrupted training stopped (auto, local-tone)',
      })
      .option('overwrite', { type: 'boolean', default: false, describe: 'Replace a bundle that exists' })
      .options(COHORT_FLAGS)
      .example(
        '$0 train cohort.tsv --target scanner-b --exclude-subjects sub-07,sub-08',
        'writes scanner-b.harmonizer',
      ),
  handler: async (options) => {
    const { train: run } = await import('../../training/train.ts')
    const { readConfig, namesIn, rungAsked, wholeSeed } = await import('./train-options.ts')
    const { parsePrepared } = await import('../domain/preparation.ts')
    const maxRung = rungAsked(options['max-rung'], options.method)
    const prepared = parsePrepared(options.prepared ?? '')
    const config = await readConfig(options.config)
    const draw = progress(options)
    const say = remarks(options)
    const { path, manifest, loss, selection } = await run(
      {
        cohort: options.cohort,
        cohortOptions: cohortOptions(options),
        target: options.target,
        method: options.method,
        out: options.out ?? `${options.target.replace(/[^A-Za-z0-9.-]+/g, '-')}.harmonizer`,
        engine: options.engine,
        seed: wholeSeed(options.seed),
        config,
        ...(options.from !== undefined && { from: options.from }),
        singleReference: options.singleReference,
        prepared,
        overwrite: options.overwrite,
        resume: options.resume,
        ...(maxRung !== undefined && { maxRung }),
        ...(options.subjects !== undefined && { subjects: namesIn(options.subjects) }),
        ...(options.excludeSubjects !== undefined && { excludeSubjects: namesIn(options.excludeSubjects) }),
      },
      (event) => {
        if (event.stage === 'remark') say(event.line)
        else if (event.stage === 'steps')
          draw(
            `step ${event.step} of ${event.steps}, loss ${event.loss.toFixed(4)}, ${timeLeft(event.secondsLeft)} left`,
          )
        else if (event.stage === 'fold')
          say(
            `fold ${event.done + 1} of ${event.total}: ${event.methods.length === 1 ? event.methods[0] : `${event.methods.length} methods in closed form`}`,
          )
        else draw(`${WHAT[event.stage]}: ${event.done} of ${event.total}`)
      },
    )
    clearProgress()
    const { sources, target, training } = manifest
    const last = loss.at(-1)
    const method = manifest.steps[0].kind
    const { ladderText } = await import('../report/ladder.ts')
    const ladder = selection === undefined ? '' : `${ladderText(selection)}\n`
    report(
      options,
      `${ladder}${path}: \`${method}\` from ${sources.join(', ') || 'any scanner'} to ${target}; ` +
        `${training.subjects.length} subjects, ${training.pairs} pairs${last ? `, loss ${last.loss.toFixed(4)}` : ''}`,
      { path, method, sources, target, training, loss, ...(selection && { selection }) },
    )
  },
}

const WHAT = {
  scans: 'looking at scans',
  pairs: 'fitting curves, pairs',
  lattices: 'reading pairs',
  scores: 'scoring scans',
} as const

function timeLeft(seconds: number): string {
  return seconds >= 90 ? `${Math.round(seconds / 60)} min` : `${Math.ceil(seconds)} s`
}
