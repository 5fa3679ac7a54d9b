/** What `attune --help` costs beyond an empty Node. Needs dist. */
import { measureHelpCost } from './help-cost.ts'
import { fixed, publish } from './result.ts'

export async function help(words: readonly string[]): Promise<void> {
  const { empty, help: full } = measureHelpCost()
  await publish('help', 'attune --help', words, [
    {
      columns: ['process', 'CPU, s'],
      rows: [
        ['node -e 0', fixed(empty, 3)],
        ['attune --help', fixed(full, 3)],
        ['difference (goal: at most 0.15)', fixed(full - empty, 3)],
      ],
    },
  ])
}
