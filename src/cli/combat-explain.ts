import type { CommandModule } from 'yargs'
import { ConfigError } from '../errors.ts'
import { type CommonOptions, report } from './output.ts'

interface ExplainArguments extends CommonOptions {
  readonly model: string
  readonly for: 'paper' | 'plan'
}

export const combatExplain: CommandModule<object, ExplainArguments> = {
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
    const explanation = await explainedModel(options.model)
    if (options.for === 'plan') {
      if ('steps' in explanation)
        throw new ConfigError(
          `${options.model} has several columns of batches; a plan is written for one.`,
          'Describe the columns in the plan yourself; --for paper gives the sentences of each step.',
        )
      const { readCombatModel } = await import('./combat-run.ts')
      const { analysisPlanOf } = await import('../combat/plan-text.ts')
      const plan = analysisPlanOf(await readCombatModel(options.model))
      report(options, plan, { ...explanation, plan })
      return
    }
    const found = 'steps' in explanation ? stepsText(explanation) : explanationText(explanation)
    report(options, [...found, ...methodsText(explanation)].join('\n'), explanation)
  },
}
