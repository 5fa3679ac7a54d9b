/**
 * Which images a universal harmonizer takes. Scans of all scanners look too different to be told from other images before they
 * are harmonized; afterwards they are alike. So the limits are on what comes out, of whole heads and of brains alone, and on the geometry
 * of what comes in.
 */
import type { UniversalContrast } from '../src/domain/universal-contrast.ts'
import { type CurveLimit, descriptorLimitsOf } from '../src/harmonizer/descriptor-guard.ts'
import type { DomainLimits, Range } from '../src/harmonizer/manifest.ts'
import type { Descriptors } from '../src/metrics/descriptors.ts'

/** Less than this is a brain alone: the largest fill 1.9 l, and the smallest adult heads in the box 2.5 l. */
const LARGEST_BRAIN_ML = 2200

/** @param ml of the mask, in the box */
export function showsOf(ml: number): HarmonizedScan['shows'] {
  return ml < LARGEST_BRAIN_ML ? 'brain' : 'head'
}

/** A digital scan, harmonized. */
export interface HarmonizedScan {
  /** Mask of the brain alone, or of the head. */
  readonly shows: 'brain' | 'head'
  readonly descriptors: Descriptors
  /** How unlike the others the last pass finds it, where there is one that says so. */
  readonly unlikeness?: number
}

/** Any positive gain: the network sees intensities relative to the image's own scale. */
const ANY_INTENSITY: Range = [1e-6, 1e9]
/** Head protocols from cropped to generous, mm along R, A, S (chosen; digital scans are cut to the head). */
const EXTENT_MM: DomainLimits['extentMm'] = [
  [140, 360],
  [170, 400],
  [90, 400],
]
/** From submillimetre 7 T protocols to thick slices, mm; simulated as point spreads (see data/generators/any-scanner.ts). */
const VOXEL_MM: Range = [0.5, 6]
/** A small brain alone to a large head with its neck, ml. */
const MASK_ML: Range = [700, 7500]
/**
 * How much of the head may be cut off at the left, right, back, front, lower and upper face: narrow slabs touch the ears, thick slices end at the
 * vertex, necks are cut anywhere (chosen, from real heads of six kinds: bench/universal-real.ts).
 */
const CUT = [0.5, 0.5, 0.35, 0.35, 1, 0.45] as const

/**
 * Real heads differ from digital ones in more than was simulated: limits this much wider take all those of bench/universal-real.ts (chosen on
 * them, so that they are no test of it).
 */
const WIDER = 1.25
/**
 * Percentile of the digital scans of training: so few of them would be refused. Chosen between real T1-weighted heads (0.8 to 1.8) and images of other contrasts (2.4 to
 * 2.9; see docs/decisions/0018-tone-pass.md), so that they are no test of it.
 */
const UNLIKE_PERCENTILE = 99
/** Noise relative to the mean intensity of the image that comes in: less than any scan has is a map of labels, more is no image. */
const NOISE = [0.003, 0.5] as const

export function universalGuards(
  scans: readonly HarmonizedScan[],
  contrast: UniversalContrast,
): Readonly<Record<string, DomainLimits>> {
  const kinds = [...new Set(scans.map(({ shows }) => shows))].sort()
  const unlike = scans
    .flatMap(({ unlikeness }) => (unlikeness === undefined ? [] : [unlikeness]))
    .sort((a, b) => a - b)
  const most = unlike[Math.floor((UNLIKE_PERCENTILE * (unlike.length - 1)) / 100)]
  return Object.fromEntries(
    kinds.map((kind) => {
      const group = scans.filter(({ shows }) => shows === kind)
      const { people, histogram, radial } = descriptorLimitsOf(
        group.map(({ descriptors }, k) => ({ subject: String(k), descriptors })),
      )
      return [
        kind,
        {
          scans: group.length,
          median: ANY_INTENSITY,
          p99: ANY_INTENSITY,
          extentMm: EXTENT_MM,
          voxelMm: VOXEL_MM,
          maskMl: MASK_ML,
          // what name, header or sidecar say of an image; many say nothing
          preparation: { contrast },
          // sharpness was varied on purpose, and is not limited
          result: { people, histogram: wider(histogram), radial: wider(radial), noise: NOISE, cut: CUT },
          ...(most !== undefined && { unlikeness: Number(most.toPrecision(3)) }),
        },
      ]
    }),
  )
}

function wider({ mean, most }: CurveLimit): CurveLimit {
  return { mean, most: Number((WIDER * most).toPrecision(3)) }
}
