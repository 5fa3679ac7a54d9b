/** What a correction must not do: the limits that validation holds a bundle to, and by which `auto` chooses its method. */
import { isMethod, METHODS } from './ladder.ts'
import type { Method } from './method.ts'

/** Least noise relative to the target's, and most relative to the source's after `tone`. */
export const NOISE_AT_LEAST = 0.8
export const NOISE_AT_MOST = 1.1
/** Contrast of lesions relative to the target's: the median must lie between. */
export const LESIONS_FROM = 0.9
export const LESIONS_TO = 1.1

/** A method must leave less error than those of these that are weaker. */
const RIVALS: readonly Method[] = ['zscore', 'histogram', 'tone']

export function rivalsOf(method: string): readonly Method[] {
  const place = isMethod(method) ? METHODS.indexOf(method) : METHODS.length
  return METHODS.slice(0, place).filter((name) => RIVALS.includes(name))
}

/**
 * Whether noise was neither smoothed away nor amplified. A source with less noise than the target keeps its own.
 * @param toTarget noise SD over the target's
 * @param toSource noise SD over that of the source after `tone`, where that is known
 */
export function noiseKept(toTarget: number, toSource: number | undefined): boolean {
  return Math.max(toTarget, toSource ?? 0) >= NOISE_AT_LEAST && (toSource ?? 0) <= NOISE_AT_MOST
}

/** @param median of harmonized over target contrast */
export function lesionsKept(median: number): boolean {
  return median >= LESIONS_FROM && median <= LESIONS_TO
}
