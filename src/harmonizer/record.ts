/** What stands beside every output: what was done to which image, whether guards doubted it, and what changed. */
import type { Preparation } from '../domain/preparation.ts'
import type { Deed, Translation } from '../domain/translation.ts'
import { smoothnessFwhm } from '../metrics/fwhm.ts'
import { noiseSd } from '../metrics/noise.ts'
import { tissueContrast } from '../metrics/tissue-contrast.ts'
import { type Grid, type Step, voxelSize } from '../volume/volume.ts'
import type { Finding } from './guards.ts'
import { type MaskSurvey, type Percentiles, percentilesOf } from './image-facts.ts'
import type { Rung } from './ladder.ts'
import type { Method } from './method.ts'

export const RECORD_SCHEMA = 'attune-record/1'

export interface HarmonizerIdentity {
  /** The bundle's name, or that of a method that needs none. */
  readonly name: string
  readonly method: Method
  readonly rung: Rung
  /** Hash of the bundle's manifest. */
  readonly sha256?: string
  readonly target?: string
  /** Where it makes one contrast from another. */
  readonly translation?: Translation
}

/** No clock, no path: equal work leaves equal records. */
export interface HarmonizationRecord {
  readonly schema: typeof RECORD_SCHEMA
  readonly harmonizer: HarmonizerIdentity
  /** Where the image was said to come from. */
  readonly domain?: string
  /** An image of the target domain is passed through unchanged. */
  readonly outcome: Deed['done'] | 'passed-through'
  readonly mask: { readonly source: 'given' | 'foreground'; readonly voxels: number }
  /** How many other visits of this person on this scanner share its mapping (see joint.ts). */
  readonly sharedWith?: number
  /** What was known to have been done to the image before. */
  readonly preparation: Preparation
  readonly guards: readonly Finding[]
  /** Whether guards that failed were overruled. */
  readonly forced: boolean
  readonly steps: readonly Step[]
  readonly before: Figures
  readonly after: Figures
}

/** In the unit of the image; `null` where it cannot be measured. */
export interface Figures {
  readonly percentiles: Percentiles
  /** Standard deviation of the noise in flat tissue. */
  readonly noiseSd: number | null
  /** Effective resolution: structure and blur together. */
  readonly fwhmMm: number | null
  /** Contrast between the two main tissues, relative to their mean. */
  readonly tissueContrast: number | null
}

/** Slices that noise, sharpness and contrast are measured on: enough voxels, in a fraction of the time. */
export const FIGURE_SLICES = 6

/**
 * @param x      values, length V
 * @param mask   length V
 * @param survey of this mask, with a slab of `FIGURE_SLICES`
 */
export function figuresOf(x: Float32Array, grid: Grid, mask: Uint8Array, survey: MaskSurvey): Figures {
  const { slab } = survey
  const values = x.subarray(slab.start, slab.end)
  const inside = mask.subarray(slab.start, slab.end)
  const orNull = (value: number): number | null => (Number.isFinite(value) ? value : null)
  return {
    percentiles: percentilesOf(x, survey),
    noiseSd: orNull(noiseSd(values, slab.shape, inside)),
    fwhmMm: orNull(smoothnessFwhm(values, slab.shape, inside, voxelSize(grid))),
    tissueContrast: orNull(tissueContrast(values, inside).contrast),
  }
}
