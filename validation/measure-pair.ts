/** Every metric of one pair of scans, for every method. */
import type { Pair } from '../src/cohort/cohort.ts'
import { type LoadedScan, loadPair } from '../src/cohort/images.ts'
import { RefusedError, UnfittableError } from '../src/errors.ts'
import type {
  AtrophyResult,
  LesionResult,
  PairResult,
  Separation,
  UnitResult,
} from '../src/evidence/evidence.ts'
import { atrophyTest } from '../src/harmonizer/atrophy.ts'
import { type LesionTruth, lesionResults, lesionTruth } from '../src/harmonizer/lesions.ts'
import { separationsOf, type Tissues, tissuesOf } from '../src/harmonizer/separation.ts'
import { mae } from '../src/metrics/mae.ts'
import { newEdges } from '../src/metrics/new-edges.ts'
import { flatVoxels, residualSd } from '../src/metrics/noise.ts'
import { psnr } from '../src/metrics/psnr.ts'
import { robustRange } from '../src/metrics/robust-range.ts'
import { scanFeatures } from '../src/metrics/scan-features.ts'
import { ssimTo } from '../src/metrics/ssim.ts'
import { type Grid, toFloat32, voxelSize } from '../src/volume/volume.ts'
import type { Correction } from './corrections.ts'
import { unitResult } from './unit-scores.ts'

export interface MeasuredPair {
  readonly pair: Pair
  readonly results: readonly PairResult[]
  readonly lesions: readonly LesionResult[]
  /** Absent where the cohort has no lesion truth for the pair. */
  readonly truth: LesionTruth | undefined
  readonly separations: readonly Separation[]
  /** Empty where the scan has no region to change. */
  readonly atrophy: readonly AtrophyResult[]
  readonly tissues: Tissues['from']
  /** Of the source scan as each method left it, in its own mask: see `scanFeatures`. */
  readonly features: ReadonlyMap<string, Float64Array>
  /** Of scans in HU or SUV: what the method under test kept. */
  readonly unit: UnitResult | undefined
  readonly images: PairImages
}

/** What pictures and curves are drawn from; not kept beyond the pair. */
export interface PairImages {
  readonly grid: Grid
  /** Where both masks overlap; the source's own. */
  readonly mask: Uint8Array
  readonly ownMask: Uint8Array
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
 * @param corrections the last one is the one under test; another that does not fit an image is left out there
 * @param range       the reference's robust range
 * @returns a refusal where a guard of the harmonizer says no to the scan
 */
export async function measurePair(
  pair: Pair,
  corrections: readonly Correction[],
  range: number,
): Promise<MeasuredPair | Refusal> {
  const {
    source,
    target,
    mask,
    scans: [own],
  } = await loadPair(pair)
  const y = toFloat32(target)
  const outputs = new Map<string, Float32Array>()
  for (const correction of corrections)
    try {
      outputs.set(correction.name, await correction.apply(own.volume, own.mask, own.origin))
    } catch (error) {
      if (error instanceof RefusedError) return { pair, reason: error.what }
      if (!(error instanceof UnfittableError) || correction === corrections.at(-1)) throw error
    }
  const grid: Grid = { shape: source.shape, affine: source.affine }
  const flat = flatVoxels(y, grid.shape, mask)
  const targetNoise = residualSd(y, grid.shape, flat)
  const voxels = mask.reduce((sum, inside) => sum + inside, 0)
  const similarity = ssimTo(y, grid.shape, mask, range)
  const tested = corrections.at(-1) as Correction
  const x0 = toFloat32(source)
  const back = await tested.backAndForth?.(own.volume, own.mask, own.origin)
  const roundTrip = back && mae(back, x0, mask) / robustRange(x0, mask)
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
      ssim: similarity(x),
      ...(Number.isFinite(noise) && { noiseSd: noise }),
      ...(Number.isFinite(targetNoise) && { targetNoiseSd: targetNoise }),
      ...(method === tested.name && {
        ...finite('newEdges', newEdges(x0, x, grid.shape, mask)),
        ...finite('roundTrip', roundTrip ?? Number.NaN),
      }),
    }
  })
  const images: PairImages = { grid, mask, ownMask: own.mask, source: x0, target: y, outputs }
  const tissues = await tissuesOf(pair, grid, mask, y)
  const features = [...outputs].map(
    ([method, x]) => [method, scanFeatures(x, grid.shape, own.mask, voxelSize(grid))] as const,
  )
  const truth = await lesionTruth(pair, grid, mask)
  const { unit } = own.volume
  const harmonized = outputs.get(tested.name) as Float32Array
  const corrected = new Map([...outputs].filter(([name]) => name !== 'identity'))
  return {
    pair,
    results,
    lesions: truth === undefined ? [] : lesionResults(pair, grid, truth, images, corrected, mask),
    truth,
    separations: separationsOf(pair, tissues, y, outputs),
    atrophy: await atrophyOf(pair, own, tissues, tested, harmonized),
    tissues: tissues.from,
    features: new Map(features),
    unit: unit === 'HU' || unit === 'SUVbw' ? await unitResult(unit, pair, images, harmonized) : undefined,
    images,
  }
}

function finite<K extends string>(name: K, value: number): { [key in K]?: number } {
  return Number.isFinite(value) ? ({ [name]: value } as { [key in K]: number }) : {}
}

/** Small changes of volume are put into the scan as it came, and the harmonizer is applied again. */
async function atrophyOf(
  { subject, source: { domain, session } }: Pair,
  { volume, mask, origin }: LoadedScan,
  { labels }: Tissues,
  { unguarded, share }: Correction,
  asItCame: Float32Array,
): Promise<readonly AtrophyResult[]> {
  const test = atrophyTest(volume, labels, mask)
  if (test === undefined) return []
  const { tissue, regionMl, trials } = test
  const found: AtrophyResult[] = []
  for (const { percent, earlier, later, kept } of trials) {
    const outputs = [await unguarded(earlier, mask, origin), await unguarded(later, mask, origin)] as const
    const shared = await share?.([earlier, later].map((visit) => ({ volume: visit, mask, origin })))
    const left = kept(...outputs, asItCame, shared)
    if (Number.isFinite(left)) found.push({ subject, domain, session, tissue, regionMl, percent, kept: left })
  }
  return found
}
