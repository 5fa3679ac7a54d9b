import type { CommandModule } from 'yargs'
import { COHORT_FLAGS, type CohortFlags, cohortOptions } from './cohort-options.ts'
import { type CommonOptions, clearProgress, progress, report } from './output.ts'

interface ValidateArguments extends CommonOptions, CohortFlags {
  readonly bundle: string
  readonly cohort: string
  readonly out: string
  readonly subjects: string | undefined
  readonly 'within-subject': boolean
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
    const { gates, figures, design, uncertainty, harmonizer } = evidence
    report(options, `${summaryText(evidence)}\n${files[0]}`, {
      ...{ files, design, gates, figures },
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
