/** What a correction must not do: the limits that validation holds a bundle to, and by which `auto` chooses its method. */
import { isMethod, METHODS, rungOf } from './ladder.ts'
import type { Method } from './method.ts'

/** Least noise relative to the target's, and most relative to the source's after `tone`. */
export const NOISE_AT_LEAST = 0.8
export const NOISE_AT_MOST = 1.1
/** Contrast of lesions relative to the target's: the median must lie between. */
export const LESIONS_FROM = 0.9
export const LESIONS_TO = 1.1

/** Fisher's criterion of two tissues relative to the target's: the median must lie between, or as near as the source itself comes. */
export const FISHER_FROM = 0.9
export const FISHER_TO = 1.1

/** Mean change of a reference image that goes through the mapping, over the scan-rescan difference of the reference scanner: at most. */
export const REFERENCE_CHANGE_AT_MOST = 1
/** Share of a simulated change of volume of 1 to 5 % that is left: it survives within a tenth. */
export const ATROPHY_FROM = 0.9
export const ATROPHY_TO = 1.1
/** Gradient energy where the input has no edges, over what a curve would put there: at most (see docs/decisions/0010-preservation.md). */
export const NEW_EDGES_AT_MOST = 1.25
/** Difference of two scans of one person on one source scanner, after over before, in one unit (see consistency.ts): at most. */
export const CONSISTENCY_AT_MOST = 1.05

export function atrophyKept(share: number): boolean {
  return share >= ATROPHY_FROM && share <= ATROPHY_TO
}

/** The methods that a method must leave less error than: those of lower rungs, doing nothing among them. */
export function rivalsOf(method: string): readonly Method[] {
  return isMethod(method) ? METHODS.filter((name) => rungOf(name) < rungOf(method)) : METHODS
}

/**
 * Whether noise was neither smoothed away nor amplified: it may lie anywhere from that of the source (after one curve for the whole image) to that
 * of a scan on the target. A source with less noise than the target keeps its own; one whose coil is evened out gets the target's.
 * @param toTarget noise SD over the target's
 * @param toSource noise SD over that of the source after `tone`, where that is known
 */
export function noiseKept(toTarget: number, toSource: number | undefined): boolean {
  return (
    Math.max(toTarget, toSource ?? 0) >= NOISE_AT_LEAST &&
    (toSource === undefined || Math.min(toTarget, toSource) <= NOISE_AT_MOST)
  )
}

/**
 * @param median of harmonized over target contrast
 * @param part   of the tolerance that may be used
 */
export function lesionsKept(median: number, part: number = 1): boolean {
  const { from, to } = lesionRange(part)
  return median >= from && median <= to
}

/** In words. */
export function lesionLimits(part: number): string {
  const { from, to } = lesionRange(part)
  return `${from.toFixed(2)} to ${to.toFixed(2)}`
}

function lesionRange(part: number): { readonly from: number; readonly to: number } {
  return { from: 1 - part * (1 - LESIONS_FROM), to: 1 + part * (LESIONS_TO - 1) }
}

/**
 * How far the separation of two tissues lies outside what is allowed, as a logarithm; 0 and below it is allowed. A correction of intensities
 * neither sharpens nor denoises: where noise or resolution of the source make it separate tissues less than the target (or more),
 * it may stay so, but must not get worse.
 * @param ratio  Fisher's criterion, harmonized over target
 * @param source the same of the source as it came, where that is known
 */
export function separationExcess(ratio: number, source: number = 1): number {
  const low = FISHER_FROM * Math.min(1, source)
  const high = FISHER_TO * Math.max(1, source)
  return Math.max(Math.log(low / ratio), Math.log(ratio / high))
}
