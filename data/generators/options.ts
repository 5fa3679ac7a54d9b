/** What `simulateCohort` may be asked for, and its checks. */
import { ConfigError } from '../../src/errors.ts'
import { ANATOMIES, type AnatomyName, isAnatomyName } from './anatomy.ts'
import { type KSpace, WINDOWS } from './k-space.ts'
import { MAX_LESIONS } from './labels.ts'
import type { HeadMotion } from './motion.ts'
import type { NoiseModel } from './noise.ts'
import { POPULATION, type Population } from './population.ts'
import { isPresetName, PRESETS, type PresetName } from './presets.ts'
import { CONTRASTS, type Contrast } from './protocols.ts'
import { isRegionName, REGIONS, type RegionChange } from './region-change.ts'
import { VARIANTS, type VariantName } from './variants.ts'

/** `traveling`: every head visits every scanner. `sites`: head k is scanned on scanner k modulo their number, as in a multi-site study. */
export const DESIGNS = ['traveling', 'sites'] as const
export type Design = (typeof DESIGNS)[number]

export interface SimulationOptions {
  readonly subjects: number
  /** At least 1; the first is the reference, `scanner-A`. */
  readonly scanners: number
  readonly seed: number
  /** Edge of the cubic voxels, mm; a range draws one size for each scanner. Default 2. */
  readonly voxelMm?: number | readonly [low: number, high: number]
  /** Further scans of each subject on each scanner. Default 1. */
  readonly rescans?: number
  /** How many subjects (the first ones) are rescanned. Default all. */
  readonly rescannedSubjects?: number
  /** Lesions in the white matter of each subject; a range draws the number. Default 0. */
  readonly lesions?: number | readonly [least: number, most: number]
  /** Base anatomies of the subjects, in turn. Default all. */
  readonly anatomies?: readonly AnatomyName[]
  /** Default `seed`. Equal scanner seeds give equal scanners whatever the subjects are, and the reverse. */
  readonly anatomySeed?: number
  readonly scannerSeed?: number
  readonly scanSeed?: number
  /** Field of all scanners but the reference. Default 1.5 T and 3 T. */
  readonly preset?: PresetName
  /** Default `T1w`. */
  readonly contrast?: Contrast
  /** How images are stored. Default `whole`. */
  readonly variant?: VariantName
  /** Motion of the head from scan to scan; truth maps are then written for every scan. Default none. */
  readonly motion?: HeadMotion
  /** Noise of all scanners but the reference. Default Rician. */
  readonly noise?: NoiseModel
  /** The same images as without it, but for the noise, of which there is none: a truth to measure against. */
  readonly noiseless?: boolean
  /** Sampling of k-space on all scanners but the reference. Default all of it. */
  readonly kSpace?: KSpace
  /** Default `traveling`. */
  readonly design?: Design
  /** Change of regions in every head, such as atrophy. */
  readonly regionChanges?: readonly RegionChange[]
  /** Age, sex and group of the heads, with their effects; what is left out is as in POPULATION. Default nothing is said about them. */
  readonly population?: Partial<Population>
  /** Replace a dataset that this function wrote before. */
  readonly overwrite?: boolean
}

type Defaulted =
  | 'voxelMm'
  | 'rescans'
  | 'rescannedSubjects'
  | 'lesions'
  | 'anatomies'
  | 'anatomySeed'
  | 'scannerSeed'
  | 'scanSeed'
/** Options with defaults in their places; those that are off by default stay out, and so out of the record. */
export type Settings = Required<Pick<SimulationOptions, Defaulted>> &
  Omit<SimulationOptions, Defaulted | 'overwrite' | 'population'> & { readonly population?: Population }

/** @throws {ConfigError} for options out of range */
export function settingsOf(options: SimulationOptions): Settings {
  const { subjects, scanners, seed } = options
  const { preset, contrast, variant, motion, noise, noiseless, kSpace, design, regionChanges } = options
  const settings: Settings = {
    subjects,
    scanners,
    seed,
    voxelMm: options.voxelMm ?? 2,
    rescans: options.rescans ?? 1,
    rescannedSubjects: options.rescannedSubjects ?? subjects,
    lesions: options.lesions ?? 0,
    anatomies: options.anatomies ?? ANATOMIES,
    anatomySeed: options.anatomySeed ?? seed,
    scannerSeed: options.scannerSeed ?? seed,
    scanSeed: options.scanSeed ?? seed,
    ...(preset && { preset }),
    ...(contrast && { contrast }),
    ...(variant && { variant }),
    ...(motion && { motion }),
    ...(noise && { noise }),
    ...(noiseless && { noiseless }),
    ...(kSpace && { kSpace }),
    ...(design && { design }),
    ...(regionChanges && { regionChanges }),
    ...(options.population && { population: { ...POPULATION, ...options.population } }),
  }
  whole('subjects', settings.subjects, 1, 999)
  whole('scanners', settings.scanners, 1, 99)
  whole('rescans', settings.rescans, 0, 99)
  whole('rescannedSubjects', settings.rescannedSubjects, 0, settings.subjects)
  for (const value of [settings.lesions].flat()) whole('lesions', value, 0, MAX_LESIONS)
  for (const name of ['seed', 'anatomySeed', 'scannerSeed', 'scanSeed'] as const)
    whole(name, settings[name], 0, Number.MAX_SAFE_INTEGER)
  for (const mm of [settings.voxelMm].flat())
    if (!(mm >= 0.7 && mm <= 4)) throw new ConfigError(`voxelMm is ${mm}.`, 'Give a size from 0.7 to 4 mm.')
  const unknown = settings.anatomies.find((name) => !isAnatomyName(name))
  if (unknown !== undefined || settings.anatomies.length === 0)
    throw new ConfigError(
      unknown === undefined ? 'The list of anatomies is empty.' : `There is no anatomy "${unknown}".`,
      `Choose among: ${ANATOMIES.join(', ')}.`,
    )
  checkScanning(settings)
  checkBiology(settings)
  return settings
}

function checkScanning({ preset, contrast, variant, motion, noise, kSpace }: Settings): void {
  if (preset && !isPresetName(preset)) throw notAmong('preset', preset, PRESETS)
  if (contrast && !CONTRASTS.includes(contrast)) throw notAmong('contrast', contrast, CONTRASTS)
  if (variant && !VARIANTS.includes(variant)) throw notAmong('variant', variant, VARIANTS)
  if (motion) {
    within('motion.degrees', motion.degrees, 0, 20)
    within('motion.mm', motion.mm, 0, 20)
  }
  if (noise) {
    whole('noise.channels', noise.channels, 1, 64)
    within('noise.gFactor', noise.gFactor, 1, 8)
  }
  if (!kSpace) return
  if (!WINDOWS.includes(kSpace.window)) throw notAmong('kSpace.window', kSpace.window, WINDOWS)
  for (const mm of kSpace.acquiredMm) within('kSpace.acquiredMm', mm, 0.5, 10)
}

function checkBiology({
  design = 'traveling',
  scanners,
  subjects,
  regionChanges,
  population,
}: Settings): void {
  if (!DESIGNS.includes(design)) throw notAmong('design', design, DESIGNS)
  if (design === 'sites' && subjects < scanners)
    throw new ConfigError(
      `${subjects} subjects cannot fill ${scanners} sites.`,
      'Give at least as many subjects as scanners.',
    )
  const effects = [...(population?.ageEffects ?? []), ...(population?.groupEffects ?? [])]
  for (const { region, percent } of [...(regionChanges ?? []), ...effects]) {
    if (typeof region === 'string' && !isRegionName(region))
      throw notAmong('region', region, Object.keys(REGIONS))
    within('percent of a region', percent, -60, 100)
  }
  if (!population) return
  const [youngest, oldest] = population.ages
  within('youngest age', youngest, 0, 120)
  within('oldest age', oldest, youngest, 120)
  within('prevalence', population.prevalence, 0, 1)
  within('confounding', population.confounding, 0, 1)
  if (population.confounding > 0 && design !== 'sites')
    throw new ConfigError(
      'Traveling subjects visit every site, so nothing about them is confounded with it.',
      'Choose the design "sites", or leave confounding out.',
    )
}

function whole(name: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most)
    throw new ConfigError(`${name} is ${value}.`, `Give a whole number from ${least} to ${most}.`)
}

function within(name: string, value: number, least: number, most: number): void {
  if (!(value >= least && value <= most))
    throw new ConfigError(`${name} is ${value}.`, `Give a number from ${least} to ${most}.`)
}

function notAmong(name: string, value: string, choices: readonly string[]): ConfigError {
  return new ConfigError(`There is no ${name} "${value}".`, `Choose among: ${choices.join(', ')}.`)
}
