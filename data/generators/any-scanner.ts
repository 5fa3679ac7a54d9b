/**
 * A scanner of any kind that makes heads of one contrast, drawn anew for every scan, and the canonical one that a universal harmonizer brings
 * them to. Ranges are wider than those of `drawScanner`, on purpose: what training has not seen, a network cannot be trusted with.
 */
import type { UniversalContrast } from '../../src/domain/universal-contrast.ts'
import { type Random, random } from '../../src/kernels/random.ts'
import { drawSequence, type ProtocolKind, protocolKinds, type Range } from './protocols.ts'
import { drawCoil, SCANNER_RANGES, type Scanner } from './scanner.ts'
import type { Sequence } from './signal.ts'
import type { FieldStrength, TissueName } from './tissues.ts'

/** Shares of fields: most clinical scanners run at 1.5 and 3 T (chosen). */
const FIELDS: readonly (readonly [FieldStrength, share: number])[] = [
  [3, 0.45],
  [1.5, 0.4],
  [7, 0.08],
  [0.55, 0.07],
]
/** Share of plain spin echoes among T1w scans at 1.5 and 3 T, whose contrast of grey and white matter is low. */
const SPIN_ECHO = 0.08

/** Ranges of hardware and reconstruction; those that depend on the field are in `SCANNER_RANGES`. */
export const ANY_SCANNER_RANGES: Readonly<
  Record<'responseExponent' | 'evenShading' | 'rawShading' | 'inPlaneMm' | 'thickMm' | 'snr', Range>
> = {
  /** Twice as far from linear as `SCANNER_RANGES`. */
  responseExponent: [0.8, 1.24],
  /** 95th over 5th percentile of receive sensitivity in the head where the scanner evens it out (prescan normalisation). */
  evenShading: [1.05, 1.5],
  /**
   * And where it does not. Arrays of 12 to 64 small loops receive several times as much from the cortex as from the middle.
   * @see Wiggins et al., Magn Reson Med 56:216-223 (2006), doi:10.1002/mrm.20925
   */
  rawShading: [1.5, 6.5],
  /** Point spread, FWHM, of protocols that acquire 0.8 to 1.8 mm (chosen; see `SCANNER_RANGES.psfMm`). */
  inPlaneMm: [0.9, 2.3],
  /** Along the slices of two-dimensional protocols (chosen). */
  thickMm: [2.5, 5.5],
  /** White matter over noise SD at 2 mm voxels, which hold two to eight times the volume that is acquired (chosen). */
  snr: [12, 80],
}
/** Share of scans whose receive sensitivity is not evened out, and of those with thick slices (chosen). */
const RAW_SHARE = 0.5
/** T2w heads are mostly acquired in two dimensions. */
const THICK_SHARE: Readonly<Record<UniversalContrast, number>> = { T1w: 0.25, T2w: 0.6 }

const within = (random: Random, [low, high]: Range): number => random.between(low, high)
/** Evenly on a logarithmic scale. */
const between = (random: Random, [low, high]: Range): number => low * (high / low) ** random.uniform()

export function drawAnyScanner(random: Random, contrast: UniversalContrast = 'T1w'): Scanner {
  const fieldTesla = drawField(random)
  const protocol = drawProtocol(random, contrast, fieldTesla)
  const shading = between(
    random,
    random.uniform() < RAW_SHARE ? ANY_SCANNER_RANGES.rawShading : ANY_SCANNER_RANGES.evenShading,
  )
  const [, most] = SCANNER_RANGES.b1Excess[fieldTesla]
  const excess = within(random, [0, 1.1 * most])
  const inPlane = between(random, ANY_SCANNER_RANGES.inPlaneMm)
  const psf: [number, number, number] = [inPlane, inPlane, inPlane]
  const axis = random.integer(3)
  psf[axis] =
    random.uniform() < THICK_SHARE[contrast]
      ? within(random, ANY_SCANNER_RANGES.thickMm)
      : inPlane * within(random, SCANNER_RANGES.psfAnisotropy)
  return {
    domain: 'any',
    letter: 'any',
    protocol,
    fieldTesla,
    sequence: drawSequence(random.fork('sequence'), protocol, fieldTesla),
    voxelMm: 2,
    whiteLevel: between(random, SCANNER_RANGES.whiteLevel),
    responseExponent: within(random, ANY_SCANNER_RANGES.responseExponent),
    psfFwhmMm: psf,
    snr: between(random, ANY_SCANNER_RANGES.snr),
    coil: drawCoil(random.fork('coil'), shading),
    transmit: {
      centre: 1 + excess / 2 + 0.04 * random.normal(),
      excess,
      tilt: [0.03 * random.normal(), 0.03 * random.normal(), 0.03 * random.normal()],
    },
  }
}

function drawField(random: Random): FieldStrength {
  let left = random.uniform()
  for (const [field, share] of FIELDS) {
    if (left < share) return field
    left -= share
  }
  return 3
}

function drawProtocol(random: Random, contrast: UniversalContrast, field: FieldStrength): ProtocolKind {
  const clinical = field === 1.5 || field === 3
  if (contrast === 'T1w' && clinical && random.uniform() < SPIN_ECHO) return 't1w-se'
  const kinds = protocolKinds(contrast, field)
  return kinds[random.integer(kinds.length)] as ProtocolKind
}

/** What images of a canonical domain have in the tissue that they are scaled by. */
export const CANONICAL_LEVEL = 1000

/** The reference domain of a universal harmonizer. */
export interface Canonical {
  readonly scanner: Scanner
  /** Stands at `CANONICAL_LEVEL`: white matter, or grey where fluid is so much brighter than white matter that it would leave the range of what is stored. */
  readonly level: TissueName
}

/**
 * Protocols at 3 T in the middle of their ranges (`PROTOCOL_RANGES.mprage`, `SPIN_ECHO_RANGES`), nominal flip angle and even sensitivity everywhere, no
 * noise, linear response. Images of these domains get the point spread of the scan that they are compared with: a target sharper or
 * smoother than its source would teach curves to change the contrast of whatever is small.
 */
export const CANONICAL: Readonly<Record<UniversalContrast, Canonical>> = {
  T1w: {
    level: 'white-matter',
    scanner: canonicalScanner('canonical-t1w', 'mprage', {
      kind: 'ir-gre',
      cycleMs: 2300,
      tiMs: 950,
      teMs: 3,
      echoSpacingMs: 7.3,
      flipDegrees: 8,
      pulses: 176,
      centrePulse: 88,
    }),
  },
  T2w: {
    level: 'grey-matter',
    scanner: canonicalScanner('canonical-t2w', 't2w-tse', {
      kind: 'se',
      trMs: 5600,
      teMs: 95,
      flipDegrees: 90,
      refocusDegrees: 150,
      echoes: 14,
      echoSpacingMs: 11,
    }),
  },
}

function canonicalScanner(domain: string, protocol: ProtocolKind, sequence: Sequence): Scanner {
  return {
    domain,
    letter: 'canonical',
    protocol,
    fieldTesla: 3,
    sequence,
    voxelMm: 2,
    whiteLevel: CANONICAL_LEVEL,
    responseExponent: 1,
    psfFwhmMm: [0, 0, 0],
    snr: Number.POSITIVE_INFINITY,
    coil: drawCoil(random(1, 'canonical'), 1),
    transmit: { centre: 1, excess: 0, tilt: [0, 0, 0] },
  }
}
