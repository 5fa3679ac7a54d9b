import type { CommandModule } from 'yargs'
import type { RoleArguments, VariantArguments } from './combat-roles.ts'
import { sayNotes } from './combat-shared.ts'
import { report } from './output.ts'

interface CrossfitArguments extends RoleArguments, VariantArguments {
  readonly table: string
  readonly label: string | undefined
  readonly predict: 'site' | 'batch' | undefined
  readonly subject: string | undefined
  readonly folds: number
  readonly seed: number
  readonly out: string
  readonly output: string | undefined
}

export const combatCrossfit: CommandModule<object, CrossfitArguments> = {
  command: 'crossfit <table>',
  describe: 'Harmonize each row by a model that did not see it, and judge a classifier honestly',
  builder: async (args) => {
    const { roleOptions, variantOptions } = await import('./combat-roles.ts')
    return variantOptions(roleOptions(args))
      .positional('table', {
        type: 'string',
        demandOption: true,
        describe: 'CSV or TSV with a header, not harmonized',
      })
      .option('label', { type: 'string', describe: 'Column of classes to predict: diagnosis, outcome' })
      .option('predict', {
        choices: ['site', 'batch'] as const,
        describe: 'Predict the batch itself [without --label]',
      })
      .conflicts('label', 'predict')
      .option('subject', {
        type: 'string',
        describe: 'Column that says whose rows belong together: nobody is in two folds',
      })
      .option('folds', { type: 'number', default: 5, describe: 'Folds, each with its share of every batch' })
      .option('seed', { type: 'number', default: 0, describe: 'Seed of folds and permutations' })
      .option('out', { type: 'string', demandOption: true, describe: 'Results to write (JSON)' })
      .option('output', { type: 'string', describe: 'Table to write, each row harmonized without it' })
      .example(
        '$0 combat crossfit thickness.csv --batch site --covariate age --label diagnosis --out crossfit.json --output crossfit.csv',
        'what a classifier of new people would reach, beside what leakage pretends',
      )
  },
  handler: async (options) => {
    const { combatCrossfitRun, crossfitText } = await import('./combat-crossfit-run.ts')
    const { result, notes } = await combatCrossfitRun(options)
    sayNotes(options, notes)
    report(options, crossfitText(result, options).join('\n'), result)
  },
}
