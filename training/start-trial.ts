/** Whether curves of a universal harmonizer help with these scans, tried before training starts from them. */
import type { Pair } from '../src/cohort/cohort.ts'
import { loadPair } from '../src/cohort/images.ts'
import type { Harmonizer } from '../src/harmonizer/harmonizer.ts'
import { forcedMapping } from '../src/harmonizer/unguarded.ts'
import { fitToneCurve, toneKnots } from '../src/intensity/tone.ts'
import { evaluateCurve } from '../src/kernels/monotone.ts'
import { toFloat32 } from '../src/volume/volume.ts'
import { pairedSample } from './closed-form.ts'

/** Pairs tried, one of each scanner: a universal harmonizer takes seconds for each. */
const MOST_PAIRS = 6
const POINTS = 50_000
const SEGMENTS = 16

/**
 * How far one curve of the whole image is from the target after the universal harmonizer, over how far without it: below 1 it has brought
 * source and target closer than any curve could.
 * @param harmonizer from any scanner; closed at the end
 * @returns the median over pairs of different scanners; 1 where there are none
 */
export async function errorFromStart(harmonizer: Harmonizer, pairs: readonly Pair[]): Promise<number> {
  const tried = [...new Map(pairs.toReversed().map((pair) => [pair.source.domain, pair])).values()]
  const ratios: number[] = []
  try {
    const mapped = forcedMapping(harmonizer)
    for (const pair of tried.slice(0, MOST_PAIRS)) {
      const { source, target, mask, scans } = await loadPair(pair)
      const [own] = scans
      const y = toFloat32(target)
      const output = await mapped(own.volume, own.mask, own.origin)
      ratios.push(errorOfCurve(output, y, mask) / errorOfCurve(toFloat32(source), y, mask))
    }
  } finally {
    await harmonizer.close()
  }
  const sorted = ratios.filter((ratio) => ratio > 0).sort((a, b) => a - b)
  return sorted[(sorted.length - 1) >> 1] ?? 1
}

/** Mean absolute error of the increasing curve that brings x nearest to y in the mask. */
function errorOfCurve(x: Float32Array, y: Float32Array, mask: Uint8Array): number {
  const sample = pairedSample(x, y, mask, POINTS)
  const known = (_: number, n: number): boolean =>
    Number.isFinite(sample.u[n]) && Number.isFinite(sample.y[n])
  const [u, wanted] = [sample.u.filter(known), sample.y.filter(known)]
  const knots = toneKnots(u.toSorted(), SEGMENTS)
  const values = fitToneCurve(u, wanted, knots)
  const error = (value: number, n: number): number =>
    Math.abs(evaluateCurve({ knots, values }, value) - (wanted[n] as number))
  return u.reduce((sum, value, n) => sum + error(value, n), 0) / u.length
}
