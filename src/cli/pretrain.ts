import type { CommandModule } from 'yargs'
import type { UniversalRun } from '../../training/universal-run.ts'
import { type CommonOptions, clearProgress, progress, remarks, report } from './output.ts'

interface PretrainArguments extends CommonOptions {
  readonly run: string
  readonly out: string | undefined
  readonly store: string | undefined
  readonly steps: number | undefined
  readonly heads: number | undefined
  readonly engine: 'auto' | 'native' | 'wasm' | 'cpu'
  readonly resume: boolean
  readonly overwrite: boolean
}

export const pretrain: CommandModule<object, PretrainArguments> = {
  command: 'pretrain <run>',
  describe: 'Train a universal harmonizer on digital heads, as those that ship were',
  builder: (args) =>
    args
      .positional('run', {
        type: 'string',
        demandOption: true,
        describe: 'universal-t1w, universal-t2w (training/runs), or a JSON file of that form',
      })
      .option('out', { type: 'string', describe: 'NAME.harmonizer to write (default: RUN.harmonizer)' })
      .option('store', {
        type: 'string',
        describe: 'Folder for simulated scans, at most 11 MB each; kept (default: OUT.scans)',
      })
      .option('steps', { type: 'number', describe: 'Of each pass, instead of the numbers in the run' })
      .option('heads', { type: 'number', describe: 'Of each pass, instead of the numbers in the run' })
      .option('engine', { choices: ['auto', 'native', 'wasm', 'cpu'] as const, default: 'auto' as const })
      .option('resume', {
        type: 'boolean',
        default: false,
        describe: 'Go on from where an interrupted training stopped; simulated scans are always kept',
      })
      .option('overwrite', { type: 'boolean', default: false, describe: 'Replace a bundle that exists' })
      .example('$0 pretrain universal-t1w --out universal-t1w.harmonizer', 'as the shipped one was made'),
  handler: async (options) => {
    const { pretrain: train } = await import('../../training/universal-bundle.ts')
    const { readUniversalRun } = await import('../../training/universal-run.ts')
    const { anyScans, knownAnatomies } = await import('../../data/generators/any-head.ts')
    const read = await readUniversalRun(options.run)
    const run = {
      ...read,
      ...(options.heads !== undefined && headsOf(read, options.heads)),
      ...(options.steps !== undefined && stepsOf(read, options.steps)),
    }
    const out = options.out ?? `${run.name}.harmonizer`
    const anatomies = knownAnatomies(run.anatomies)
    const draw = progress(options)
    let stage = ''
    const { path, manifest, loss } = await train(
      {
        run,
        simulate: {
          scans: anyScans({ ...run, anatomies }),
          // anatomies and builds of many kinds: what the tone is read from must not depend on them
          toneScans: anyScans({ ...run, anatomies, ...run.tone, varieties: ['adults', 'wide'] }),
        },
        out,
        store: options.store ?? `${out}.scans`,
        engine: options.engine,
        overwrite: options.overwrite,
        resume: options.resume,
      },
      {
        log: remarks(options),
        onPass: (pass, passes) => {
          stage = passes > 1 ? `pass ${pass} of ${passes}: ` : ''
        },
        onScan: (done, total) => draw(`${stage}simulating scans: ${done} of ${total}`),
        onStep: ({ step, steps, loss: now, secondsLeft }) =>
          draw(
            `${stage}step ${step} of ${steps}, loss ${now.toFixed(4)}, ${Math.ceil(secondsLeft / 60)} min left`,
          ),
      },
    )
    clearProgress()
    const { target, training } = manifest
    report(
      options,
      `${path}: any scanner to ${target}; ${training.pairs} simulated scans, loss ${loss.at(-1)?.loss.toFixed(4)}`,
      { path, target, training, loss },
    )
  },
}

function headsOf({ tone }: UniversalRun, heads: number): Pick<UniversalRun, 'heads' | 'tone'> {
  return { heads, ...(tone && { tone: { ...tone, heads } }) }
}

function stepsOf(
  { network, furtherPasses, tone }: UniversalRun,
  steps: number,
): Pick<UniversalRun, 'network' | 'furtherPasses' | 'tone'> {
  return {
    network: { ...network, steps },
    ...(furtherPasses && { furtherPasses: { ...furtherPasses, steps } }),
    ...(tone && { tone: { ...tone, steps } }),
  }
}
