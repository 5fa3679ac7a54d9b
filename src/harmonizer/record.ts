/** What stands beside every output: what was done to which image, whether guards doubted it, and what changed. */
import { noiseSd } from '../metrics/noise.ts'
import { tissueContrast } from '../metrics/tissue-contrast.ts'
import type { Shape, Step } from '../volume/volume.ts'
import type { Finding } from './guards.ts'
import { type Percentiles, percentilesOf } from './image-facts.ts'
import type { Method, Rung } from './method.ts'

export const RECORD_SCHEMA = 'attune-record/1'

export interface HarmonizerIdentity {
  /** The bundle's name, or that of a method that needs none. */
  readonly name: string
  readonly method: Method
  readonly rung: Rung
  /** Hash of the bundle's manifest. */
  readonly sha256?: string
  readonly target?: string
}

/** No clock, no path: equal work leaves equal records. */
export interface HarmonizationRecord {
  readonly schema: typeof RECORD_SCHEMA
  readonly harmonizer: HarmonizerIdentity
  /** Where the image was said to come from. */
  readonly domain?: string
  /** An image of the target domain is passed through unchanged. */
  readonly outcome: 'harmonized' | 'passed-through'
  readonly mask: { readonly source: 'given' | 'foreground'; readonly voxels: number }
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
  /** Contrast between the two main tissues, relative to their mean. */
  readonly tissueContrast: number | null
}

/** Slices that noise and contrast are measured on: the middle of the mask, enough voxels at a fraction of the time. */
const SLAB = 16

/**
 * @param x    values, length V
 * @param mask length V
 */
export function figuresOf(x: Float32Array, [nx, ny, nz]: Shape, mask: Uint8Array): Figures {
  const slice = nx * ny
  const middle = middleSlice(mask, slice, nz)
  const from = Math.max(0, Math.min(nz - SLAB, middle - SLAB / 2))
  const depth = Math.min(SLAB, nz)
  const slab = x.subarray(from * slice, (from + depth) * slice)
  const slabMask = mask.subarray(from * slice, (from + depth) * slice)
  const orNull = (value: number): number | null => (Number.isFinite(value) ? value : null)
  return {
    percentiles: percentilesOf(x, mask),
    noiseSd: orNull(noiseSd(slab, [nx, ny, depth], slabMask)),
    tissueContrast: orNull(tissueContrast(slab, slabMask).contrast),
  }
}

/** The slice that halves the mask. */
function middleSlice(mask: Uint8Array, slice: number, nz: number): number {
  const counts = new Float64Array(nz)
  for (let i = 0; i < mask.length; i++)
    if (mask[i] !== 0) counts[Math.floor(i / slice)] = (counts[Math.floor(i / slice)] as number) + 1
  const half = counts.reduce((sum, count) => sum + count, 0) / 2
  let passed = 0
  return Math.max(
    0,
    counts.findIndex((count) => {
      passed += count
      return passed > half
    }),
  )
}
