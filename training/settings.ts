/** What may be set of each method (`attune train --config`): names, defaults, and what each may be. */
import { ConfigError } from '../src/errors.ts'
import type { Method } from '../src/harmonizer/method.ts'
import type { LocalToneOptions } from './local-tone.ts'
import type { PopulationSettings } from './population.ts'
import type { ResidualUnetOptions } from './residual-unet.ts'

/** Of `local-tone`. */
export type LocalToneSettings = Omit<LocalToneOptions, 'seed' | 'engine'>
/** Of `residual-unet`; `first` is the method that its network corrects. */
export type ResidualUnetSettings = Omit<ResidualUnetOptions, 'seed' | 'engine'> & {
  readonly first: 'tone' | 'local-tone'
}

export interface Settings {
  readonly localTone: LocalToneSettings
  readonly residualUnet: ResidualUnetSettings
  readonly population: PopulationSettings
  /** The strongest rung that `auto` may choose, where it was set. */
  readonly maxRung?: number
  /** Of a method, for the manifest of its bundle. */
  ownOf(method: Method): Readonly<Record<string, number | string>>
}

/** The last rung of the ladder. */
const STRONGEST = 6
const POPULATION: PopulationSettings = { peak: 'last', tissue: 'bright' }
/** What a setting in words may be. */
const CHOICES: Readonly<Record<keyof PopulationSettings | 'first', readonly string[]>> = {
  peak: ['first', 'largest', 'last'],
  tissue: ['dark', 'middle', 'bright'],
  first: ['tone', 'local-tone'],
}
const WORDS: Readonly<Partial<Record<Method, keyof PopulationSettings>>> = {
  whitestripe: 'peak',
  kde: 'peak',
  fcm: 'tissue',
}

/** Settings of `local-tone` inside those of a method that builds on it. */
const NESTED = 'localTone'
type Known = Readonly<Record<string, number | string>>

/**
 * The method's defaults with what the user set; checked before any image is read.
 * @throws {ConfigError} for settings that the method does not take, and values out of range
 */
export async function settingsOf(
  method: Method | 'auto',
  config: Readonly<Record<string, unknown>>,
): Promise<Settings> {
  const { LOCAL_TONE_DEFAULTS } = await import('./local-tone.ts')
  const { RESIDUAL_UNET_DEFAULTS } = await import('./residual-unet.ts')
  const { seed: _seed, engine: _engine, ...localTone } = LOCAL_TONE_DEFAULTS
  const { seed: _itsSeed, engine: _itsEngine, ...numbers } = RESIDUAL_UNET_DEFAULTS
  const residualUnet: ResidualUnetSettings = { ...numbers, first: 'local-tone' }
  const word = method === 'auto' || method === 'residual-unet' ? undefined : WORDS[method]
  const known: Known =
    method === 'auto'
      ? { maxRung: STRONGEST, ...localTone }
      : method === 'local-tone'
        ? { ...localTone }
        : method === 'residual-unet'
          ? { ...residualUnet }
          : word === undefined
            ? {}
            : { [word]: POPULATION[word] }
  const { [NESTED]: nested = {}, ...own } = method === 'residual-unet' ? config : { ...config }
  check(method, known, method === 'residual-unet' ? own : config, word)
  if (method === 'residual-unet') check('local-tone', { ...localTone }, nested as object, undefined)
  const { maxRung, ...ofMethods } = config as { readonly maxRung?: number }
  const takesNetwork = method === 'auto' || method === 'local-tone'
  const population = { ...POPULATION, ...(word !== undefined && ofMethods) }
  return {
    localTone: { ...localTone, ...(takesNetwork && ofMethods), ...(nested as object) },
    residualUnet: { ...residualUnet, ...(method === 'residual-unet' && own) },
    population,
    ...(maxRung !== undefined && { maxRung }),
    ownOf: (name) => {
      const setting = WORDS[name]
      return setting === undefined ? {} : { [setting]: population[setting] }
    },
  }
}

/** @throws {ConfigError} naming what the method does not take */
function check(
  method: Method | 'auto',
  known: Known,
  config: object,
  word: keyof PopulationSettings | undefined,
): void {
  const wrong = Object.entries(config).filter(([name, value]) => !isPossible(known, name, value))
  if (wrong.length > 0)
    throw new ConfigError(
      `Settings that \`${method}\` does not take: ${wrong.map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join(', ')}.`,
      remedy(known, word),
    )
}

function isPossible(known: Known, name: string, value: unknown): boolean {
  if (!Object.hasOwn(known, name)) return false
  return typeof known[name] === 'string'
    ? CHOICES[name as keyof typeof CHOICES].includes(value as string)
    : Number.isFinite(value) && (value as number) >= 0
}

function remedy(known: Known, word: keyof PopulationSettings | undefined): string {
  if (word !== undefined) return `It takes ${word}: ${CHOICES[word].join(', ')} (${known[word]}).`
  const settings = Object.entries(known).map(([name, value]) => `${name} (${value})`)
  return settings.length === 0
    ? 'It has none: leave --config out.'
    : `It takes numbers from 0 for ${settings.join(', ')}.`
}
