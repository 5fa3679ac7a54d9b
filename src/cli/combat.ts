import type { CommandModule } from 'yargs'
import type { Note } from '../combat/data.ts'
import { type AnyVariant, REPEATED_VARIANTS } from '../combat/repeated.ts'
import { type Compat, VARIANTS } from '../combat/variants.ts'
import { type CommonOptions, remarks, report } from './output.ts'

interface FitArguments extends CommonOptions {
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
  readonly reference: string | undefined
  readonly compat: Exclude<Compat, null> | undefined
  readonly 'single-subject': 'mean-only' | 'refuse'
  readonly out: string
  readonly output: string | undefined
}

interface ApplyArguments extends CommonOptions {
  readonly model: string
  readonly table: string
  readonly output: string
  readonly id: string | undefined
  readonly 'new-batch': 'refuse' | 'estimate'
  readonly 'new-batch-rows': number | undefined
  readonly 'new-model': string | undefined
}

const NAMES = { type: 'string', array: true, nargs: 1, default: [] as string[], requiresArg: true } as const

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
        choices: [...VARIANTS, ...REPEATED_VARIANTS],
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
      .option('out', { type: 'string', demandOption: true, describe: 'Model to write (JSON)' })
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
      ),
  handler: async (options) => {
    const { combatFitAny, explained } = await import('./combat-steps.ts')
    const { model, notes, chosen } = await combatFitAny({
      table: options.table,
      roles: {
        batch: options.batch[0] ?? '',
        covariates: options.covariate,
        categorical: options.categorical,
        id: options.id ?? null,
        subject: options.subject ?? null,
        features: options.features,
      },
      columns: options.batch,
      nested: options.nested,
      batchFrom: options['batch-from'],
      dateColumn: options.date ?? null,
      smooth: { columns: options.smooth, penalty: options['smooth-penalty'], basis: options['smooth-basis'] },
      variant: options.variant,
      time: options.time ?? null,
      shrink: options.eb,
      residual: options.residual ?? null,
      compat: options.compat ?? null,
      reference: options.reference ?? null,
      singleRow: options['single-subject'],
      out: options.out,
      output: options.output,
    })
    const { explanationText, stepsText } = await import('./combat-text.ts')
    sayNotes(options, notes)
    const explanation = explained(model)
    const several = 'steps' in explanation
    const batches = ('steps' in model ? model.steps : [model]).map((step) => step.batches.length).join(' + ')
    const { rows = 0 } = 'steps' in model ? (model.steps[0] ?? {}) : model
    report(
      options,
      [
        `${options.out}: ${explanation.harmonized} of ${chosen} features, ${batches} batches, ${rows} rows`,
        ...(options.output === undefined ? [] : [`${options.output}: the harmonized table`]),
        ...(several ? stepsText(explanation) : explanationText(explanation)),
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
      .option('output', { type: 'string', demandOption: true, describe: 'Harmonized table to write' })
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
      .example(
        '$0 combat apply combat.json new.csv --output new-harmonized.csv',
        'new people of known sites',
      ),
  handler: async (options) => {
    const { combatApplyAny } = await import('./combat-steps.ts')
    const result = await combatApplyAny({
      model: options.model,
      table: options.table,
      output: options.output,
      id: options.id ?? null,
      newBatch: options['new-batch'],
      least: options['new-batch-rows'],
      newModel: options['new-model'],
    })
    sayNotes(options, result.notes)
    report(options, `${options.output}: ${result.rows} rows, ${result.features} features`, {
      output: options.output,
      newModel: options['new-model'] ?? null,
      ...result,
    })
  },
}

const explain: CommandModule<object, CommonOptions & { readonly model: string }> = {
  command: 'explain <model>',
  describe: 'Say what a model holds, and how to describe it in a paper',
  builder: (args) =>
    args
      .positional('model', { type: 'string', demandOption: true, describe: 'Model of attune combat fit' })
      .example('$0 combat explain combat.json', 'variant, formula, sites, notes, text for a paper'),
  handler: async (options) => {
    const { explainedModel } = await import('./combat-steps.ts')
    const { explanationText, methodsText, stepsText } = await import('./combat-text.ts')
    const explanation = await explainedModel(options.model)
    const found = 'steps' in explanation ? stepsText(explanation) : explanationText(explanation)
    report(options, [...found, ...methodsText(explanation)].join('\n'), explanation)
  },
}

function sayNotes(options: CommonOptions, notes: readonly Note[]): void {
  const say = remarks({ ...options, quiet: options.quiet || options.json })
  for (const { text } of notes) say(`note: ${text}`)
}

export const combat: CommandModule = {
  command: 'combat',
  describe: 'Harmonize a table of features (ComBat): fit, apply, explain',
  builder: (args) =>
    args
      .command(fit)
      .command(apply)
      .command(explain)
      .demandCommand(1, 'Which of fit, apply, explain?')
      .example(
        '$0 combat fit thickness.csv --batch site --covariate age --out combat.json',
        'learns the effect of each site',
      ),
  handler: () => {},
}
