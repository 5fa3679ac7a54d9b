/** The tables of `npm run bench -- lesion-contrast`. */
import { clusterBootstrap } from '../src/kernels/bootstrap.ts'
import {
  ALL,
  ALONE,
  type Arm,
  BUT_ONE,
  DIFFERENCES,
  NOISY_REFERENCE,
  NOTHING,
  REMEDIES,
  WHITE,
} from './lesion-arms.ts'
import { CAUSES, EXTENT, LEARNERS, TEST, VOXEL_MM } from './lesion-cohorts.ts'
import type { KeptLesion, Measured } from './lesion-kept.ts'
import { fixed, median, percent, type Section } from './result.ts'

export type Results = ReadonlyMap<Arm, Measured>

/** Lesions that the source shows: at least as bright against noise as `attune validate` asks. */
const VISIBLE_CNR = 1
const shown = ({ lesions }: Measured): readonly KeptLesion[] =>
  lesions.filter(({ cnr }) => cnr >= VISIBLE_CNR)

/** Median with its 95 % interval over lesions. */
function summary(values: readonly (number | undefined)[]): string {
  const known = values.filter((value) => value !== undefined)
  if (known.length === 0) return '–'
  const interval = clusterBootstrap(
    known.map((value) => [value]),
    median,
    1,
  )
  const sign = (value: number): string => value.toFixed(2).replace('-', '−')
  return interval === undefined
    ? sign(median(known))
    : `${sign(median(known))} (${sign(interval.low)} to ${sign(interval.high)})`
}

function middle(values: readonly (number | undefined)[]): string {
  const known = values.filter((value) => value !== undefined)
  return known.length === 0 ? '–' : fixed(median(known), 2)
}

function lowest(values: readonly (number | undefined)[]): string {
  const known = values.filter((value) => value !== undefined).toSorted((a, b) => a - b)
  return fixed(known[Math.floor(0.1 * (known.length - 1))], 2)
}

/** Gain: the tissue around a lesion over the truth. Slope: what is left of `kept` when the gain is taken out. */
function parts(lesions: readonly KeptLesion[], method: string): readonly string[] {
  const known = lesions.filter(({ kept }) => kept[method] !== undefined)
  const of = (value: (kept: number, level: number) => number): readonly number[] =>
    known.map(({ kept, level }) => value(kept[method] as number, level[method] as number))
  return [
    summary(of((kept) => kept)),
    middle(of((_, level) => level)),
    middle(of((kept, level) => kept / level)),
  ]
}

function row(name: string, measured: Measured): readonly string[] {
  const lesions = shown(measured)
  const errors = (method: string): string => {
    const values = measured.mae[method]
    return values === undefined ? '–' : percent(median(values))
  }
  return [
    name,
    summary(lesions.map(({ resolved }) => resolved)),
    ...['tone', 'local-tone'].flatMap((method) => [errors(method), ...parts(lesions, method)]),
    lowest(lesions.map(({ kept }) => kept['local-tone'])),
  ]
}

const COLUMNS = [
  'blur leaves',
  ...['tone', 'local-tone'].flatMap((method) => [`MAE ${method}`, `${method} keeps`, 'gain', 'slope']),
  '10th percentile',
]

export function differences(results: Results, steps: number, engine: string): Section {
  const [first] = results.values()
  const { psf, snr, shading, response, sequence } = EXTENT
  return {
    title: 'Sources that differ from the reference',
    columns: ['the source differs in', ...COLUMNS],
    rows: DIFFERENCES.map((arm) => row(arm.name, results.get(arm) as Measured)),
    notes: [
      `${first?.lesions.length ?? 0} lesions above 50 mm³ in ${TEST.length} people (${TEST.join(', ')}); trained on ${LEARNERS.length} others (${LEARNERS.join(', ')}), ${VOXEL_MM} mm; local-tone: ${steps} steps, engine ${engine}. Only lesions whose contrast in the source is at least its noise SD count. Gain, position and calibration of all scans are equal.`,
      `psf: ${psf.sourceMm} against ${psf.referenceMm} mm FWHM. snr: white matter over noise SD ${snr.source} against ${snr.reference}. shading: ${shading.source} against ${shading.reference} (95th over 5th percentile). response: exponent ${response.source}. sequence: spoiled gradient echo ${sequence.trMs}/${sequence.teMs} ms, ${sequence.flipDegrees} degrees, against MPRAGE. noise of the reference: SNR ${snr.source} on the reference, ${snr.reference} on the source.`,
      '"blur leaves": contrast in the noiseless reference image at the source\'s point spread over that at its own; an exact mapping of intensities keeps that much. "keeps": contrast after the method over that in the noiseless reference image at the source\'s point spread: 1 is all that the source resolves. Medians with 95 % intervals by a bootstrap over lesions, which says how sure the figure is for these people, not for others. MAE in units of the reference\'s range, median of the people, noise of both scans included.',
    ],
  }
}

/** Paired by lesion, which is far more precise than comparing medians. */
export function attribution(results: Results): Section {
  const change = (from: Arm, to: Arm, method: string): string => {
    const [before, after] = [results.get(from) as Measured, results.get(to) as Measured]
    return summary(
      shown(after).flatMap((lesion) => {
        const same = before.lesions.find(
          ({ person, lesion: number }) => person === lesion.person && number === lesion.lesion,
        )
        const [was, is] = [same?.kept[method], lesion.kept[method]]
        return was === undefined || is === undefined ? [] : [is - was]
      }),
    )
  }
  const methods = ['tone', 'local-tone']
  return {
    title: 'What each difference does',
    columns: [
      'difference',
      ...methods.map((method) => `added to nothing, ${method}`),
      'added to all others, tone',
    ],
    rows: [
      ...CAUSES.map((cause, k) => [
        cause,
        ...methods.map((method) => change(NOTHING, ALONE[k] as Arm, method)),
        change(BUT_ONE[k] as Arm, ALL, 'tone'),
      ]),
      ['noise of the reference', ...methods.map((method) => change(NOTHING, NOISY_REFERENCE, method)), '–'],
    ],
    notes: [
      'Change of what is kept of each lesion: median of the differences, with 95 % intervals over lesions.',
    ],
  }
}

export function remedies(results: Results): Section {
  return {
    title: 'Trained on better scans, tested on the same: the source differs in all',
    columns: ['training on', ...COLUMNS],
    rows: [
      row('the scans as they are', results.get(ALL) as Measured),
      ...REMEDIES.map((arm) => row(arm.name, results.get(arm) as Measured)),
    ],
    notes: [
      'No scanner gives scans without noise, and none gives its reference another point spread: these rows show what each costs. Smoothed: by a Gaussian after scanning, in training alone. Extrapolated: SIMEX, linear.',
    ],
  }
}

/** `tone` divides an image by its median over the head, `local-tone` by its white matter. */
export function scales(results: Results): Section {
  const cells = (arm: Arm): readonly string[] => {
    const measured = results.get(arm) as Measured
    return [percent(median(measured.mae['tone'] ?? [])), ...parts(shown(measured), 'tone')]
  }
  return {
    title: 'What tone divides by',
    columns: [
      'the source differs in',
      ...['median of the head', 'white matter'].flatMap((scale) => [
        `MAE, ${scale}`,
        'keeps',
        'gain',
        'slope',
      ]),
    ],
    rows: WHITE.map((white) => {
      const usual = DIFFERENCES.find(({ name }) => white.name.startsWith(`${name},`)) as Arm
      return [usual.name, ...cells(usual), ...cells(white)]
    }),
    notes: ['White matter: the scale of local-tone, in docs/decisions/0002-local-tone.md.'],
  }
}

const SIZES = [50, 200, 500, Number.POSITIVE_INFINITY] as const
const RATIOS = [1, 2, 4, Number.POSITIVE_INFINITY] as const

export function groups(results: Results): Section {
  const within = (low: number, high: number, value: number): boolean => value >= low && value < high
  const part = (limits: readonly number[], unit: string, of: (lesion: KeptLesion) => number) =>
    limits.slice(0, -1).map((low, k) => {
      const high = limits[k + 1] as number
      const title = high === Number.POSITIVE_INFINITY ? `${low}${unit} and more` : `${low} to ${high}${unit}`
      return { title, has: (lesion: KeptLesion) => within(low, high, of(lesion)) }
    })
  const parts = [
    ...part(SIZES, ' mm³', ({ volumeMm3 }) => volumeMm3),
    ...part(RATIOS, ' noise SDs', ({ cnr }) => cnr),
  ]
  return {
    title: 'By size and by contrast to noise',
    columns: ['the source differs in', 'lesions', 'number', 'blur leaves', 'tone keeps', 'local-tone keeps'],
    rows: [NOTHING, ALONE[0] as Arm, ALONE[1] as Arm, ALL].flatMap((arm) =>
      parts.map(({ title, has }) => {
        const lesions = shown(results.get(arm) as Measured).filter(has)
        return [
          arm.name,
          title,
          String(lesions.length),
          summary(lesions.map(({ resolved }) => resolved)),
          summary(lesions.map(({ kept }) => kept['tone'])),
          summary(lesions.map(({ kept }) => kept['local-tone'])),
        ]
      }),
    ),
    notes: ['Contrast to noise is that of the source scan.'],
  }
}

/** Whether the figure that users see is the truth. */
export function validated(results: Results): Section {
  return {
    title: 'As attune validate measures',
    columns: ['the source differs in', 'method', 'kept, by the noiseless truth', 'kept, by attune validate'],
    rows: [NOTHING, ALL].flatMap((arm) =>
      ['tone', 'local-tone'].map((method) => {
        const lesions = shown(results.get(arm) as Measured)
        return [
          arm.name,
          method,
          summary(lesions.map(({ kept }) => kept[method])),
          summary(lesions.map((lesion) => lesion.validated?.[method])),
        ]
      }),
    ),
    notes: ['attune validate knows no truth: it blurs the target scan until it is as smooth as the source.'],
  }
}
