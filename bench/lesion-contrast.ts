/**
 * Why lesions lose contrast: digital heads seen by a reference and by a source that differs from it in one way, in several, or in all but
 * one; `tone` and `local-tone` trained on two people and tested on three of other anatomies, against a truth without noise. Then what
 * training on better scans would give, which tells a wrong mapping from an image that no mapping can mend.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { requireCohort } from '../src/cohort/manifest.ts'
import { writeFileAtomic } from '../src/files.ts'
import { clusterBootstrap } from '../src/kernels/bootstrap.ts'
import { LOCAL_TONE_DEFAULTS } from '../training/local-tone.ts'
import {
  CAUSES,
  type Cause,
  EXTENT,
  LEARNERS,
  type ScanPlan,
  type Studio,
  studioIn,
  TEST,
  VOXEL_MM,
} from './lesion-cohorts.ts'
import { type KeptLesion, type Measured, measureKept } from './lesion-kept.ts'
import { learnLocalTone, learnTone, medianScale, whiteScale } from './lesion-learners.ts'
import { fixed, median, percent, publish, type Section, say } from './result.ts'
import { codeHash, exists, type TrainingChoice, trainingChoice, workplace } from './workplace.ts'

/** Of local-tone; 200 by default, fewer here to end within minutes. */
const STEPS = 40

/** One training and its test. */
interface Arm {
  readonly name: string
  /** In what the source differs from the reference. */
  readonly causes: readonly Cause[]
  /** What training sees instead; the test stays the same. */
  readonly source?: Partial<ScanPlan>
  readonly target?: Partial<ScanPlan>
  /** White matter over noise SD of the reference's scans, where not that of the reference. */
  readonly targetSnr?: number
  /** Of local-tone, where not STEPS. */
  readonly steps?: number
  /** What `tone` divides intensities by; default the median of the head. */
  readonly scale?: 'white matter'
  /** Whether `local-tone` is trained, too: a minute, where `tone` takes seconds. */
  readonly network: boolean
}

const BLUR = { psfMm: EXTENT.psf.sourceMm }
/** Without noise, but for the rounding to whole numbers. */
const CLEAN = { snr: Number.POSITIVE_INFINITY }

/** FWHM; leaves about a third of the noise at 2 mm. */
const SMOOTH = { smoothMm: 3 }

const NOTHING: Arm = { name: 'nothing', causes: [], network: true }
const ALL: Arm = { name: 'all', causes: CAUSES, network: true }
const NOISY_REFERENCE: Arm = {
  name: 'noise of the reference',
  causes: [],
  targetSnr: EXTENT.snr.source,
  network: false,
}
/** One difference at a time. */
const ALONE = CAUSES.map(
  (cause): Arm => ({ name: cause, causes: [cause], network: cause !== 'response' && cause !== 'shading' }),
)
/** All differences but one. */
const BUT_ONE = CAUSES.map(
  (cause): Arm => ({
    name: `all but ${cause}`,
    causes: CAUSES.filter((other) => other !== cause),
    network: false,
  }),
)
const DIFFERENCES = [
  NOTHING,
  ...ALONE,
  NOISY_REFERENCE,
  { name: 'psf and snr', causes: ['psf', 'snr'], network: false } satisfies Arm,
  ALL,
  ...BUT_ONE,
]

/** `tone` with the scale of local-tone. */
const WHITE = [NOTHING, ...ALONE.filter(({ name }) => name === 'shading' || name === 'sequence'), ALL].map(
  (arm): Arm => ({
    ...arm,
    name: `${arm.name}, scale of white matter`,
    scale: 'white matter',
    network: false,
  }),
)

/** What training might be given or told, tried on the source that differs in everything. */
const REMEDIES: readonly Arm[] = [
  { ...ALL, name: 'source scans without noise', source: CLEAN },
  { ...ALL, name: 'reference scans as blurred as the source', target: BLUR, network: false },
  { ...ALL, name: 'both', source: CLEAN, target: BLUR },
  { ...ALL, name: `both scans smoothed by ${SMOOTH.smoothMm} mm`, source: SMOOTH, target: SMOOTH },
  { ...ALL, name: 'four times the steps', steps: 4 * STEPS },
  { ...ALL, name: 'people without lesions', ...healthy(), network: false },
]

function healthy(): Pick<Arm, 'source' | 'target'> {
  return { source: { lesions: false }, target: { lesions: false } }
}

type Results = ReadonlyMap<Arm, Measured>

export async function lesionContrastStudy(words: readonly string[]): Promise<void> {
  const choice = trainingChoice(words)
  const folder = join(workplace, `lesions-${await codeHash('data/generators')}`)
  const studio = studioIn(folder)
  const results = new Map<Arm, Measured>()
  for (const arm of [...DIFFERENCES, ...REMEDIES, ...WHITE])
    results.set(arm, await resultOf(folder, studio, arm, choice))
  await publish('lesion-contrast', 'What becomes of the contrast of lesions', words, [
    differences(results, choice.config.steps ?? STEPS, choice.engine),
    attribution(results),
    remedies(results),
    groups(results),
    validated(results),
  ])
}

/** What has been done before is read. */
async function resultOf(
  folder: string,
  studio: Studio,
  arm: Arm,
  { engine, config }: TrainingChoice,
): Promise<Measured> {
  const options = { ...LOCAL_TONE_DEFAULTS, engine, steps: arm.steps ?? config.steps ?? STEPS }
  const learning = ['training', 'models', 'src/kernels', 'src/intensity', 'src/inference', 'src/volume']
  const code = await codeHash(...learning, 'src/metrics')
  const name = `${arm.name.replaceAll(/[^a-z]+/g, '-')}-${engine}-${options.steps}-${code}`
  const file = join(folder, `${name}.json`)
  if (await exists(file)) return JSON.parse(await readFile(file, 'utf8')) as Measured
  const source: ScanPlan = { causes: arm.causes, scan: 1 }
  const target: ScanPlan = { causes: [], scan: 2, ...(arm.targetSnr !== undefined && { snr: arm.targetSnr }) }
  const cohort = async (
    kind: string,
    people: readonly number[],
    plans: Record<'source' | 'target', ScanPlan>,
  ) => requireCohort(await studio.manifest(`${name}-${kind}`, people, plans), { target: 'target' })
  say(`${arm.name}: training`)
  const learners = await cohort(
    'training',
    LEARNERS.map((_, index) => TEST.length + index),
    { source: { ...source, ...arm.source }, target: { ...target, ...arm.target } },
  )
  const tone = await learnTone(learners, arm.scale === undefined ? medianScale : whiteScale)
  const network = arm.network ? await learnLocalTone(learners, options, folder) : undefined
  say(`${arm.name}: testing`)
  const tested = TEST.map((_, index) => index)
  const psfMm = arm.causes.includes('psf') ? EXTENT.psf.sourceMm : EXTENT.psf.referenceMm
  const truths: { sharp: string; resolved: string }[] = []
  for (const index of tested) {
    const sharp = await studio.image(index, { causes: [], scan: 3, ...CLEAN })
    const resolved = await studio.image(index, { causes: [], scan: 3, ...CLEAN, psfMm })
    truths.push({ sharp: join(folder, sharp), resolved: join(folder, resolved) })
  }
  const measured = await measureKept(
    await cohort('test', tested, { source, target }),
    truths,
    network === undefined ? [tone] : [tone, network],
    arm === NOTHING || arm === ALL,
  )
  await network?.close()
  await writeFileAtomic(file, JSON.stringify(measured))
  return measured
}

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

function differences(results: Results, steps: number, engine: string): Section {
  const [first] = results.values()
  const { psf, snr, shading, response, sequence } = EXTENT
  return {
    title: 'Sources that differ from the reference',
    columns: ['the source differs in', ...COLUMNS],
    rows: DIFFERENCES.map((arm) => row(arm.name, results.get(arm) as Measured)),
    notes: [
      `${first?.lesions.length ?? 0} lesions above 50 mm³ in ${TEST.length} people (${TEST.join(', ')}); trained on ${LEARNERS.length} others (${LEARNERS.join(', ')}), ${VOXEL_MM} mm; local-tone: ${steps} steps, engine ${engine}. Only lesions whose contrast in the source is at least its noise SD count. Gain, position and calibration of all scans are equal.`,
      `psf: ${psf.sourceMm} against ${psf.referenceMm} mm FWHM. snr: white matter over noise SD ${snr.source} against ${snr.reference}. shading: ${shading.source} against ${shading.reference} (95th over 5th percentile). response: exponent ${response.source}. sequence: spoiled gradient echo ${sequence.trMs}/${sequence.teMs} ms, ${sequence.flipDegrees} degrees, against MPRAGE. noise of the reference: SNR ${snr.source} on the reference, ${snr.reference} on the source.`,
      '"blur leaves": contrast in the noiseless reference image at the source\'s point spread over that at its own; no mapping of intensities can keep more. "keeps": contrast after the method over that in the noiseless reference image at the source\'s point spread: 1 is all that the source resolves. Medians with 95 % intervals by a bootstrap over lesions, which says how sure the figure is for these people, not for others. MAE in units of the reference\'s range, median of the people, noise of both scans included.',
    ],
  }
}

/** Paired by lesion, which is far more precise than comparing medians. */
function attribution(results: Results): Section {
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
      ...methods.map((method) => `added to all others, ${method}`),
    ],
    rows: [
      ...CAUSES.map((cause, k) => [
        cause,
        ...methods.map((method) => change(NOTHING, ALONE[k] as Arm, method)),
        ...methods.map((method) => change(BUT_ONE[k] as Arm, ALL, method)),
      ]),
      [
        'noise of the reference',
        ...methods.map((method) => change(NOTHING, NOISY_REFERENCE, method)),
        '–',
        '–',
      ],
    ],
    notes: [
      'Change of what is kept of each lesion: median of the differences, with 95 % intervals over lesions.',
    ],
  }
}

function remedies(results: Results): Section {
  return {
    title: 'Trained on better scans, tested on the same: the source differs in all',
    columns: ['training on', ...COLUMNS],
    rows: [
      row('the scans as they are', results.get(ALL) as Measured),
      ...REMEDIES.map((arm) => row(arm.name, results.get(arm) as Measured)),
    ],
    notes: ['No scanner gives scans without noise; they show what the noise of training costs.'],
  }
}

const SIZES = [50, 200, 500, Number.POSITIVE_INFINITY] as const
const RATIOS = [1, 2, 4, Number.POSITIVE_INFINITY] as const

function groups(results: Results): Section {
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
function validated(results: Results): Section {
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
