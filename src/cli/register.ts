import type { CommandModule } from 'yargs'
import { ConfigError } from '../errors.ts'
import { packageVersion } from '../package-root.ts'
import { type CommonOptions, progress, remarks, report } from './output.ts'

interface RegisterArguments extends CommonOptions {
  readonly cohort: string
  readonly out: string
  readonly 'max-error-mm': number | undefined
  readonly seed: number
}

export const register: CommandModule<object, RegisterArguments> = {
  command: 'register <cohort> <out>',
  describe: 'Bring the scans of each subject to one space and grid, each resampled once',
  builder: (args) =>
    args
      .positional('cohort', {
        type: 'string',
        demandOption: true,
        describe: 'manifest: subject, domain, image, ... (TSV)',
      })
      .positional('out', {
        type: 'string',
        demandOption: true,
        describe: 'folder for the registered cohort; an interrupted run goes on where it stopped',
      })
      .option('max-error-mm', {
        type: 'number',
        describe: 'Leave out scans that may be off by more [half a voxel of the coarser image]',
      })
      .option('seed', { type: 'number', default: 1, describe: 'Same seed, same voxels' })
      .example('$0 register cohort.tsv registered', 'then: attune train registered/cohort.tsv --target ...'),
  handler: async (options) => {
    const { registerCohort } = await import('../cohort/register.ts')
    const { wholeSeed } = await import('./train-options.ts')
    const maxErrorMm = options.maxErrorMm as number | undefined
    if (maxErrorMm !== undefined && !(maxErrorMm > 0))
      throw new ConfigError(`--max-error-mm is ${maxErrorMm}.`, 'Give a length above 0 mm, such as 1.')
    const draw = progress(options)
    const settings = { seed: wholeSeed(options.seed), ...(maxErrorMm !== undefined && { maxErrorMm }) }
    const result = await registerCohort(
      options.cohort,
      options.out,
      settings,
      packageVersion(),
      ({ subject, done, total, what }) => draw(`subject ${done + 1} of ${total}, ${subject}: ${what}`),
    )
    const say = remarks(options)
    const scans = result.subjects.flatMap(({ subject, scans }) => scans.map((scan) => ({ subject, ...scan })))
    for (const { subject, domain, session, excluded } of scans)
      if (excluded !== undefined) say(`left out: ${subject} ${domain} ${session}: ${excluded}`)
    const kept = scans.filter(({ excluded }) => excluded === undefined)
    const worst = Math.max(...kept.map(({ errorMm }) => errorMm ?? 0))
    report(
      options,
      `${result.manifest}: ${kept.length} of ${scans.length} scans of ${result.subjects.length} subjects, ` +
        `error at most ${worst.toFixed(2)} mm`,
      result,
    )
  },
}
