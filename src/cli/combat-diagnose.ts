import type { CommandModule } from 'yargs'
import type { RoleArguments } from './combat-roles.ts'
import { sayNotes } from './combat-shared.ts'
import { report } from './output.ts'

interface DiagnoseArguments extends RoleArguments {
  readonly before: string
  readonly after: string | undefined
  readonly model: string | undefined
  readonly label: string | undefined
  readonly subject: string | undefined
  readonly out: string
}

export const combatDiagnose: CommandModule<object, DiagnoseArguments> = {
  command: 'diagnose <before> [after]',
  describe: 'What sites do to a table, before and after harmonization: a page with pictures, and data',
  builder: async (args) => {
    const { roleOptions } = await import('./combat-roles.ts')
    return roleOptions(args)
      .positional('before', {
        type: 'string',
        demandOption: true,
        describe: 'Table as measured (CSV or TSV)',
      })
      .positional('after', { type: 'string', describe: 'The same rows and columns, harmonized' })
      .option('model', {
        type: 'string',
        describe:
          'Model of attune combat fit: its priors are drawn, and it makes the harmonized table where none is given',
      })
      .option('label', { type: 'string', describe: 'Column of classes of interest: diagnosis, outcome' })
      .option('subject', { type: 'string', describe: 'Column that says whose rows belong together' })
      .option('out', {
        type: 'string',
        demandOption: true,
        describe: 'Folder for diagnostics.html and diagnostics.json',
      })
      .example(
        '$0 combat diagnose thickness.csv --batch site --covariate age --covariate sex --model combat.json --label diagnosis --out diagnostics',
        'what the model of attune combat fit does to the table',
      )
  },
  handler: async (options) => {
    const { combatDiagnoseRun, diagnosisText } = await import('./combat-diagnose-run.ts')
    const { diagnostics, files } = await combatDiagnoseRun(options)
    sayNotes(options, diagnostics.notes)
    report(options, diagnosisText(diagnostics, files).join('\n'), { files, ...diagnostics })
  },
}
