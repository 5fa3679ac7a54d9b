/** What is compared in `npm run bench -- lesion-contrast`: sources, trainings and settings. */
import { CAUSES, type Cause, EXTENT, type ScanPlan } from './lesion-cohorts.ts'

/** Of local-tone; 200 by default, fewer here to end within minutes. */
export const STEPS = 40

/** One training and its test. */
export interface Arm {
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
  /** Whether local-tone is trained again on sources with twice the variance of noise, and extrapolated to none. */
  readonly simex?: true
  /** What `tone` divides intensities by; default the median of the head. */
  readonly scale?: 'white matter'
  /** Whether `local-tone` is trained, too: a minute, where `tone` takes seconds. */
  readonly network: boolean
}

const BLUR = { psfMm: EXTENT.psf.sourceMm }
/** Without noise, but for the rounding to whole numbers. */
export const CLEAN: Pick<ScanPlan, 'snr'> = { snr: Number.POSITIVE_INFINITY }

/** FWHM; leaves about a third of the noise at 2 mm. */
const SMOOTH = { smoothMm: 3 }

export const NOTHING: Arm = { name: 'nothing', causes: [], network: true }
export const ALL: Arm = { name: 'all', causes: CAUSES, network: true }
export const NOISY_REFERENCE: Arm = {
  name: 'noise of the reference',
  causes: [],
  targetSnr: EXTENT.snr.source,
  network: false,
}
/** One difference at a time. */
export const ALONE: readonly Arm[] = CAUSES.map(
  (cause): Arm => ({ name: cause, causes: [cause], network: cause !== 'response' }),
)
/** All differences but one. */
export const BUT_ONE: readonly Arm[] = CAUSES.map(
  (cause): Arm => ({
    name: `all but ${cause}`,
    causes: CAUSES.filter((other) => other !== cause),
    network: cause === 'shading',
  }),
)
export const DIFFERENCES: readonly Arm[] = [
  NOTHING,
  ...ALONE,
  NOISY_REFERENCE,
  { name: 'psf and snr', causes: ['psf', 'snr'], network: false } satisfies Arm,
  ALL,
  ...BUT_ONE,
]

/** `tone` with the scale of local-tone. */
export const WHITE: readonly Arm[] = [
  NOTHING,
  ...ALONE.filter(({ name }) => name === 'shading' || name === 'sequence'),
  ALL,
].map(
  (arm): Arm => ({
    ...arm,
    name: `${arm.name}, scale of white matter`,
    scale: 'white matter',
    network: false,
  }),
)

/** What training might be given or told, tried on the source that differs in everything. */
export const REMEDIES: readonly Arm[] = [
  { ...ALL, name: 'source scans without noise', source: CLEAN },
  { ...ALL, name: 'reference scans as blurred as the source', target: BLUR, network: false },
  { ...ALL, name: 'both', source: CLEAN, target: BLUR },
  { ...ALL, name: `both scans smoothed by ${SMOOTH.smoothMm} mm`, source: SMOOTH, target: SMOOTH },
  { ...ALL, name: 'twice the noise as well, extrapolated to none', simex: true },
  { ...ALL, name: 'four times the steps', steps: 4 * STEPS },
  { ...ALL, name: 'people without lesions', ...healthy(), network: false },
]

function healthy(): Pick<Arm, 'source' | 'target'> {
  return { source: { lesions: false }, target: { lesions: false } }
}
