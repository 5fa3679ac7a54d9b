/** Which commands there are. A command's own file is loaded when that command is asked for, so `--help` stays instant. */
import type { Argv, CommandModule } from 'yargs'

/** A command as the list of commands shows it, and how to load the rest. */
export interface Entry {
  readonly command: string
  readonly describe: string
  // biome-ignore lint/suspicious/noExplicitAny: each command has its own options; yargs has checked them by then
  readonly load: () => Promise<CommandModule<any, any>>
}

export const commands: readonly Entry[] = [
  {
    command: 'demo [dir]',
    describe: 'See all of it in minutes: simulate, train, apply, validate, report',
    load: async () => (await import('./demo.ts')).demo,
  },
  {
    command: 'simulate <out>',
    describe: 'Write digital traveling subjects: the same heads on many digital scanners',
    load: async () => (await import('./simulate.ts')).simulate,
  },
  {
    command: 'register <cohort> <out>',
    describe: 'Bring the scans of each subject to one space and grid, each resampled once',
    load: async () => (await import('./register.ts')).register,
  },
  {
    command: 'train [cohort]',
    describe: 'Learn, from people scanned on several scanners, the mapping of each to a reference',
    load: async () => (await import('./train.ts')).train,
  },
  {
    command: 'pretrain <run>',
    describe: 'Train a universal harmonizer on digital heads, as those that ship were',
    load: async () => (await import('./pretrain.ts')).pretrain,
  },
  {
    command: 'apply <harmonizer> <input> <output>',
    describe: 'Bring an image, or every image of a cohort, into the reference domain',
    load: async () => (await import('./apply.ts')).apply,
  },
  {
    command: 'validate <bundle> <cohort>',
    describe: 'Test a harmonizer on people it has not seen, and write a report',
    load: async () => (await import('./validate.ts')).validate,
  },
  {
    command: 'combat',
    describe: 'Harmonize a table of features (ComBat): fit, apply, explain; diagnose, crossfit, test',
    load: async () => (await import('./combat.ts')).combat,
  },
  {
    command: 'track',
    describe: 'List and show tracked trainings, export them, send them to a server',
    load: async () => (await import('./track.ts')).track,
  },
  {
    command: 'engine',
    describe: 'List, install or check training engines',
    load: async () => (await import('./engine.ts')).engine,
  },
]

/** The command of yargs whose options and handler are loaded on first use. */
export function lazily({ command, describe, load }: Entry): CommandModule {
  const withOptions = async (parser: Argv): Promise<Argv> => {
    const { builder } = await load()
    return typeof builder === 'function' ? builder(parser) : parser
  }
  return {
    command,
    describe,
    // yargs awaits a builder that returns a promise; its types ask for one of `Argv` only
    builder: withOptions,
    handler: async (options) => (await load()).handler(options),
  }
}
