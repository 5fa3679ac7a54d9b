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
import { learnLocalTone, learnTone } from './lesion-learners.ts'
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
  /** Whether `local-tone` is trained, too: a minute, where `tone` takes seconds. */
  readonly network: boolean
}

const BLUR = { psfMm: EXTENT.psf.sourceMm }
/** Without noise, but for the rounding to whole numbers. */
const CLEAN = { snr: Number.POSITIVE_INFINITY }

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

/** What training might be given or told, tried on the source that differs in everything. */
const REMEDIES: readonly Arm[] = [
  { ...ALL, name: 'source scans without noise', source: CLEAN },
  { ...ALL, name: 'reference scans as blurred as the source', target: BLUR, network: false },
  { ...ALL, name: 'both', source: CLEAN, target: BLUR },
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
  for (const arm of [...DIFFERENCES, ...REMEDIES])
    results.set(arm, await resultOf(folder, studio, arm, choice))
  await publish('lesion-contrast', 'What becomes of the contrast of lesions', words, [
    differences(results, choice.config.steps ?? STEPS, choice.engine),
    attribution(results),
    remedies(results),
    groups(results),
  ])
}

/** What has been done before is read. */
async function resultOf(
  folder: string,
  studio: Studio,
  arm: Arm,
  { engine, config }: TrainingChoice,
): Promise<Measured> {
  const options = { ...LOCAL_TONE_DEFAULTS, engine, steps: config.steps ?? STEPS }
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
  const tone = await learnTone(learners)
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

function row(name: string, measured: Measured): readonly string[] {
  const lesions = shown(measured)
  const kept = (method: string) => lesions.map((lesion) => lesion.kept[method])
  const level = (method: string) => lesions.map((lesion) => lesion.level[method])
  return [
    name,
    ...['tone', 'local-tone'].map((method) => {
      const errors = measured.mae[method]
      return errors === undefined ? '–' : percent(median(errors))
    }),
    summary(lesions.map(({ resolved }) => resolved)),
    ...['tone', 'local-tone'].flatMap((method) => [summary(kept(method)), middle(level(method))]),
    lowest(kept('local-tone')),
  ]
}

const COLUMNS = [
  'MAE tone',
  'MAE local-tone',
  'blur leaves',
  'tone keeps',
  'around it',
  'local-tone keeps',
  'around it',
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
