/** Protocols of the kinds that vendors run, and the ranges from which their parameters are drawn. */
import type { Random } from '../../src/kernels/random.ts'
import { INVERSION_EFFICIENCY, type Sequence } from './signal.ts'
import { type FieldStrength, relaxation } from './tissues.ts'

export type Range = readonly [low: number, high: number]

type Train = 'te' | 'spacing' | 'flip' | 'pulses'
type InversionRanges =
  | Record<'cycle' | 'ti' | Train, Range>
  | (Record<'recovery' | 'wait' | Train, Range> & { readonly ti?: never })
type SpinEchoRanges = Record<'tr' | 'te' | 'flip' | 'refocus' | 'echoes' | 'spacing', Range> & {
  readonly ti?: Range
}

type GradientEchoKind = 'mprage' | 'bravo' | 'tfe' | 'flash'
type SpinEchoKind = 't1w-se' | 't1w-irtse' | 't2w-tse' | 'pdw-tse' | 'flair'
export type ProtocolKind = GradientEchoKind | SpinEchoKind

/** What the images are weighted by. `T1w` mixes gradient-echo protocols (spin echoes at 0.064 T), `T1w-SE` is plain spin echo. */
export const CONTRASTS = ['T1w', 'T1w-SE', 'T2w', 'PDw', 'FLAIR'] as const
export type Contrast = (typeof CONTRASTS)[number]

/** Suffix of the images in BIDS. */
export function contrastSuffix(contrast: Contrast): 'T1w' | 'T2w' | 'PDw' | 'FLAIR' {
  return contrast === 'T1w-SE' ? 'T1w' : contrast
}

/**
 * Ranges of protocol parameters, as head protocols of studies and vendors have them (times in ms, angles in degrees).
 * @see Jack et al., J Magn Reson Imaging 27:685-691 (2008), doi:10.1002/jmri.21049 (ADNI: MPRAGE and IR-SPGR of three vendors)
 * @see Miller et al., Nat Neurosci 19:1523-1536 (2016), doi:10.1038/nn.4393 (UK Biobank MPRAGE); https://brain-development.org/ixi-dataset (IXI: Philips TFE, GE SPGR)
 */
export const PROTOCOL_RANGES: {
  readonly mprage: Record<'cycle' | 'ti' | Train, Range>
  readonly bravo: Record<'recovery' | 'wait' | Train, Range>
  readonly tfe: Record<'cycle' | 'ti' | Train, Range>
  readonly flash: Record<'tr' | 'te' | 'flip', Range>
} = {
  /** Siemens MPRAGE: TR of the whole cycle, linear order, centre of k-space in mid-train. */
  mprage: {
    cycle: [1900, 2500],
    ti: [850, 1100],
    te: [2.2, 3.9],
    spacing: [6.4, 8.2],
    flip: [7, 9],
    pulses: [160, 192],
  },
  /** GE BRAVO, IR-SPGR: its "TI" is the wait between inversion and first pulse. */
  bravo: {
    recovery: [0, 600],
    wait: [400, 500],
    te: [2.8, 3.6],
    spacing: [6.6, 8.4],
    flip: [9, 12],
    pulses: [128, 190],
  },
  /** Philips TFE with an inversion: linear order, long shot interval. */
  tfe: {
    cycle: [2300, 3000],
    ti: [850, 1000],
    te: [3.1, 4.6],
    spacing: [6.7, 9.6],
    flip: [7, 9],
    pulses: [140, 180],
  },
  /** Spoiled gradient echo without preparation. */
  flash: { tr: [14, 25], te: [3, 6], flip: [20, 30] },
}

/**
 * Spin echoes, single or in trains; TR, TE and TI of clinical head protocols, trains and refocusing angles chosen.
 * @see Bernstein, King and Zhou, Handbook of MRI Pulse Sequences, Elsevier (2004), sections 14.3 and 16.4
 * @see https://brain-development.org/ixi-dataset (T2w and PDw by fast spin echo: TR 5.7 to 8.2 s, TE 100 and 8 ms)
 */
export const SPIN_ECHO_RANGES: Readonly<Record<SpinEchoKind, SpinEchoRanges>> = {
  't1w-se': {
    tr: [450, 700],
    te: [8, 15],
    flip: [70, 90],
    refocus: [150, 180],
    echoes: [1, 1],
    spacing: [8, 15],
  },
  /** Inversion-prepared trains read from their first echo: how T1w images are made at 0.064 T, where T1 is a third (chosen). */
  't1w-irtse': {
    tr: [1000, 1500],
    te: [5, 8],
    ti: [280, 380],
    flip: [85, 90],
    refocus: [140, 180],
    echoes: [8, 20],
    spacing: [5, 8],
  },
  't2w-tse': {
    tr: [3000, 8200],
    te: [80, 110],
    flip: [85, 90],
    refocus: [120, 180],
    echoes: [9, 18],
    spacing: [9, 13],
  },
  'pdw-tse': {
    tr: [3000, 8200],
    te: [8, 30],
    flip: [85, 90],
    refocus: [120, 180],
    echoes: [4, 10],
    spacing: [8, 12],
  },
  /** TI nulls CSF; the range is that of its factor, by which protocols miss. */
  flair: {
    tr: [8000, 11000],
    te: [90, 140],
    ti: [0.96, 1.04],
    flip: [85, 90],
    refocus: [120, 180],
    echoes: [12, 20],
    spacing: [9, 13],
  },
}

/**
 * MPRAGE where T1 differs much from that at 1.5 and 3 T: the TI follows it.
 * @see Marques et al., NeuroImage 49:1271-1281 (2010), doi:10.1016/j.neuroimage.2009.10.002 (7 T)
 * @see Campbell-Washburn et al., Radiology 293:384-393 (2019), doi:10.1148/radiol.2019190452 (0.55 T)
 */
const MPRAGE_AT: Readonly<Partial<Record<FieldStrength, InversionRanges>>> = {
  0.55: { ...PROTOCOL_RANGES.mprage, ti: [600, 780], te: [3, 6] },
  7: { ...PROTOCOL_RANGES.mprage, cycle: [2500, 3500], ti: [1050, 1300], te: [1.9, 3], flip: [5, 8] },
}

/** The kinds of protocol that scanners run in turn. */
export function protocolKinds(contrast: Contrast, field: FieldStrength): readonly ProtocolKind[] {
  if (contrast !== 'T1w')
    return [({ 'T1w-SE': 't1w-se', T2w: 't2w-tse', PDw: 'pdw-tse', FLAIR: 'flair' } as const)[contrast]]
  if (field === 0.064) return ['t1w-irtse', 't1w-se']
  if (field === 0.55 || field === 7) return ['mprage', 'flash']
  return ['mprage', 'bravo', 'tfe', 'flash']
}

const within = (random: Random, [low, high]: Range): number => random.between(low, high)

export function drawSequence(random: Random, kind: ProtocolKind, field: FieldStrength): Sequence {
  if (kind in SPIN_ECHO_RANGES) return drawSpinEcho(random, kind as SpinEchoKind, field)
  if (kind === 'flash') {
    const { tr, te, flip } = PROTOCOL_RANGES.flash
    return {
      kind: 'spgr',
      trMs: within(random, tr),
      teMs: within(random, te),
      flipDegrees: within(random, flip),
    }
  }
  const ranges: InversionRanges =
    (kind === 'mprage' && MPRAGE_AT[field]) || PROTOCOL_RANGES[kind as 'mprage' | 'bravo' | 'tfe']
  const echoSpacingMs = within(random, ranges.spacing)
  const pulses = Math.round(within(random, ranges.pulses))
  const centrePulse = Math.floor(pulses / 2)
  const toCentreMs = centrePulse * echoSpacingMs
  const tiMs = 'wait' in ranges ? within(random, ranges.wait) + toCentreMs : within(random, ranges.ti)
  const shortest = tiMs + (pulses - centrePulse) * echoSpacingMs
  const cycleMs =
    'wait' in ranges
      ? shortest + within(random, ranges.recovery)
      : Math.max(within(random, ranges.cycle), shortest)
  return {
    kind: 'ir-gre',
    cycleMs,
    tiMs,
    teMs: within(random, ranges.te),
    echoSpacingMs,
    flipDegrees: within(random, ranges.flip),
    pulses,
    centrePulse,
  }
}

function drawSpinEcho(random: Random, kind: SpinEchoKind, field: FieldStrength): Sequence {
  const { tr, te, ti, flip, refocus, echoes, spacing } = SPIN_ECHO_RANGES[kind]
  const trMs = within(random, tr)
  const teMs = within(random, te)
  const drawnSpacing = within(random, spacing)
  const first = kind === 't1w-se' || kind === 't1w-irtse'
  const echoSpacingMs = first ? teMs : drawnSpacing
  const train = Math.max(Math.round(within(random, echoes)), Math.ceil(teMs / echoSpacingMs))
  const angles = { flipDegrees: within(random, flip), refocusDegrees: within(random, refocus) }
  const base = { kind: 'se', trMs, teMs, ...angles, echoes: train, echoSpacingMs } as const
  if (!ti) return base
  const drawn = within(random, ti)
  if (kind !== 'flair') return { ...base, tiMs: drawn }
  // the train leaves no magnetization, so CSF recovers from 0 for TR - TI - train before it is inverted
  const t1 = relaxation('csf', field).t1Ms
  const full = Math.exp(-(trMs - (train - 0.5) * echoSpacingMs) / t1)
  const nullMs = t1 * Math.log((1 + INVERSION_EFFICIENCY) / (1 + INVERSION_EFFICIENCY * full))
  return { ...base, tiMs: drawn * nullMs }
}
