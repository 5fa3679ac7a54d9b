import type { CommandModule } from 'yargs'
import type { EngineChoice } from '../../training/engine/engine.ts'
import { type CommonOptions, progress, remarks, report } from './output.ts'

const list: CommandModule<object, CommonOptions> = {
  command: 'list',
  describe: 'Say which engines can train on this machine, and why others cannot',
  builder: (args) => args.example('$0 engine list', 'native, wasm and cpu with their versions'),
  handler: async (options) => {
    const { listEngines } = await import('../../training/engine/engine.ts')
    const engines = await listEngines()
    const lines = engines.map(
      ({ name, available, detail }) => `${name.padEnd(7)} ${available ? 'yes' : 'no '}  ${detail}`,
    )
    report(options, lines.join('\n'), { engines })
  },
}

const install: CommandModule<object, CommonOptions & { name: 'native' }> = {
  command: 'install <name>',
  describe: 'Build an engine into the folder of this user (ATTUNE_ENGINE_DIR, otherwise the cache)',
  builder: (args) =>
    args
      .positional('name', { choices: ['native'] as const, demandOption: true, describe: 'engine to build' })
      .example('$0 engine install native', 'about 30 s; downloads 210 MB, keeps 590 MB; needs g++ and pip'),
  handler: async (options) => {
    const { installNative } = await import('../../training/engine/native-install.ts')
    const { folder, built } = await installNative(remarks(options))
    report(options, `native ${built ? 'is installed' : 'was already installed'} in ${folder}`, {
      folder,
      built,
    })
  },
}

const check: CommandModule<object, CommonOptions & { name: EngineChoice }> = {
  command: 'check [name]',
  describe:
    'Compare every operation of training, and its gradient, with its definition; then train a problem of known solution',
  builder: (args) =>
    args
      .positional('name', { choices: ['auto', 'native', 'wasm', 'cpu'] as const, default: 'auto' as const })
      .example('$0 engine check wasm', 'a table of operations; ends with 3 when one is wrong'),
  handler: async (options) => {
    const { startEngine } = await import('../../training/engine/engine.ts')
    const { checkEngine } = await import('../../training/engine/check.ts')
    const { examine, failing, TOLERANCE } = await import('../../training/engine/conformance/conformance.ts')
    const { operations } = await import('../../training/engine/conformance/operations.ts')
    const { conformanceTable } = await import('../../training/engine/conformance/table.ts')
    const engine = await startEngine(options.name, remarks(options))
    const findings = await examine(engine.tf, operations, progress(options))
    const solved = await checkEngine(engine, progress(options))
    const text = [
      conformanceTable(findings),
      '',
      `least squares: gradient off by ${solved.gradientError.toExponential(1)}, solution by ${solved.solutionError.toExponential(1)}`,
      `All errors are relative; an operation is right up to ${TOLERANCE}. * marks what training needs today.`,
    ]
    const { name, version } = engine
    report(options, text.join('\n'), {
      engine: name,
      version,
      tolerance: TOLERANCE,
      ...solved,
      operations: findings,
    })
    const failed = failing(findings)
    if (failed.length === 0) return
    remarks(options)(
      `${name} must not train: ${failed.map((finding) => finding.name).join('; ')}. Others: attune engine list`,
    )
    process.exitCode = 3
  },
}

export const engine: CommandModule<object, CommonOptions> = {
  command: 'engine',
  describe: 'List, install or check training engines',
  builder: (args) =>
    args
      .command(list)
      .command(install)
      .command(check)
      .demandCommand(1, 'Which of list, install, check?')
      .example('$0 engine list', 'what can train on this machine'),
  handler: () => {},
}
