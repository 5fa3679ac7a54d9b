import type { CommandModule } from 'yargs'
import type { TrainProgress } from '../../training/fit.ts'
import type { Trained } from '../../training/train.ts'
import { translationText } from '../domain/translation.ts'
import { ALL_METHODS } from '../harmonizer/ladder.ts'
import { COHORT_FLAGS } from './cohort-options.ts'
import { clearProgress, progress, remarks, report } from './output.ts'
import type { TrainFlags } from './train-options.ts'

export const train: CommandModule<object, TrainFlags> = {
  command: 'train [cohort]',
  describe: 'Learn, from people scanned on several scanners, the mapping of each to a reference',
  builder: (args) =>
    args
      .usage(
        '$0 train <cohort> --target <domain>\n\nLearn, from people scanned on several scanners, the mapping of each to a reference',
      )
      .positional('cohort', {
        type: 'string',
        describe: 'manifest: subject, domain, image, ... (TSV), or BIDS dataset',
      })
      .option('target', {
        type: 'string',
        describe: 'Domain that images are brought to [required, or --run]',
      })
      .option('method', {
        choices: ['auto', ...ALL_METHODS] as const,
        defaultDescription: 'auto',
        describe:
          'What may be changed, from nothing to a bounded correction by a network; auto: the weakest that suffices, by leaving people out; band-unet: for CT in HU and PET in SUV',
      })
      .option('config', {
        type: 'string',
        describe: 'YAML or JSON file with settings of the method (--help-config)',
      })
      .option('run', {
        type: 'string',
        describe:
          'Train as a named run does: its target, method, settings and seed; then compare with what it expects',
      })
      .conflicts('run', ['config', 'method', 'target', 'subjects', 'exclude-subjects'])
      .option('out', { type: 'string', describe: 'NAME.harmonizer to write (default: TARGET.harmonizer)' })
      .option('engine', { choices: ['auto', 'native', 'wasm', 'cpu'] as const, default: 'auto' as const })
      .option('seed', {
        type: 'number',
        defaultDescription: '1',
        describe: 'Same seed and engine, same bytes',
      })
      .option('from', {
        type: 'string',
        describe:
          'Where a network starts: universal, scratch, or a universal bundle [universal where it fits the scans]',
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
      .option('uncertainty', {
        type: 'boolean',
        defaultDescription: 'with `auto`',
        describe:
          'Measure errors in people left out, for `apply --uncertainty`; with a named method this trains up to 5 times more',
      })
      .option('translation', {
        type: 'boolean',
        default: false,
        describe:
          "Make the target's contrast from another one, such as T2w from PDw, learned from people scanned in both; outputs are called translated, never harmonized. With --method tone, local-tone or residual-unet",
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
      .option('track', {
        type: 'string',
        describe:
          'Write the run down in a folder [attune-runs], and send it to MLFLOW_TRACKING_URI where that is set (--no-track: do not)',
      })
      .option('help-config', {
        type: 'boolean',
        default: false,
        describe: 'Show what may be set with --config, and do nothing else',
      })
      .options(COHORT_FLAGS)
      .example(
        '$0 train cohort.tsv --target scanner-b --exclude-subjects sub-07,sub-08',
        'writes scanner-b.harmonizer',
      )
      .example(
        '$0 train pairs.tsv --target scanner-b-t2w --method local-tone --translation',
        'a declared translation of the other contrast to T2w',
      ),
  handler: async (options) => {
    if (options.helpConfig) {
      const { settingsHelp } = await import('./settings-help.ts')
      await settingsHelp(options)
      return
    }
    const { trainRequest } = await import('./train-options.ts')
    const { trackTraining } = await import('./tracked-training.ts')
    const { request, named } = await trainRequest(options)
    const { train: run } = await import('../../training/train.ts')
    const draw = progress(options)
    const say = remarks(options)
    const tracked = await trackTraining({
      ...{ track: options.track, out: request.out, resume: options.resume, environment: process.env, say },
    })
    const hear = (event: TrainProgress): void => {
      tracked?.hear(event)
      if (event.stage === 'remark') say(event.line)
      else if (event.stage === 'steps')
        draw(
          `step ${event.step} of ${event.steps}, loss ${event.loss.toFixed(4)}, ${timeLeft(event.secondsLeft)} left`,
        )
      else if (event.stage === 'fold')
        say(
          `fold ${event.done + 1} of ${event.total}: ${event.methods.length === 1 ? event.methods[0] : `${event.methods.length} methods in closed form`}`,
        )
      else if (event.stage !== 'start') draw(`${WHAT[event.stage]}: ${event.done} of ${event.total}`)
    }
    let trained: Trained
    try {
      trained = await run(request, hear)
    } catch (error) {
      await tracked?.fail(error)
      throw error
    }
    const tracking = await tracked?.finish(trained)
    const { path, manifest, loss, selection } = trained
    clearProgress()
    const { sources, target, translation, training } = manifest
    const last = loss.at(-1)
    const method = manifest.steps[0].kind
    const { ladderText } = await import('../report/ladder.ts')
    const ladder = selection === undefined ? '' : `${ladderText(selection)}\n`
    const { comparisonWith } = await import('./train-options.ts')
    const expected = named && comparisonWith(named, trained)
    const lines = [
      `${path}: ${translation ? `declared translation of ${translationText(translation)}, ` : ''}\`${method}\` from ${sources.join(', ') || 'any scanner'} to ${target}; ` +
        `${training.subjects.length} subjects, ${training.pairs} pairs${last ? `, loss ${last.loss.toFixed(4)}` : ''}`,
      ...(expected === undefined ? [] : [expected.text]),
      ...(tracking === undefined ? [] : [`run ${tracking.facts.id.slice(0, 8)} in ${tracking.path}`]),
    ]
    report(options, ladder + lines.join('\n'), {
      path,
      method,
      sources,
      target,
      ...(translation && { translation }),
      training,
      loss,
      ...(selection && { selection }),
      ...(expected && { expected }),
      ...(tracking && { run: { id: tracking.facts.id, path: tracking.path } }),
    })
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
