import type { CommandModule } from 'yargs'
import type { RoleArguments, VariantArguments } from './combat-roles.ts'
import { sayNotes } from './combat-shared.ts'
import { report } from './output.ts'

interface TestArguments extends RoleArguments, VariantArguments {
  readonly table: string
  readonly of: string
  readonly permutations: number
  readonly seed: number
  readonly out: string | undefined
}

export const combatTest: CommandModule<object, TestArguments> = {
  command: 'test <table>',
  describe:
    'Test a covariate honestly: one model with batch and covariates, beside the test after harmonization',
  builder: async (args) => {
    const { roleOptions, variantOptions } = await import('./combat-roles.ts')
    return variantOptions(roleOptions(args))
      .positional('table', {
        type: 'string',
        demandOption: true,
        describe: 'CSV or TSV with a header, not harmonized',
      })
      .option('of', { type: 'string', demandOption: true, describe: 'Covariate to test' })
      .option('permutations', {
        type: 'number',
        default: 0,
        describe: 'Permutations that repeat the harmonization (1000 and more for a p of 0.001)',
      })
      .option('seed', { type: 'number', default: 0, describe: 'Seed of the permutations' })
      .option('out', { type: 'string', describe: 'Results to write (JSON)' })
      .example(
        '$0 combat test thickness.csv --batch site --covariate diagnosis --covariate age --of diagnosis --out test.json',
        'effects of diagnosis, with p-values that hold',
      )
  },
  handler: async (options) => {
    const { combatTestRun, testText } = await import('./combat-test-run.ts')
    const { result, notes } = await combatTestRun(options)
    sayNotes(options, notes)
    report(options, testText(result, options.out).join('\n'), result)
  },
}
