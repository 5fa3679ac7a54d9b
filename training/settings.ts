/** What may be set of each method (`attune train --config`): names, types, ranges, defaults and meaning, in one table. */
import { ConfigError } from '../src/errors.ts'
import type { Method } from '../src/harmonizer/method.ts'
import type { BandUnetOptions } from './band-unet.ts'
import type { LocalToneOptions } from './local-tone.ts'
import type { PopulationSettings } from './population.ts'
import type { ResidualUnetOptions } from './residual-unet.ts'

/** Of `local-tone`. */
export type LocalToneSettings = Omit<LocalToneOptions, 'seed' | 'engine'>
type UnetNumbers = Omit<ResidualUnetOptions, 'seed' | 'engine'>
/** Of `band-unet`. */
export type BandUnetSettings = Omit<BandUnetOptions, 'seed' | 'engine'>
/** Of `residual-unet`; `first` is the method that its network corrects. */
export type ResidualUnetSettings = UnetNumbers & { readonly first: (typeof FIRST)[number] }

/** One line of `attune train --help-config`. */
export type Setting = {
  readonly name: string
  /** The `--method` values that take it. */
  readonly methods: readonly (Method | 'auto')[]
  readonly meaning: string
} & (
  | {
      readonly type: 'integer' | 'number'
      /** Smallest and largest value that is accepted. */
      readonly from: number
      readonly to: number
      readonly default: number
    }
  | { readonly type: 'choice'; readonly choices: readonly string[]; readonly default: string }
)

export interface Settings {
  readonly localTone: LocalToneSettings
  readonly residualUnet: ResidualUnetSettings
  readonly bandUnet: BandUnetSettings
  readonly population: PopulationSettings
  /** The strongest rung that `auto` may choose, where it was set. */
  readonly maxRung?: number
  /** Of a method, for the manifest of its bundle. */
  ownOf(method: Method): Readonly<Record<string, number | string>>
  /** Everything that the training of this method depends on. */
  takenBy(method: Method | 'auto'): Readonly<Record<string, number | string>>
}

type NumberRange<Name> = readonly [
  name: Name,
  type: 'integer' | 'number',
  from: number,
  to: number,
  meaning: string,
]

/** Ranges are what the arithmetic allows, or a hundred times what was ever useful; defaults stand in the recipe. */
const NETWORK: readonly NumberRange<keyof LocalToneSettings>[] = [
  ['steps', 'integer', 1, 1e6, 'Training steps; the rate falls to a twentieth over all of them'],
  ['batch', 'integer', 1, 64, 'Pairs of images per step'],
  ['learningRate', 'number', 1e-6, 1, 'Of the Adam optimizer, at its highest'],
  ['placeRate', 'number', 0, 100, 'How much faster than the convolutions the table of places learns'],
  ['bins', 'integer', 2, 64, 'Straight pieces of every curve'],
  [
    'slopeRatio',
    'number',
    1,
    100,
    'Largest ratio of a local slope to the slope of the global curve, and of its inverse',
  ],
  [
    'changePerMm',
    'number',
    0,
    1,
    'Largest change of a curve over space, in tissue medians of the reference per mm',
  ],
  [
    'identity',
    'number',
    0,
    1,
    'Share of samples whose source is the reference itself, which must stay as it is',
  ],
  ['shading', 'number', 0, 1, 'SD of the logarithm of a random smooth shading put on the source'],
  ['shiftMm', 'number', 0, 12, 'Largest random shift of the box along each axis, mm'],
  ['mirror', 'number', 0, 1, 'Probability that a head is mirrored left to right'],
  [
    'gain',
    'number',
    0,
    1,
    'SD of the logarithm of a random gain that the scale of the image does not know of',
  ],
  [
    'composition',
    'number',
    0,
    2,
    'SD of the logarithm of random factors on the amounts of tissue that the network sees',
  ],
  ['gradient', 'number', 0, 100, 'Weight of the absolute error of differences between neighbouring points'],
  [
    'smoothness',
    'number',
    0,
    100,
    'Weight of the squared difference between the curves of neighbouring cells',
  ],
  ['gainPrior', 'number', 0, 100, "Weight of the squared logarithm of each target scan's gain"],
]

const RESIDUAL: readonly NumberRange<keyof UnetNumbers>[] = [
  ['steps', 'integer', 1, 1e6, 'Training steps of the U-Net; the rate falls to a twentieth over all of them'],
  ['batch', 'integer', 1, 64, 'Slices per step, two scans of one person side by side'],
  ['learningRate', 'number', 1e-6, 1, 'Of the Adam optimizer, at its highest'],
  ['bound', 'number', 0, 2, 'Largest change by the U-Net, in tissue medians of the reference'],
  ['identity', 'number', 0, 0.5, 'Share of slices of the reference itself, which must stay as it is'],
  ['edges', 'number', 0, 100, 'Weight of the absolute error of differences between neighbours'],
  ['structure', 'number', 0, 100, 'Weight of 1 - SSIM'],
  ['consistency', 'number', 0, 100, 'Weight of the difference between two sources of one person'],
  [
    'blurMm',
    'number',
    0,
    20,
    'SD of the smoothing before images are compared, mm: about the error of registration',
  ],
]
/** What `residual-unet` may correct. */
const FIRST = ['tone', 'local-tone'] as const
/** Settings of `local-tone` inside those of `residual-unet`: `localTone: { steps: 300 }`. */
const NESTED = 'localTone'

const BANDS: readonly NumberRange<keyof BandUnetSettings>[] = [
  ['steps', 'integer', 1, 1e6, 'Training steps; the rate falls to a twentieth over all of them'],
  ['batch', 'integer', 1, 64, 'Patches of slices per step'],
  ['learningRate', 'number', 1e-6, 1, 'Of the Adam optimizer, at its highest'],
  ['identity', 'number', 0, 0.5, 'Share of patches of the reference itself, which must stay as it is'],
  ['power', 'number', 0, 100, 'Weight of the power of each band beside the absolute error'],
  ['drift', 'number', 0, 100, 'Weight of the error that is left of means over a few pixels'],
]

/** The last rung of the ladder. */
const STRONGEST = 6
const POPULATION: PopulationSettings = { peak: 'last', tissue: 'bright' }
const WORDS: Readonly<Partial<Record<Method, keyof PopulationSettings>>> = {
  whitestripe: 'peak',
  kde: 'peak',
  fcm: 'tissue',
}

/** Every setting that there is, with the methods that take it. */
export async function allSettings(): Promise<readonly Setting[]> {
  const { LOCAL_TONE_DEFAULTS } = await import('./local-tone.ts')
  const { RESIDUAL_UNET_DEFAULTS } = await import('./residual-unet.ts')
  const { BAND_UNET_DEFAULTS } = await import('./band-unet.ts')
  return [
    {
      ...{ name: 'maxRung', methods: ['auto'], type: 'integer', from: 0, to: STRONGEST, default: STRONGEST },
      meaning: 'Strongest rung that may be chosen; less by itself where travelers are few',
    },
    ...numbers(NETWORK, LOCAL_TONE_DEFAULTS, ['auto', 'local-tone']),
    {
      ...{ name: 'first', methods: ['residual-unet'], type: 'choice', choices: FIRST, default: 'local-tone' },
      meaning: 'The method whose result the U-Net corrects',
    },
    ...numbers(RESIDUAL, RESIDUAL_UNET_DEFAULTS, ['residual-unet']),
    ...numbers(NETWORK, LOCAL_TONE_DEFAULTS, ['residual-unet']).map(
      (setting): Setting => ({ ...setting, name: `${NESTED}.${setting.name}` }),
    ),
    ...numbers(BANDS, BAND_UNET_DEFAULTS, ['band-unet']),
    {
      ...{ name: 'peak', methods: ['whitestripe', 'kde'], type: 'choice', default: POPULATION.peak },
      choices: ['first', 'largest', 'last'],
      meaning:
        'Which peak of the histogram is white matter: last on T1w, largest or first on other contrasts',
    },
    {
      ...{ name: 'tissue', methods: ['fcm'], type: 'choice', default: POPULATION.tissue },
      choices: ['dark', 'middle', 'bright'],
      meaning:
        'Which of three classes of intensity is brought to the reference: bright is white matter on T1w',
    },
  ]
}

function numbers<Name extends string>(
  rows: readonly NumberRange<Name>[],
  defaults: Readonly<Record<Name, number>>,
  methods: Setting['methods'],
): readonly Setting[] {
  return rows.map(([name, type, from, to, meaning]) => ({
    name,
    methods,
    type,
    from,
    to,
    default: defaults[name],
    meaning,
  }))
}

/**
 * The method's defaults with what the user set; checked before any image is read.
 * @param ofStart defaults of the curves where training goes on from others
 * @throws {ConfigError} for settings that the method does not take, and values out of range
 */
export async function settingsOf(
  method: Method | 'auto',
  config: Readonly<Record<string, unknown>>,
  ofStart: Partial<LocalToneSettings> = {},
): Promise<Settings> {
  const { LOCAL_TONE_DEFAULTS } = await import('./local-tone.ts')
  const { RESIDUAL_UNET_DEFAULTS } = await import('./residual-unet.ts')
  const { BAND_UNET_DEFAULTS } = await import('./band-unet.ts')
  const { seed: _seed, engine: _engine, ...localTone } = LOCAL_TONE_DEFAULTS
  const { seed: _ownSeed, engine: _ownEngine, ...bands } = BAND_UNET_DEFAULTS
  const { seed: _itsSeed, engine: _itsEngine, ...unet } = RESIDUAL_UNET_DEFAULTS
  const known = (await allSettings()).filter(({ methods }) => methods.includes(method))
  const wrong = Object.entries(flattened(config)).filter(
    ([name, value]) => !known.some((setting) => setting.name === name && isPossible(setting, value)),
  )
  if (wrong.length > 0)
    throw new ConfigError(
      `Settings that \`${method}\` does not take: ${wrong.map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join(', ')}.`,
      known.length === 0
        ? 'It has none: leave --config out.'
        : `It takes ${known.map((setting) => `${setting.name} (${rangeText(setting)})`).join(', ')}.`,
    )
  const { maxRung, ...ofMethods } = config as { readonly maxRung?: number }
  const takesNetwork = method === 'auto' || method === 'local-tone'
  const word = method === 'auto' ? undefined : WORDS[method]
  const population = { ...POPULATION, ...(word !== undefined && ofMethods) }
  const { [NESTED]: nested = {}, ...ofUnet } = ofMethods as Readonly<Record<string, object>>
  const network = {
    ...localTone,
    ...ofStart,
    ...(takesNetwork && ofMethods),
    ...(method === 'residual-unet' && nested),
  }
  const residualUnet: ResidualUnetSettings = {
    ...unet,
    first: 'local-tone',
    ...(method === 'residual-unet' && ofUnet),
  }
  const bandUnet: BandUnetSettings = { ...bands, ...(method === 'band-unet' && ofMethods) }
  const ownOf: Settings['ownOf'] = (name) => {
    const own = WORDS[name]
    return own === undefined ? {} : { [own]: population[own] }
  }
  return {
    localTone: network,
    residualUnet,
    bandUnet,
    population,
    ...(maxRung !== undefined && { maxRung }),
    ownOf,
    takenBy: (name) =>
      name === 'auto'
        ? { ...network, ...(maxRung !== undefined && { maxRung }) }
        : name === 'local-tone'
          ? { ...network }
          : name === 'band-unet'
            ? { ...bandUnet }
            : name === 'residual-unet'
              ? {
                  ...residualUnet,
                  ...Object.fromEntries(
                    Object.entries(network).map(([key, value]) => [`${NESTED}.${key}`, value]),
                  ),
                }
              : ownOf(name),
  }
}

/** `{ localTone: { steps: 3 } }` as `{ 'localTone.steps': 3 }`. */
function flattened(config: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { [NESTED]: nested, ...own } = config
  if (typeof nested !== 'object' || nested === null) return config
  return {
    ...own,
    ...Object.fromEntries(Object.entries(nested).map(([name, value]) => [`${NESTED}.${name}`, value])),
  }
}

function isPossible(setting: Setting, value: unknown): boolean {
  if (setting.type === 'choice') return setting.choices.includes(value as string)
  if (setting.type === 'integer' && !Number.isInteger(value)) return false
  return typeof value === 'number' && value >= setting.from && value <= setting.to
}

/** `from 0 to 1` or `a, b or c`. */
export function rangeText(setting: Setting): string {
  if (setting.type === 'choice') return setting.choices.join(', ')
  return `${setting.type === 'integer' ? 'whole ' : ''}${setting.from} to ${setting.to}`
}
