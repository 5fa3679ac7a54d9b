import type { CommandModule } from 'yargs'
import { COHORT_FLAGS, type CohortFlags, cohortOptions } from './cohort-options.ts'
import { type CommonOptions, clearProgress, progress, remarks, report } from './output.ts'

interface ValidateArguments extends CommonOptions, CohortFlags {
  readonly bundle: string
  readonly cohort: string
  readonly out: string
  readonly subjects: string | undefined
  readonly 'within-subject': boolean
  readonly track: string | false | undefined
}

export const validate: CommandModule<object, ValidateArguments> = {
  command: 'validate <bundle> <cohort>',
  describe: 'Test a harmonizer on people it has not seen, and write a report',
  builder: (args) =>
    args
      .positional('bundle', { type: 'string', demandOption: true, describe: 'NAME.harmonizer' })
      .positional('cohort', {
        type: 'string',
        demandOption: true,
        describe:
          'manifest: subject, domain, image, ... (TSV); with session: rescans; with lesions, tissue: truth; or BIDS dataset',
      })
      .option('out', { type: 'string', demandOption: true, describe: 'Folder for report.html and its data' })
      .option('subjects', {
        type: 'string',
        describe: 'Test these only: a,b,c (default: all not trained on)',
      })
      .option('within-subject', {
        type: 'boolean',
        default: false,
        describe: 'Test on training subjects, and label the result as no proof of generalization',
      })
      .option('track', {
        type: 'string',
        describe:
          'Keep figures and report, without names, in a folder [attune-runs], and send them to MLFLOW_TRACKING_URI where that is set (--no-track: do not)',
      })
      .options(COHORT_FLAGS)
      .example('$0 validate to-b.harmonizer cohort.tsv --out report', 'writes report/report.html')
      .epilogue(
        'Ends with status 3 when an acceptance criterion is missed; the report is written all the same.',
      ),
  handler: async (options) => {
    const { pairedFidelity } = await import('../../validation/paired-fidelity.ts')
    const { writeReport } = await import('../report/write.ts')
    const { summaryText } = await import('../report/summary.ts')
    const { packageVersion } = await import('../package-root.ts')
    const { namesIn } = await import('./train-options.ts')
    const { bundle, cohort, out, subjects, withinSubject } = options as typeof options & {
      readonly withinSubject: boolean
    }
    const draw = progress(options)
    const { trackValidation } = await import('./tracked-validation.ts')
    const { track } = options
    const keep = await trackValidation({ track, environment: process.env, say: remarks(options) })
    const evidence = await pairedFidelity(
      {
        bundle,
        cohort,
        cohortOptions: cohortOptions(options),
        subjects: subjects === undefined ? undefined : namesIn(subjects),
        withinSubject,
        command: ['attune', ...process.argv.slice(2)].join(' '),
        date: new Date().toISOString().slice(0, 10),
        attune: packageVersion(),
      },
      ({ stage, done, total }) => draw(`${WHAT[stage]}: ${done} of ${total}`),
    )
    clearProgress()
    const files = await writeReport(evidence, out)
    const run = await keep?.(evidence)
    const { gates, figures, design, uncertainty, harmonizer } = evidence
    const lines = [
      summaryText(evidence),
      files[0],
      ...(run ? [`run ${run.facts.id.slice(0, 8)} in ${run.path}`] : []),
    ]
    report(options, lines.join('\n'), {
      ...{ files, design, gates, figures },
      ...(run && { run: { id: run.facts.id, path: run.path } }),
      ...(harmonizer.translation && { translation: harmonizer.translation }),
      ...(uncertainty && { uncertainty }),
    })
    if (gates.some(({ status }) => status === 'fail')) process.exitCode = 3
  },
}

const WHAT = {
  reference: 'reading the reference',
  pairs: 'measuring pairs',
  rescans: 'reading rescans',
  uncertainty: 'measuring uncertainty maps',
} as const
