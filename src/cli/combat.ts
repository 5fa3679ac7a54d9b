import type { CommandModule } from 'yargs'
import { combatApply } from './combat-apply.ts'
import { combatCrossfit } from './combat-crossfit.ts'
import { combatDiagnose } from './combat-diagnose.ts'
import { combatExplain } from './combat-explain.ts'
import { combatFit } from './combat-fit.ts'
import { combatTest } from './combat-test.ts'

export const combat: CommandModule = {
  command: 'combat',
  describe: 'Harmonize a table of features (ComBat): fit, apply, explain; diagnose, crossfit, test',
  builder: (args) =>
    args
      .command(combatFit)
      .command(combatApply)
      .command(combatExplain)
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
