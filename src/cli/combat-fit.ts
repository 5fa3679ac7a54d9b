import type { CommandModule } from 'yargs'
import { type AnyVariant, REPEATED_VARIANTS } from '../combat/repeated.ts'
import { type Compat, VARIANTS } from '../combat/variants.ts'
import { ConfigError } from '../errors.ts'
import type { ImageOptions } from './combat-maps.ts'
import { IMAGES, NAMES, requireNoImages, sayNotes } from './combat-shared.ts'
import { report } from './output.ts'

interface FitArguments extends ImageOptions {
  readonly mask: string | undefined
  readonly table: string
  readonly batch: readonly string[]
  readonly nested: boolean
  readonly 'batch-from': readonly string[]
  readonly date: string | undefined
  readonly smooth: readonly string[]
  readonly 'smooth-penalty': string | undefined
  readonly 'smooth-basis': number | undefined
  readonly covariate: readonly string[]
  readonly categorical: readonly string[]
  readonly id: string | undefined
  readonly features: readonly string[]
  readonly variant: AnyVariant
  readonly subject: string | undefined
  readonly time: string | undefined
  readonly eb: boolean
  readonly residual: 'reml' | 'msr' | undefined
  readonly 'covbat-variance': number | undefined
  readonly 'covbat-components': number | undefined
  readonly reference: string | undefined
  readonly compat: Exclude<Compat, null> | undefined
  readonly 'single-subject': 'mean-only' | 'refuse'
  readonly out: string
  readonly output: string | undefined
}

export const combatFit: CommandModule<object, FitArguments> = {
  command: 'fit <table>',
  describe: 'Estimate the effects of batches in a table of features',
  builder: (args) =>
    args
      .positional('table', {
        type: 'string',
        demandOption: true,
        describe: 'CSV or TSV with a header, a row a person',
      })
      .option('batch', {
        type: 'string',
        array: true,
        nargs: 1,
        requiresArg: true,
        demandOption: true,
        describe: 'Column of batches: site, scanner (repeat it: one after the other)',
      })
      .option('nested', {
        type: 'boolean',
        default: false,
        describe: 'Batches lie within each other: --batch site --batch scanner',
      })
      .option('batch-from', {
        ...NAMES,
        describe: 'Batch that is another one from a day on: A@2021-06-01 (repeat the option)',
      })
      .option('date', { type: 'string', describe: 'Column of dates, for --batch-from' })
      .option('covariate', {
        ...NAMES,
        describe: 'Column whose effect is kept: age, sex (repeat the option)',
      })
      .option('smooth', {
        ...NAMES,
        describe: 'Column whose effect is kept as a smooth curve (repeat the option)',
      })
      .option('smooth-penalty', {
        type: 'string',
        describe: 'What chooses how smooth: reml, gcv, or a number for all [reml]',
      })
      .option('smooth-basis', {
        type: 'number',
        describe: 'Spline functions of each smooth curve [10]',
      })
      .option('categorical', { ...NAMES, describe: 'Covariate whose numbers are codes of names' })
      .option('features', {
        ...NAMES,
        describe: 'Columns to harmonize, as a pattern with * [every other column of numbers]',
      })
      .option('id', { type: 'string', describe: 'Column of ids: not a feature, and no id may come twice' })
      .option('variant', {
        choices: [...VARIANTS, 'covbat' as const, ...REPEATED_VARIANTS],
        default: 'eb' as const,
        describe: 'How location and scale are estimated',
      })
      .option('subject', {
        type: 'string',
        describe: 'Column that says whose scans belong together (traveling, longitudinal)',
      })
      .option('time', {
        type: 'string',
        describe: 'Column of time since the first scan, or of age at the scan (longitudinal)',
      })
      .option('eb', {
        type: 'boolean',
        default: true,
        describe: 'Draw features together; --no-eb: each by itself (traveling)',
      })
      .option('residual', {
        choices: ['reml', 'msr'] as const,
        describe: 'Residual variance: of REML, or the mean square of the residuals (longitudinal) [reml]',
      })
      .option('covbat-variance', {
        type: 'number',
        describe: 'Share of the variance that harmonized components carry, 0 to 1 (covbat) [0.95]',
      })
      .option('covbat-components', { type: 'number', describe: 'How many components instead (covbat)' })
      .option('reference', {
        type: 'string',
        describe: 'Batch that stays as it is and that the others are brought to',
      })
      .option('compat', {
        choices: ['neurocombat'] as const,
        describe: 'Stop iterating where neuroCombat does, to repeat old results',
      })
      .option('single-subject', {
        choices: ['mean-only', 'refuse'] as const,
        default: 'mean-only' as const,
        describe: 'What to do with a batch of one row',
      })
      .options(IMAGES)
      .option('mask', {
        type: 'string',
        describe: 'NIfTI image, above 0 where maps are harmonized (--images)',
      })
      .option('out', {
        type: 'string',
        demandOption: true,
        describe: 'Model to write (JSON; of --images a folder)',
      })
      .option('output', { type: 'string', describe: 'Harmonized table to write' })
      .example(
        '$0 combat fit thickness.csv --batch site --covariate age --covariate sex --id subject --out combat.json --output harmonized.csv',
        'keeps what age and sex explain',
      )
      .example(
        '$0 combat fit thickness.csv --batch site --smooth age --covariate sex --out combat.json',
        'keeps a curve over age',
      )
      .example(
        '$0 combat fit thickness.csv --batch scanner --batch-from A@2021-06-01 --date scan_date --out combat.json',
        'scanner A was upgraded',
      )
      .example(
        '$0 combat fit thickness.csv --batch scanner --variant traveling --subject person --out combat.json',
        'people scanned on several scanners tell what belongs to the scanner',
      )
      .example(
        '$0 combat fit visits.csv --batch scanner --variant longitudinal --subject person --time years --covariate age --out combat.json',
        'people come back, on whatever scanner there is',
      )
      .example(
        '$0 combat fit scans.tsv --images fa --mask mask.nii.gz --batch site --covariate age --out fa-model --output-dir harmonized',
        'maps in a common space, voxel by voxel',
      ),
  handler: async (options) => {
    const roles = {
      batch: options.batch[0] ?? '',
      covariates: options.covariate,
      categorical: options.categorical,
      id: options.id ?? null,
      subject: options.subject ?? null,
      features: options.features,
    }
    const how = {
      variant: options.variant,
      time: options.time ?? null,
      shrink: options.eb,
      residual: options.residual ?? null,
      share: options['covbat-variance'] ?? null,
      components: options['covbat-components'] ?? null,
      compat: options.compat ?? null,
      reference: options.reference ?? null,
      singleRow: options['single-subject'],
    }
    const { table, out, output } = options
    if (options.images !== undefined) {
      requireOneColumn(options)
      const { runFitMaps } = await import('./combat-maps.ts')
      return runFitMaps(options, { table, out, roles, options: { ...how, smooth: null } })
    }
    requireNoImages({
      '--mask': options.mask,
      '--images-root': options['images-root'],
      '--output-dir': options['output-dir'],
    })
    const several = {
      columns: options.batch,
      nested: options.nested,
      batchFrom: options['batch-from'],
      dateColumn: options.date ?? null,
      smooth: { columns: options.smooth, penalty: options['smooth-penalty'], basis: options['smooth-basis'] },
    }
    const { combatFitAny, explained } = await import('./combat-steps.ts')
    const { model, notes, chosen } = await combatFitAny({ table, roles, out, output, ...how, ...several })
    const { explanationText, stepsText } = await import('./combat-text.ts')
    sayNotes(options, notes)
    const explanation = explained(model)
    const batches = ('steps' in model ? model.steps : [model]).map((step) => step.batches.length).join(' + ')
    const { rows = 0 } = 'steps' in model ? (model.steps[0] ?? {}) : model
    report(
      options,
      [
        `${options.out}: ${explanation.harmonized} of ${chosen} features, ${batches} batches, ${rows} rows`,
        ...(options.output === undefined ? [] : [`${options.output}: the harmonized table`]),
        ...('steps' in explanation ? stepsText(explanation) : explanationText(explanation)),
      ].join('\n'),
      { model: options.out, output: options.output ?? null, ...explanation, notes },
    )
  },
}

/** Of batches, with straight lines: what maps can have. */
function requireOneColumn({ batch, nested, smooth, ...options }: FitArguments): void {
  const idle = [
    ...(batch.length > 1 ? ['a second --batch'] : []),
    ...(nested ? ['--nested'] : []),
    ...(options['batch-from'].length > 0 ? ['--batch-from'] : []),
    ...(smooth.length > 0 ? ['--smooth'] : []),
  ]
  if (idle.length > 0)
    throw new ConfigError(
      `Maps are harmonized by one column of batches, with straight lines; ${idle.join(', ')} ${idle.length === 1 ? 'is' : 'are'} given.`,
      'Leave it out, or put batches together in one column of the table.',
    )
}
