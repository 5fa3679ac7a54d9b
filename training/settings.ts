/** What may be set of each method (`attune train --config`): names, defaults, and what each may be. */
import { ConfigError } from '../src/errors.ts'
import type { Method } from '../src/harmonizer/method.ts'
import type { LocalToneOptions } from './local-tone.ts'
import type { PopulationSettings } from './population.ts'

/** Of `local-tone`. */
export type LocalToneSettings = Omit<LocalToneOptions, 'seed' | 'engine'>

export interface Settings {
  readonly localTone: LocalToneSettings
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
const CHOICES: Readonly<Record<keyof PopulationSettings, readonly string[]>> = {
  peak: ['first', 'largest', 'last'],
  tissue: ['dark', 'middle', 'bright'],
}
const WORDS: Readonly<Partial<Record<Method, keyof PopulationSettings>>> = {
  whitestripe: 'peak',
  kde: 'peak',
  fcm: 'tissue',
}

/**
 * The method's defaults with what the user set; checked before any image is read.
 * @throws {ConfigError} for settings that the method does not take, and values out of range
 */
export async function settingsOf(
  method: Method | 'auto',
  config: Readonly<Record<string, unknown>>,
): Promise<Settings> {
  const { LOCAL_TONE_DEFAULTS } = await import('./local-tone.ts')
  const { seed: _seed, engine: _engine, ...localTone } = LOCAL_TONE_DEFAULTS
  const word = method === 'auto' ? undefined : WORDS[method]
  const known: Readonly<Record<string, number | string>> =
    method === 'auto'
      ? { maxRung: STRONGEST, ...localTone }
      : method === 'local-tone'
        ? { ...localTone }
        : word === undefined
          ? {}
          : { [word]: POPULATION[word] }
  const wrong = Object.entries(config).filter(([name, value]) => !isPossible(known, name, value))
  if (wrong.length > 0)
    throw new ConfigError(
      `Settings that \`${method}\` does not take: ${wrong.map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join(', ')}.`,
      remedy(known, word),
    )
  const { maxRung, ...ofMethods } = config as { readonly maxRung?: number }
  const takesNetwork = method === 'auto' || method === 'local-tone'
  const population = { ...POPULATION, ...(word !== undefined && ofMethods) }
  return {
    localTone: { ...localTone, ...(takesNetwork && ofMethods) },
    population,
    ...(maxRung !== undefined && { maxRung }),
    ownOf: (name) => {
      const own = WORDS[name]
      return own === undefined ? {} : { [own]: population[own] }
    },
  }
}

function isPossible(known: Readonly<Record<string, number | string>>, name: string, value: unknown): boolean {
  if (!Object.hasOwn(known, name)) return false
  return typeof known[name] === 'string'
    ? CHOICES[name as keyof PopulationSettings].includes(value as string)
    : Number.isFinite(value) && (value as number) >= 0
}

function remedy(
  known: Readonly<Record<string, number | string>>,
  word: keyof PopulationSettings | undefined,
): string {
  if (word !== undefined) return `It takes ${word}: ${CHOICES[word].join(', ')} (${known[word]}).`
  const settings = Object.entries(known).map(([name, value]) => `${name} (${value})`)
  return settings.length === 0
    ? 'It has none: leave --config out.'
    : `It takes numbers from 0 for ${settings.join(', ')}.`
}
