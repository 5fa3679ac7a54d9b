import type { ArgumentsCamelCase, CommandModule } from 'yargs'
import type { FileRecord } from '../harmonizer/apply-file.ts'
import type { Harmonizer } from '../harmonizer/harmonizer.ts'
import { UNTRAINED } from '../harmonizer/ladder.ts'
import { COHORT_FLAGS, type CohortFlags, cohortOptions } from './cohort-options.ts'
import { type CommonOptions, progress, remarks, report } from './output.ts'

interface Flags extends CommonOptions, CohortFlags {
  readonly harmonizer: string
  readonly input: string
  readonly output: string
  readonly source: string | undefined
  readonly volume: number | undefined
  readonly mask: string | undefined
  readonly reference: string | undefined
  readonly 'single-reference': boolean
  readonly prepared: string | undefined
  readonly 'change-map': string | undefined
  readonly joint: boolean | undefined
  readonly uncertainty: string | undefined
  readonly dtype: 'float32' | 'same'
  readonly 'gzip-level': number
  readonly force: boolean
  readonly profile: 'quality' | 'fast'
  readonly 'dry-run': boolean
  readonly overwrite: boolean
  readonly threads: number | undefined
}
type ApplyOptions = ArgumentsCamelCase<Flags>

export const apply: CommandModule<object, Flags> = {
  command: 'apply <harmonizer> <input> <output>',
  describe: 'Bring an image, or every image of a cohort, into the reference domain',
  builder: (args) =>
    args
      .positional('harmonizer', {
        type: 'string',
        demandOption: true,
        describe: `NAME.harmonizer; universal: T1-weighted heads of any scanner; or a method that needs no training: ${UNTRAINED.join(', ')}`,
      })
      .positional('input', {
        type: 'string',
        demandOption: true,
        describe: 'NIfTI file (.nii, .nii.gz, .hdr or .img), cohort manifest (.tsv), or BIDS dataset',
      })
      .positional('output', {
        type: 'string',
        demandOption: true,
        describe:
          'file to write (.nii or .nii.gz); for a cohort a folder, for a BIDS dataset that of a derivative',
      })
      .option('source', {
        type: 'string',
        describe: 'Domain the image comes from; a cohort names it per scan',
      })
      .option('volume', { type: 'number', describe: 'Which volume of a 4D image, counted from 0' })
      .option('mask', {
        type: 'string',
        describe: 'NIfTI mask of tissue; without it the head is found in the image',
      })
      .option('reference', {
        type: 'string',
        describe: 'With `histogram`: the image whose histogram to match',
      })
      .option('single-reference', {
        type: 'boolean',
        default: false,
        describe: "Accept that one person's histogram writes that person's tissue volumes into the image",
      })
      .option('prepared', {
        type: 'string',
        describe: 'What was done to the image before, such as skull-stripped,bias-corrected,not-defaced',
      })
      .option('change-map', {
        type: 'string',
        describe: 'NIfTI file to write: what was changed beyond one gain and one offset',
      })
      .option('joint', {
        type: 'boolean',
        describe:
          'Of a cohort: all visits of a person on a scanner share one mapping [yes, where there are several]; --no-joint maps each by itself',
      })
      .option('uncertainty', {
        type: 'string',
        describe:
          'NIfTI file to write: half the width of the 90 % interval for what the target would show; for a cohort without a name, one beside each image',
      })
      .option('dtype', {
        choices: ['float32', 'same'] as const,
        default: 'float32' as const,
        describe: 'Stored type; `same` rounds to that of the input',
      })
      .option('gzip-level', { type: 'number', default: 1, describe: '1 (fast) to 9 (small)' })
      .option('profile', {
        choices: ['quality', 'fast'] as const,
        default: 'quality' as const,
        describe: 'Of `residual-unet`: passes along three axes, or the axial one alone',
      })
      .option('force', { type: 'boolean', default: false, describe: 'Apply in spite of guards; recorded' })
      .option('dry-run', { type: 'boolean', default: false, describe: 'Check and compute, write nothing' })
      .option('overwrite', { type: 'boolean', default: false, describe: 'Replace outputs that exist' })
      .options(COHORT_FLAGS)
      .option('threads', { type: 'number', describe: 'Threads of the network (default: up to 4)' })
      .example('$0 apply to-b.harmonizer in.nii.gz out.nii.gz --source scanner-a', 'one image')
      .example('$0 apply to-b.harmonizer cohort.tsv harmonized/', 'every scan; a second run continues')
      .example('$0 apply to-b.harmonizer study derivatives/attune', 'a BIDS dataset to a BIDS derivative')
      .example(
        '$0 apply to-b.harmonizer in.nii out.nii --source scanner-a --uncertainty half-width.nii',
        'how far each voxel may be off',
      )
      .example('$0 apply universal in.nii.gz out.nii.gz', 'a T1-weighted head of any scanner')
      .example('$0 apply zscore in.nii.gz out.nii.gz', 'mean 0 and SD 1 inside the head'),
  handler: async (options) => {
    const { packageVersion } = await import('../package-root.ts')
    const { checkOptions, isCohort, openHarmonizer } = await import('./apply-options.ts')
    checkOptions(options)
    const { parsePrepared } = await import('../domain/preparation.ts')
    const prepared = parsePrepared(options.prepared ?? '')
    const harmonizer = await openHarmonizer(options)
    const shared = {
      prepared,
      dtype: options.dtype,
      gzipLevel: options.gzipLevel,
      force: options.force,
      profile: options.profile,
      dryRun: options.dryRun,
      overwrite: options.overwrite,
      version: packageVersion(),
    }
    try {
      if (isCohort(options.input)) await applyToCohort(harmonizer, options, shared)
      else {
        const { applyFile } = await import('../harmonizer/apply-file.ts')
        const { input, output, volume, mask, source, changeMap, uncertainty } = options
        const record = await applyFile(harmonizer, {
          ...shared,
          input,
          output,
          volume,
          mask,
          changeMap,
          uncertainty,
          domain: source,
        })
        for (const line of doubts(record)) remarks(options)(line)
        await caveat(record, options)
        report(options, summary(record, options), record)
      }
    } finally {
      await harmonizer.close()
    }
  },
}

type Shared = Omit<Parameters<typeof import('../harmonizer/apply-cohort.ts').applyCohort>[3], 'joint'>

async function applyToCohort(harmonizer: Harmonizer, options: ApplyOptions, shared: Shared): Promise<void> {
  const { applyCohort } = await import('../harmonizer/apply-cohort.ts')
  const { deedOf, translationCaveat } = await import('../domain/translation.ts')
  const draw = progress(options)
  const { manifest, results } = await applyCohort(
    harmonizer,
    options.input,
    options.output,
    { ...shared, joint: options.joint, uncertainty: options.uncertainty !== undefined },
    ({ scan, outcome }, done, total) =>
      draw(`${done} of ${total}: ${scan.subject} ${scan.domain} ${scan.session}: ${outcome}`),
    cohortOptions(options),
  )
  const failures = results.flatMap(({ scan, error }) => (error ? [{ scan, error }] : []))
  const count = (outcome: string): number => results.filter((result) => result.outcome === outcome).length
  const { translation } = harmonizer.identity
  const { done } = deedOf(harmonizer.identity)
  const lines = [
    `${count(done)} ${done}, ${count('passed-through')} of the target domain passed through, ` +
      `${count('up-to-date')} up to date, ${failures.length} failed${options.dryRun ? ' (dry run)' : `: ${manifest}`}`,
  ]
  if (translation) remarks(options)(`note: ${translationCaveat(translation)}`)
  report(options, lines.join('\n'), {
    ...(translation && { translation }),
    manifest: options.dryRun ? null : manifest,
    scans: results.map(({ scan, output, outcome, error }) => ({
      subject: scan.subject,
      domain: scan.domain,
      session: scan.session,
      output,
      outcome,
      ...(error && { error: { code: error.code, what: error.what, remedy: error.remedy } }),
    })),
  })
  for (const { scan, error } of failures)
    process.stderr.write(
      `attune: ${scan.subject} ${scan.domain} ${scan.session}: ${error.what}\n${error.remedy}\n`,
    )
  if (failures.length > 0) process.exitCode = Math.max(...failures.map(({ error }) => error.exitCode))
}

async function caveat({ harmonizer, outcome }: FileRecord, options: ApplyOptions): Promise<void> {
  if (harmonizer.translation === undefined || outcome === 'passed-through') return
  const { translationCaveat } = await import('../domain/translation.ts')
  remarks(options)(`note: ${translationCaveat(harmonizer.translation)}`)
}

/** What --force overruled, and values that the stored type could not hold. */
function doubts({ guards, output, uncertainty }: FileRecord): string[] {
  const lines = guards
    .filter(({ status }) => status !== 'passed')
    .map(
      ({ status, message }) =>
        `${status === 'failed' ? 'warning, overruled by --force' : 'note'}: ${message}`,
    )
  if (output.clipped > 0)
    lines.push(`warning: ${output.clipped} voxels do not fit into ${output.datatype} and were clipped.`)
  if (uncertainty?.calibrated === false)
    lines.push(
      `warning: the uncertainty map is uncalibrated: ${uncertainty.people} people were left out to make it, fewer than 5.`,
    )
  return lines
}

function summary(
  { outcome, harmonizer, before, after, uncertainty }: FileRecord,
  options: ApplyOptions,
): string {
  const did =
    outcome === 'passed-through'
      ? `is of the target domain ${harmonizer.target}: passed through unchanged`
      : `${harmonizer.translation ? `translated from ${harmonizer.translation.from} to ${harmonizer.translation.to} by ` : ''}${harmonizer.name} (rung ${harmonizer.rung})`
  const median = `median ${before.percentiles.p50.toPrecision(4)} -> ${after.percentiles.p50.toPrecision(4)}`
  const width =
    uncertainty === undefined
      ? ''
      : `; ${uncertainty.calibrated ? `calibrated on ${uncertainty.people} people left out` : 'uncalibrated'}: ${100 * uncertainty.level} % within +/- ${uncertainty.meanHalfWidth.toPrecision(3)} on average`
  return `${options.dryRun ? 'dry run, nothing written' : options.output}: ${did}; ${median}${width}`
}
