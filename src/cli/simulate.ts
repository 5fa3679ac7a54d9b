import type { CommandModule } from 'yargs'
import type { AnatomyName } from '../../data/generators/anatomy.ts'
import type { WindowName } from '../../data/generators/k-space.ts'
import type { Design, SimulationOptions } from '../../data/generators/options.ts'
import type { RegionEffect } from '../../data/generators/population.ts'
import type { PresetName } from '../../data/generators/presets.ts'
import type { Contrast } from '../../data/generators/protocols.ts'
import type { VariantName } from '../../data/generators/variants.ts'
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
  readonly preset: string | undefined
  readonly contrast: string | undefined
  readonly variant: string | undefined
  readonly motion: string | undefined
  readonly channels: number | undefined
  readonly 'g-factor': number | undefined
  readonly noiseless: boolean
  readonly acquired: string | undefined
  readonly window: string | undefined
  readonly design: string | undefined
  readonly change: readonly string[] | undefined
  readonly 'age-effect': readonly string[] | undefined
  readonly 'group-effect': readonly string[] | undefined
  readonly confounding: number | undefined
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
      .option('preset', {
        type: 'string',
        describe:
          'field of all scanners but the reference: lowfield-0.064t, lowfield-0.55t, 1.5t, 3t, 7t, mixed',
      })
      .option('contrast', { type: 'string', describe: 'T1w, T1w-SE, T2w, PDw or FLAIR [T1w]' })
      .option('variant', {
        type: 'string',
        describe: 'whole, skull-stripped, defaced or zero-background images [whole]',
      })
      .option('motion', {
        type: 'string',
        describe: 'SD of head rotation and shift between scans, degrees,mm, such as 2,3',
      })
      .option('channels', {
        type: 'number',
        describe: 'receive channels combined by sum of squares: non-central chi noise [1: Rician]',
      })
      .option('g-factor', {
        type: 'number',
        describe: 'noise amplification of parallel imaging in the centre of the head [1]',
      })
      .option('noiseless', {
        type: 'boolean',
        default: false,
        describe: 'the same images without noise: a truth to measure against',
      })
      .option('acquired', {
        type: 'string',
        describe: 'acquired voxel in mm, R,A,S, such as 2,2,3: k-space cut there, filled with zeros [stored]',
      })
      .option('window', {
        type: 'string',
        describe: 'weighting of the acquired k-space: none, hann, hamming, tukey or fermi [none]',
      })
      .option('design', {
        type: 'string',
        describe: 'traveling, or sites: each head on one scanner [traveling]',
      })
      .option('change', {
        type: 'string',
        array: true,
        describe: 'change of a region in every head, percent, such as hippocampus:-10',
      })
      .option('age-effect', {
        type: 'string',
        array: true,
        describe: 'percent per year of age, such as ventricles:1.5',
      })
      .option('group-effect', {
        type: 'string',
        array: true,
        describe: 'percent in patients, such as hippocampus:-15',
      })
      .option('confounding', {
        type: 'number',
        describe: 'of age and group with the site, 0 to 1 (--design sites)',
      })
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
        ...breadth(options),
        ...(options.anatomies && { anatomies: options.anatomies as readonly AnatomyName[] }),
        ...(options['anatomy-seed'] !== undefined && { anatomySeed: options['anatomy-seed'] }),
        ...(options['scanner-seed'] !== undefined && { scannerSeed: options['scanner-seed'] }),
      },
      (done, total, what) => draw(`${done}/${total} ${what}`),
    )
    const scanners = summary.scanners.map(
      ({ domain, protocol, fieldTesla, snr }) =>
        `  ${domain}  ${protocol.padEnd(6)} ${fieldTesla} T, ${options.noiseless ? 'without noise' : `SNR ${snr.toFixed(0)}`}`,
    )
    const text = [
      `${summary.scans} scans of ${summary.subjects.length} subjects on ${summary.scanners.length} scanners:`,
      ...scanners,
      `Manifest: ${summary.manifest}`,
    ]
    report(options, text.join('\n'), summary)
  },
}

/** What makes the dataset more than the plain one; names are checked by the simulator. */
function breadth(options: SimulateArgs): Partial<SimulationOptions> {
  const { preset, contrast, variant, motion, channels, design, change, confounding } = options
  const gFactor = options['g-factor']
  const ageEffects = options['age-effect']?.map((text) => regionPercent('--age-effect', text))
  const groupEffects = options['group-effect']?.map((text) => regionPercent('--group-effect', text))
  const population = {
    ...(ageEffects && { ageEffects }),
    ...(groupEffects && { groupEffects }),
    ...(confounding !== undefined && { confounding }),
  }
  return {
    ...(preset !== undefined && { preset: preset as PresetName }),
    ...(contrast !== undefined && { contrast: contrast as Contrast }),
    ...(variant !== undefined && { variant: variant as VariantName }),
    ...(design !== undefined && { design: design as Design }),
    ...(motion !== undefined && { motion: motionOf(motion) }),
    ...((channels !== undefined || gFactor !== undefined) && {
      noise: { channels: channels ?? 1, gFactor: gFactor ?? 1 },
    }),
    ...(options.noiseless && { noiseless: true }),
    ...kSpaceOf(options),
    ...(change && { regionChanges: change.map((text) => regionPercent('--change', text)) }),
    ...((design === 'sites' || Object.keys(population).length > 0) && { population }),
  }
}

/** @throws {ConfigError} for a voxel that is not three sizes, and for a window without one */
function kSpaceOf({ acquired, window }: SimulateArgs): Pick<SimulationOptions, 'kSpace'> {
  if (acquired === undefined && window === undefined) return {}
  const sizes = (acquired ?? '')
    .split(',')
    .map((text) => (/^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN))
  const [r, a, s] = sizes
  if (sizes.length !== 3 || r === undefined || a === undefined || s === undefined || sizes.some(Number.isNaN))
    throw new ConfigError(
      acquired === undefined ? '--window is given without --acquired.' : `--acquired is "${acquired}".`,
      'Give the acquired voxel as three sizes in mm, such as --acquired 2,2,3.',
    )
  return { kSpace: { acquiredMm: [r, a, s], window: (window ?? 'none') as WindowName } }
}

/** `2,3`: degrees and mm. @throws {ConfigError} for anything else */
function motionOf(text: string): { readonly degrees: number; readonly mm: number } {
  const [, degrees, mm] = /^(\d+(?:\.\d+)?),(\d+(?:\.\d+)?)$/.exec(text) ?? []
  if (degrees === undefined)
    throw new ConfigError(`--motion is "${text}".`, 'Give degrees and mm, such as 2,3.')
  return { degrees: Number(degrees), mm: Number(mm) }
}

/** `hippocampus:-10`. @throws {ConfigError} for anything else */
function regionPercent(option: string, text: string): RegionEffect {
  const [, region, percent] = /^([a-z-]+):(-?\d+(?:\.\d+)?)$/.exec(text) ?? []
  if (region === undefined)
    throw new ConfigError(`${option} is "${text}".`, 'Give a region and percent, such as hippocampus:-10.')
  return { region: region as RegionEffect['region'], percent: Number(percent) }
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
