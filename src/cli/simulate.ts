import type { CommandModule } from 'yargs'
import type { AnatomyName } from '../../data/generators/anatomy.ts'
import { ConfigError } from '../errors.ts'
import { type CommonOptions, progress, report } from './output.ts'

interface SimulateArgs extends CommonOptions {
  readonly out: string
  readonly subjects: number
  readonly scanners: number
  readonly seed: number
  readonly voxel: string
  readonly rescans: number
  readonly lesions: string
  readonly anatomies: readonly string[] | undefined
  readonly 'anatomy-seed': number | undefined
  readonly 'scanner-seed': number | undefined
  readonly overwrite: boolean
}

export const simulate: CommandModule<object, SimulateArgs> = {
  command: 'simulate <out>',
  describe: 'Write digital traveling subjects: the same heads on many digital scanners',
  builder: (args) =>
    args
      .positional('out', { type: 'string', demandOption: true, describe: 'folder for the BIDS dataset' })
      .option('subjects', { type: 'number', default: 8, describe: 'digital heads' })
      .option('scanners', { type: 'number', default: 4, describe: 'scanners; scanner-A is the reference' })
      .option('seed', { type: 'number', default: 1, describe: 'same seed, same voxels' })
      .option('voxel', { type: 'string', default: '2', describe: 'voxel edge in mm, or a range such as 1-2' })
      .option('rescans', { type: 'number', default: 1, describe: 'further scans on each scanner' })
      .option('lesions', {
        type: 'string',
        default: '0',
        describe: 'lesions per head, or a range such as 2-8',
      })
      .option('anatomies', {
        type: 'string',
        array: true,
        describe: 'base anatomies of the heads, in turn [all seven]',
      })
      .option('anatomy-seed', { type: 'number', describe: 'seed of the heads [--seed]' })
      .option('scanner-seed', { type: 'number', describe: 'seed of the scanners [--seed]' })
      .option('overwrite', {
        type: 'boolean',
        default: false,
        describe: 'replace an earlier simulation in <out>',
      })
      .example('$0 simulate travelers --subjects 6 --scanners 4 --lesions 2-6', '48 scans with truth'),
  handler: async (options) => {
    const { simulateCohort } = await import('../../data/generators/simulate.ts')
    const draw = progress(options)
    const summary = await simulateCohort(
      options.out,
      {
        subjects: options.subjects,
        scanners: options.scanners,
        seed: options.seed,
        voxelMm: numberOrRange('--voxel', options.voxel),
        rescans: options.rescans,
        lesions: numberOrRange('--lesions', options.lesions),
        overwrite: options.overwrite,
        ...(options.anatomies && { anatomies: options.anatomies as readonly AnatomyName[] }),
        ...(options['anatomy-seed'] !== undefined && { anatomySeed: options['anatomy-seed'] }),
        ...(options['scanner-seed'] !== undefined && { scannerSeed: options['scanner-seed'] }),
      },
      (done, total, what) => draw(`${done}/${total} ${what}`),
    )
    const scanners = summary.scanners.map(
      ({ domain, protocol, fieldTesla, snr }) =>
        `  ${domain}  ${protocol.padEnd(6)} ${fieldTesla} T, SNR ${snr.toFixed(0)}`,
    )
    const text = [
      `${summary.scans} scans of ${summary.subjects.length} subjects on ${summary.scanners.length} scanners:`,
      ...scanners,
      `Manifest: ${summary.manifest}`,
    ]
    report(options, text.join('\n'), summary)
  },
}

/** `2` or `1-3`. @throws {ConfigError} for anything else */
function numberOrRange(option: string, text: string): number | readonly [number, number] {
  const [, low, high] = /^(\d+(?:\.\d+)?)(?:-(\d+(?:\.\d+)?))?$/.exec(text) ?? []
  if (low === undefined)
    throw new ConfigError(`${option} is "${text}".`, 'Give a number such as 2, or a range such as 1-3.')
  if (high === undefined) return Number(low)
  if (Number(high) < Number(low))
    throw new ConfigError(`${option} is "${text}".`, 'Give the lower end of the range first.')
  return [Number(low), Number(high)]
}
