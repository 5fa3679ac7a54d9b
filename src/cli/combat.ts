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
  readonly batch: string
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
      .option('batch', { type: 'string', demandOption: true, describe: 'Column of batches: site, scanner' })
      .option('covariate', {
        ...NAMES,
        describe: 'Column whose effect is kept: age, sex (repeat the option)',
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
      batch: options.batch,
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
      const { runFitMaps } = await import('./combat-maps.ts')
      return runFitMaps(options, { table, out, roles, options: how })
    }
    requireNoImages({
      '--mask': options.mask,
      '--images-root': options['images-root'],
      '--output-dir': options['output-dir'],
    })
    const { combatFit } = await import('./combat-run.ts')
    const { model, notes, chosen } = await combatFit({ table, roles, out, output, ...how })
    const { explainCombat } = await import('../combat/explain.ts')
    const { explanationText } = await import('./combat-text.ts')
    sayNotes(options, notes)
    const explanation = explainCombat(model)
    report(
      options,
      [
        `${options.out}: ${explanation.harmonized} of ${chosen} features, ${model.batches.length} batches, ${model.rows} rows`,
        ...(options.output === undefined ? [] : [`${options.output}: the harmonized table`]),
        ...explanationText(explanation),
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
    const { combatApply } = await import('./combat-run.ts')
    const result = await combatApply({
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
    const { readCombatModel } = await import('./combat-run.ts')
    const { explainCombat } = await import('../combat/explain.ts')
    const { explanationText, methodsText } = await import('./combat-text.ts')
    const model = await readCombatModel(options.model)
    const explanation = explainCombat(model)
    if (options.for === 'plan') {
      const { analysisPlanOf } = await import('../combat/plan-text.ts')
      const plan = analysisPlanOf(model)
      report(options, plan, { ...explanation, plan })
    } else
      report(options, [...explanationText(explanation), ...methodsText(explanation)].join('\n'), explanation)
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
