import type { CommandModule } from 'yargs'
import type { Note } from '../combat/data.ts'
import { type AnyVariant, REPEATED_VARIANTS } from '../combat/repeated.ts'
import { type Compat, VARIANTS } from '../combat/variants.ts'
import { ConfigError } from '../errors.ts'
import { combatCrossfit } from './combat-crossfit.ts'
import { combatDiagnose } from './combat-diagnose.ts'
import type { ImageOptions } from './combat-maps.ts'
import { combatTest } from './combat-test.ts'
import { type CommonOptions, remarks, report } from './output.ts'

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

interface ApplyArguments extends ImageOptions {
  readonly model: string
  readonly table: string
  readonly output: string | undefined
  readonly id: string | undefined
  readonly 'new-batch': 'refuse' | 'estimate'
  readonly 'new-batch-rows': number | undefined
  readonly 'new-model': string | undefined
}

const NAMES = { type: 'string', array: true, nargs: 1, default: [] as string[], requiresArg: true } as const

const IMAGES = {
  images: {
    type: 'string',
    requiresArg: true,
    describe: "Column of NIfTI maps to harmonize voxel by voxel; paths are below the table's folder",
  },
  'images-root': { type: 'string', describe: 'Folder that these paths are below instead' },
  'output-dir': { type: 'string', describe: 'Folder of the harmonized maps' },
} as const

const fit: CommandModule<object, FitArguments> = {
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

const apply: CommandModule<object, ApplyArguments> = {
  command: 'apply <model> <table>',
  describe: 'Take the estimated effects out of a table, with the covariates of its own rows',
  builder: (args) =>
    args
      .positional('model', { type: 'string', demandOption: true, describe: 'Model of attune combat fit' })
      .positional('table', {
        type: 'string',
        demandOption: true,
        describe: 'CSV or TSV with the columns of the fit',
      })
      .option('output', { type: 'string', describe: 'Harmonized table to write' })
      .options(IMAGES)
      .option('id', { type: 'string', describe: 'Column of ids: no id may come twice' })
      .option('new-batch', {
        choices: ['refuse', 'estimate'] as const,
        default: 'refuse' as const,
        describe: 'What to do with a batch that the model does not know',
      })
      .option('new-batch-rows', {
        type: 'number',
        describe: 'Least rows to estimate a new batch from [20]',
      })
      .option('new-model', { type: 'string', describe: 'Model with the new batches to write (JSON)' })
      .example('$0 combat apply combat.json new.csv --output new-harmonized.csv', 'new people of known sites')
      .example(
        '$0 combat apply fa-model new.tsv --images fa --output-dir harmonized',
        'maps, by a model of maps',
      ),
  handler: async (options) => {
    const { isMapsModel } = await import('./combat-maps-model.ts')
    if (await isMapsModel(options.model)) {
      const { runApplyMaps } = await import('./combat-maps.ts')
      return runApplyMaps(options)
    }
    requireNoImages({
      '--images': options.images,
      '--images-root': options['images-root'],
      '--output-dir': options['output-dir'],
    })
    const { output } = options
    if (output === undefined)
      throw new ConfigError('--output is missing.', 'Name the harmonized table to write: --output FILE.')
    const { combatApplyAny } = await import('./combat-steps.ts')
    const result = await combatApplyAny({
      model: options.model,
      table: options.table,
      output,
      id: options.id ?? null,
      newBatch: options['new-batch'],
      least: options['new-batch-rows'],
      newModel: options['new-model'],
    })
    sayNotes(options, result.notes)
    report(options, `${output}: ${result.rows} rows, ${result.features} features`, {
      output,
      newModel: options['new-model'] ?? null,
      ...result,
    })
  },
}

interface ExplainArguments extends CommonOptions {
  readonly model: string
  readonly for: 'paper' | 'plan'
}

const explain: CommandModule<object, ExplainArguments> = {
  command: 'explain <model>',
  describe: 'Say what a model holds, and how to describe it in a paper',
  builder: (args) =>
    args
      .positional('model', { type: 'string', demandOption: true, describe: 'Model of attune combat fit' })
      .option('for', {
        choices: ['paper', 'plan'] as const,
        default: 'paper' as const,
        describe: 'Text for the methods of a paper, or for a statistical analysis plan',
      })
      .example('$0 combat explain combat.json', 'variant, formula, sites, notes, text for a paper'),
  handler: async (options) => {
    const { isMapsModel } = await import('./combat-maps-model.ts')
    if (await isMapsModel(options.model)) {
      const { runExplainMaps } = await import('./combat-maps.ts')
      return runExplainMaps(options)
    }
    const { explainedModel } = await import('./combat-steps.ts')
    const { explanationText, methodsText, stepsText } = await import('./combat-text.ts')
    if (options.for === 'plan') {
      const { readCombatModel } = await import('./combat-run.ts')
      const { analysisPlanOf } = await import('../combat/plan-text.ts')
      const plan = analysisPlanOf(await readCombatModel(options.model))
      report(options, plan, { ...(await explainedModel(options.model)), plan })
      return
    }
    const explanation = await explainedModel(options.model)
    const found = 'steps' in explanation ? stepsText(explanation) : explanationText(explanation)
    report(options, [...found, ...methodsText(explanation)].join('\n'), explanation)
  },
}

function requireNoImages(idle: Readonly<Record<string, string | undefined>>): void {
  const given = Object.entries(idle).flatMap(([name, value]) => (value === undefined ? [] : [name]))
  if (given.length === 0) return
  throw new ConfigError(
    `${given.join(', ')} ${given.length === 1 ? 'is' : 'are'} given for a table.`,
    'Maps are harmonized where fit has --images COLUMN, and applied with the folder that it wrote.',
  )
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

function sayNotes(options: CommonOptions, notes: readonly Note[]): void {
  const say = remarks({ ...options, quiet: options.quiet || options.json })
  for (const { text } of notes) say(`note: ${text}`)
}

export const combat: CommandModule = {
  command: 'combat',
  describe: 'Harmonize a table of features (ComBat): fit, apply, explain; diagnose, crossfit, test',
  builder: (args) =>
    args
      .command(fit)
      .command(apply)
      .command(explain)
      .command(combatDiagnose)
      .command(combatCrossfit)
      .command(combatTest)
      .demandCommand(1, 'Which of fit, apply, explain, diagnose, crossfit, test?')
      .example(
        '$0 combat fit thickness.csv --batch site --covariate age --out combat.json',
        'learns the effect of each site',
      ),
  handler: () => {},
}
