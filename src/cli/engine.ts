import type { CommandModule } from 'yargs'
import { type CommonOptions, remarks, report } from './output.ts'

const list: CommandModule<object, CommonOptions> = {
  command: 'list',
  describe: 'Say which engines can train on this machine, and why others cannot',
  handler: async (options) => {
    const { startEngine } = await import('../../training/engine/engine.ts')
    const { name, version } = await startEngine('auto', remarks(options))
    report(options, `${name}  ${version}`, { name, version })
  },
}

export const engine: CommandModule<object, CommonOptions> = {
  command: 'engine',
  describe: 'List, install or check training engines',
  builder: (args) =>
    args
      .command(list)
      .demandCommand(1, 'Which of list, install, check?')
      .example('$0 engine list', 'what trains here'),
  handler: () => {},
}
