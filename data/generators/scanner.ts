/** Digital scanners: what each does to the signal, drawn from the ranges stated here. */
import type { Random } from '../../src/kernels/random.ts'
import type { KSpace } from './k-space.ts'
import type { NoiseModel } from './noise.ts'
import { type PresetName, presetField } from './presets.ts'
import { type Contrast, drawSequence, type ProtocolKind, protocolKinds, type Range } from './protocols.ts'
import type { Sequence } from './signal.ts'
import type { FieldStrength } from './tissues.ts'

type ScannerRanges = Readonly<
  Record<
    'whiteLevel' | 'responseExponent' | 'shading' | 'b1Excess' | 'psfMm' | 'psfAnisotropy' | 'snr',
    Range
  >
>

/** What differs between fields. */
type ByField = 'shading' | 'b1Excess' | 'psfMm' | 'snr'

/** Ranges of what hardware and reconstruction do. */
export const SCANNER_RANGES: Omit<ScannerRanges, ByField> & Record<ByField, Record<FieldStrength, Range>> = {
  /** White matter of an average scan, in stored units: vendors scale freely. */
  whiteLevel: [250, 1400],
  /** Exponent of the response around the level of white matter; 1 is linear. */
  responseExponent: [0.9, 1.12],
  /**
   * 95th over 5th percentile of receive sensitivity in the head: array coils without prescan normalisation at 1.5 T and 3 T. More at 7 T,
   * where the wave is short, and less at low field, where volume coils receive (chosen).
   * @see Vovk et al., IEEE Trans Med Imaging 26:405-421 (2007), doi:10.1109/TMI.2006.891486 (10-40 %)
   */
  shading: { 0.064: [1.05, 1.25], 0.55: [1.1, 1.4], 1.5: [1.1, 1.45], 3: [1.15, 1.7], 7: [1.3, 2.2] },
  /**
   * Excess of B1+ at the head's centre over its border, relative to nominal; none where the wave is long against the head.
   * @see Collins et al., J Magn Reson Imaging 21:192-196 (2005), doi:10.1002/jmri.20245; Boudreau et al., J Magn Reson Imaging 46:1673-1682 (2017), doi:10.1002/jmri.25692
   * @see Van de Moortele et al., Magn Reson Med 54:1503-1518 (2005), doi:10.1002/mrm.20708 (7 T)
   */
  b1Excess: { 0.064: [0, 0.01], 0.55: [0, 0.04], 1.5: [0.02, 0.1], 3: [0.2, 0.4], 7: [0.5, 0.8] },
  /**
   * Point spread of the acquisition, FWHM in mm, in the phase encoding directions: 1.21 acquired voxels for a fully sampled k-space (sinc), up
   * to 1.3 times as wide behind a raw data filter; the protocols at 1.5 and 3 T acquire 0.9 to 1.25 mm. Low field pays for SNR in voxel
   * size; 7 T buys sharpness (chosen for 0.064, 0.55 and 7 T).
   * @see Haacke et al., Magnetic Resonance Imaging: Physical Principles and Sequence Design, Wiley 1999, ch. 12-13 (point spread, filters)
   */
  psfMm: { 0.064: [2.5, 4.5], 0.55: [1.2, 2.6], 1.5: [1.1, 2], 3: [1.1, 2], 7: [0.8, 1.4] },
  /** The ratio of the point spread along the readout to that of the other directions. */
  psfAnisotropy: [0.7, 1.3],
  /**
   * White matter over noise SD in the image as stored, at whatever voxel size: the protocol pays for it in time. SNR per volume and time
   * rises as B0^1.65 (measured from 3 to 9.4 T); the chosen ranges are what larger voxels and longer scans leave of that at low field.
   * @see Pohmann, Speck and Scheffler, Magn Reson Med 75:801-809 (2016), doi:10.1002/mrm.25677
   */
  snr: { 0.064: [6, 14], 0.55: [14, 30], 1.5: [20, 45], 3: [20, 45], 7: [30, 70] },
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
  /** Without it, the whole of k-space is sampled evenly. */
  readonly kSpace?: KSpace
  /** Without it, one channel and even noise: Rician. */
  readonly noise?: NoiseModel
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

/** As many scanners in a row as there are kinds run each of them, in an order that `random` shuffles. */
function protocolAt(random: Random, index: number, kinds: readonly ProtocolKind[]): ProtocolKind {
  const left = [...kinds]
  const order = kinds.map(() => left.splice(random.integer(left.length), 1)[0]!)
  return order[index % order.length]!
}

const RINGS = [-45, 15, 70] as const
const LOOPS_PER_RING = 8

/** @param shading 95th over 5th percentile of the sensitivity in the head; 1 makes it even */
export function drawCoil(random: Random, shading: number): Coil {
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

/** What a row of scanners may be asked to be. */
export interface RowChoice {
  /** Edge of the cubic voxels, mm; a range draws one size for each scanner. */
  readonly voxelMm: number | Range
  readonly contrast: Contrast
  /** Without it, scanners run at 1.5 T or 3 T. */
  readonly preset?: PresetName | undefined
  /** Of every scanner but the reference. */
  readonly kSpace?: KSpace | undefined
  readonly noise?: NoiseModel | undefined
}

/**
 * The scanner at `index` of the row that `random` stands for; index 0 is the reference, at 3 T whatever is chosen. Each depends on its own
 * index only.
 */
export function drawScanner(random: Random, index: number, choice: RowChoice): Scanner {
  const own = random.fork(`scanner ${index}`)
  const clinical: FieldStrength = index === 0 || own.uniform() < 0.6 ? 3 : 1.5
  const fieldTesla = index === 0 || !choice.preset ? clinical : presetField(choice.preset, index)
  const kinds = protocolKinds(choice.contrast, fieldTesla)
  const protocol = index === 0 ? kinds[0]! : protocolAt(random.fork('protocols'), index - 1, kinds)
  const ranges: ScannerRanges =
    index === 0
      ? REFERENCE_RANGES
      : {
          ...SCANNER_RANGES,
          shading: SCANNER_RANGES.shading[fieldTesla],
          b1Excess: SCANNER_RANGES.b1Excess[fieldTesla],
          psfMm: SCANNER_RANGES.psfMm[fieldTesla],
          snr: SCANNER_RANGES.snr[fieldTesla],
        }
  const [low, high] = ranges.whiteLevel
  const psf = within(own, ranges.psfMm)
  const along = within(own, ranges.psfAnisotropy)
  const letter = scannerLetter(index)
  const excess = within(own, ranges.b1Excess)
  const { voxelMm } = choice
  return {
    domain: `scanner-${letter}`,
    letter,
    protocol,
    fieldTesla,
    sequence: drawSequence(own.fork('sequence'), protocol, fieldTesla),
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
    ...(index > 0 && choice.kSpace && { kSpace: choice.kSpace }),
    ...(index > 0 && choice.noise && { noise: choice.noise }),
  }
}
