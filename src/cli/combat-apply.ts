import type { CommandModule } from 'yargs'
import { ConfigError } from '../errors.ts'
import type { ImageOptions } from './combat-maps.ts'
import { IMAGES, requireNoImages, sayNotes } from './combat-shared.ts'
import { report } from './output.ts'

interface ApplyArguments extends ImageOptions {
  readonly model: string
  readonly table: string
  readonly output: string | undefined
  readonly id: string | undefined
  readonly 'new-batch': 'refuse' | 'estimate'
  readonly 'new-batch-rows': number | undefined
  readonly 'new-model': string | undefined
}

export const combatApply: CommandModule<object, ApplyArguments> = {
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
