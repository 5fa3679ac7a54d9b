/** Digital scanners: what each does to the signal, drawn from the ranges stated here. */
import type { Random } from '../../src/kernels/random.ts'
import type { Sequence } from './signal.ts'
import type { FieldStrength } from './tissues.ts'

type Range = readonly [low: number, high: number]

type Train = 'te' | 'spacing' | 'flip' | 'pulses'

/** T1-weighted protocols of the kinds that vendors run. */
export type ProtocolKind = 'mprage' | 'bravo' | 'tfe' | 'flash'

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

type ScannerRanges = Readonly<
  Record<
    'whiteLevel' | 'responseExponent' | 'shading' | 'b1Excess' | 'psfMm' | 'psfAnisotropy' | 'snr',
    Range
  >
>

/** Ranges of what hardware and reconstruction do. */
export const SCANNER_RANGES: Omit<ScannerRanges, 'shading' | 'b1Excess'> &
  Record<'shading' | 'b1Excess', Record<FieldStrength, Range>> = {
  /** White matter of an average scan, in stored units: vendors scale freely. */
  whiteLevel: [250, 1400],
  /** Exponent of the response around the level of white matter; 1 is linear. */
  responseExponent: [0.9, 1.12],
  /**
   * 95th over 5th percentile of receive sensitivity in the head at 1.5 T and 3 T: array coils without prescan normalisation.
   * @see Vovk et al., IEEE Trans Med Imaging 26:405-421 (2007), doi:10.1109/TMI.2006.891486 (10-40 %)
   */
  shading: { 1.5: [1.1, 1.45], 3: [1.15, 1.7] },
  /**
   * Excess of B1+ at the head's centre over its border, relative to nominal.
   * @see Collins et al., J Magn Reson Imaging 21:192-196 (2005), doi:10.1002/jmri.20245; Boudreau et al., J Magn Reson Imaging 46:1673-1682 (2017), doi:10.1002/jmri.25692
   */
  b1Excess: { 1.5: [0.02, 0.1], 3: [0.2, 0.4] },
  /**
   * Point spread of the acquisition, FWHM in mm, in the phase encoding directions, and its ratio along the readout: 1.21 acquired voxels
   * for a fully sampled k-space (sinc), up to 1.3 times as wide behind a raw data filter; the protocols above acquire 0.9 to 1.25 mm.
   * @see Haacke et al., Magnetic Resonance Imaging: Physical Principles and Sequence Design, Wiley 1999, ch. 12-13 (point spread, filters)
   */
  psfMm: [1.1, 2],
  psfAnisotropy: [0.7, 1.3],
  /** White matter over noise SD in the image as stored, at whatever voxel size: the protocol pays for it in time. */
  snr: [20, 45],
} as const

/** The reference is a good scanner: MPRAGE at 3 T, sharper, quieter, less shaded than most. */
export const REFERENCE_RANGES: ScannerRanges = {
  whiteLevel: [800, 1000],
  responseExponent: [1, 1],
  shading: [1.1, 1.2],
  b1Excess: [0.2, 0.3],
  psfMm: [1.1, 1.3],
  psfAnisotropy: [0.9, 1.1],
  snr: [35, 45],
}

export interface Scanner {
  /** Domain name: `scanner-A`, `scanner-B`... */
  readonly domain: string
  /** A, B, ..., Z, AA...: the stem of its session names. */
  readonly letter: string
  readonly protocol: ProtocolKind
  readonly fieldTesla: FieldStrength
  readonly sequence: Sequence
  readonly voxelMm: number
  readonly whiteLevel: number
  readonly responseExponent: number
  readonly psfFwhmMm: readonly [number, number, number]
  readonly snr: number
  /** See fields.ts. */
  readonly coil: Coil
  readonly transmit: Transmit
}

/** Receive array: loops around the head, root sum of squares. */
export interface Coil {
  /** 95th over 5th percentile of the sensitivity in the head. */
  readonly shading: number
  readonly elements: readonly CoilElement[]
}
export interface CoilElement {
  /** Of the loop's centre, mm from the isocentre, R A S. */
  readonly position: readonly [number, number, number]
  readonly radiusMm: number
  readonly gain: number
}

/** B1+ relative to nominal: `centre` in the middle, falling by `excess` to the border of the head, with a tilt. */
export interface Transmit {
  readonly centre: number
  readonly excess: number
  /** Relative change per 100 mm along R, A, S. */
  readonly tilt: readonly [number, number, number]
}

const within = (random: Random, [low, high]: Range): number => random.between(low, high)

function drawSequence(random: Random, kind: ProtocolKind): Sequence {
  if (kind === 'flash') {
    const { tr, te, flip } = PROTOCOL_RANGES.flash
    return {
      kind: 'spgr',
      trMs: within(random, tr),
      teMs: within(random, te),
      flipDegrees: within(random, flip),
    }
  }
  const ranges = PROTOCOL_RANGES[kind]
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

/** Each four scanners in a row run four kinds of protocol, in an order that `random` shuffles. */
function protocolAt(random: Random, index: number): ProtocolKind {
  const left: ProtocolKind[] = ['mprage', 'bravo', 'tfe', 'flash']
  const order = [4, 3, 2, 1].map((n) => left.splice(random.integer(n), 1)[0]!)
  return order[index % order.length]!
}

const RINGS = [-45, 15, 70] as const
const LOOPS_PER_RING = 8

function drawCoil(random: Random, shading: number): Coil {
  const radius = random.between(115, 135)
  const turn = random.uniform()
  const elements = RINGS.flatMap((height) =>
    Array.from({ length: LOOPS_PER_RING }, (_, k): CoilElement => {
      const angle = (2 * Math.PI * (k + turn)) / LOOPS_PER_RING
      return {
        position: [0.9 * radius * Math.cos(angle), 1.1 * radius * Math.sin(angle), height],
        radiusMm: random.between(45, 60),
        gain: Math.exp(0.18 * random.normal()),
      }
    }),
  )
  return { shading, elements }
}

/** Name of the scanner at `index`: A to Z, then AA, AB... */
export function scannerLetter(index: number): string {
  const last = String.fromCharCode(65 + (index % 26))
  return index < 26 ? last : scannerLetter(Math.floor(index / 26) - 1) + last
}

/**
 * The scanner at `index` of the row that `random` stands for; index 0 is the reference. Each depends on its own index only.
 */
export function drawScanner(random: Random, index: number, voxelMm: number | Range): Scanner {
  const own = random.fork(`scanner ${index}`)
  const protocol: ProtocolKind = index === 0 ? 'mprage' : protocolAt(random.fork('protocols'), index - 1)
  const fieldTesla: FieldStrength = index === 0 || own.uniform() < 0.6 ? 3 : 1.5
  const ranges =
    index === 0
      ? REFERENCE_RANGES
      : {
          ...SCANNER_RANGES,
          shading: SCANNER_RANGES.shading[fieldTesla],
          b1Excess: SCANNER_RANGES.b1Excess[fieldTesla],
        }
  const [low, high] = ranges.whiteLevel
  const psf = within(own, ranges.psfMm)
  const along = within(own, ranges.psfAnisotropy)
  const letter = scannerLetter(index)
  const excess = within(own, ranges.b1Excess)
  return {
    domain: `scanner-${letter}`,
    letter,
    protocol,
    fieldTesla,
    sequence: drawSequence(own.fork('sequence'), protocol),
    voxelMm: typeof voxelMm === 'number' ? voxelMm : within(own.fork('voxel'), voxelMm),
    whiteLevel: low * (high / low) ** own.uniform(),
    responseExponent: within(own, ranges.responseExponent),
    psfFwhmMm:
      protocol === 'flash' || protocol === 'bravo' ? [psf, psf * along, psf] : [psf, psf, psf * along],
    snr: within(own, ranges.snr),
    coil: drawCoil(own.fork('coil'), within(own, ranges.shading)),
    transmit: {
      centre: 1 + excess / 2 + 0.02 * own.normal(),
      excess,
      tilt: [0.02 * own.normal(), 0.02 * own.normal(), 0.02 * own.normal()],
    },
  }
}
