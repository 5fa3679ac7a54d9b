/** Every metric of one pair of scans, for every method. */
import type { Pair } from '../src/cohort/cohort.ts'
import { loadPair, loadScan } from '../src/cohort/images.ts'
import { RefusedError } from '../src/errors.ts'
import type { LesionResult, PairResult } from '../src/evidence/evidence.ts'
import { type LesionTruth, lesionResults, lesionTruth } from '../src/harmonizer/lesions.ts'
import { mae } from '../src/metrics/mae.ts'
import { flatVoxels, residualSd } from '../src/metrics/noise.ts'
import { psnr } from '../src/metrics/psnr.ts'
import { ssim } from '../src/metrics/ssim.ts'
import { type Grid, toFloat32 } from '../src/volume/volume.ts'
import type { Correction } from './corrections.ts'

export interface MeasuredPair {
  readonly pair: Pair
  readonly results: readonly PairResult[]
  readonly lesions: readonly LesionResult[]
  /** Absent where the cohort has no lesion truth for the pair. */
  readonly truth: LesionTruth | undefined
  readonly images: PairImages
}

/** What pictures and curves are drawn from; not kept beyond the pair. */
export interface PairImages {
  readonly grid: Grid
  readonly mask: Uint8Array
  readonly source: Float32Array
  readonly target: Float32Array
  readonly outputs: ReadonlyMap<string, Float32Array>
}

export interface Refusal {
  readonly pair: Pair
  readonly reason: string
}

/**
 * Methods see the source scan with its own mask, as they would in use; metrics are taken where both masks overlap.
 * @param range the reference's robust range
 * @returns a refusal where a guard of the harmonizer says no to the scan
 */
export async function measurePair(
  pair: Pair,
  corrections: readonly Correction[],
  range: number,
): Promise<MeasuredPair | Refusal> {
  const own = await loadScan(pair.source)
  const { source, target, mask } = await loadPair(pair)
  const y = toFloat32(target)
  const outputs = new Map<string, Float32Array>()
  try {
    for (const { name, apply } of corrections)
      outputs.set(name, await apply(own.volume, own.mask, pair.source.domain))
  } catch (error) {
    if (error instanceof RefusedError) return { pair, reason: error.what }
    throw error
  }
  const grid: Grid = { shape: source.shape, affine: source.affine }
  const flat = flatVoxels(y, grid.shape, mask)
  const targetNoise = residualSd(y, grid.shape, flat)
  const voxels = mask.reduce((sum, inside) => sum + inside, 0)
  const results = [...outputs].map(([method, x]): PairResult => {
    const decibel = psnr(x, y, mask, range)
    const noise = residualSd(x, grid.shape, flat)
    return {
      subject: pair.subject,
      domain: pair.source.domain,
      sourceSession: pair.source.session,
      targetSession: pair.target.session,
      method,
      voxels,
      mae: mae(x, y, mask) / range,
      ...(Number.isFinite(decibel) && { psnr: decibel }),
      ssim: ssim(x, y, grid.shape, mask, range),
      ...(Number.isFinite(noise) && { noiseSd: noise }),
      ...(Number.isFinite(targetNoise) && { targetNoiseSd: targetNoise }),
    }
  })
  const images: PairImages = { grid, mask, source: toFloat32(source), target: y, outputs }
  const truth = await lesionTruth(pair, grid, mask)
  const corrected = new Map([...outputs].filter(([name]) => name !== 'identity'))
  return {
    pair,
    results,
    lesions: truth === undefined ? [] : lesionResults(pair, grid, truth, images, corrected, mask),
    truth,
    images,
  }
}
