/** How methods do on one pair of scans: error, noise, order and separation of tissues, lesions. What `auto` chooses by. */
import type { Pair } from '../src/cohort/cohort.ts'
import { loadPair, loadScan } from '../src/cohort/images.ts'
import { UnfittableError } from '../src/errors.ts'
import { lesionResults, lesionTruth } from '../src/harmonizer/lesions.ts'
import type { Method } from '../src/harmonizer/method.ts'
import { scanSeparations, separationsOf, tissuesOf } from '../src/harmonizer/separation.ts'
import type { Failure, PairScore } from '../src/harmonizer/standing.ts'
import { keepsOrder } from '../src/metrics/intensity-order.ts'
import { mae } from '../src/metrics/mae.ts'
import { flatVoxels, residualSd } from '../src/metrics/noise.ts'
import { type Grid, toFloat32, type Volume } from '../src/volume/volume.ts'

/** A fitted method, ready to be applied. */
export interface Correction {
  readonly method: Method
  apply(volume: Volume, mask: Uint8Array, domain: string): Promise<Float32Array>
}

export interface Scores {
  readonly scores: readonly PairScore[]
  readonly failures: readonly Failure[]
}

/**
 * Methods see the source scan with its own mask, as they would in use; they are compared where both masks overlap.
 * @param range width of the reference's robust range, in its unit
 */
export async function scorePair(
  pair: Pair,
  corrections: readonly Correction[],
  range: number,
): Promise<Scores> {
  const own = await loadScan(pair.source)
  const { source, target, mask } = await loadPair(pair)
  const y = toFloat32(target)
  const grid: Grid = { shape: source.shape, affine: source.affine }
  const outputs = new Map<Method, Float32Array>()
  const failures: Failure[] = []
  for (const { method, apply } of corrections) {
    try {
      outputs.set(method, await apply(own.volume, own.mask, pair.source.domain))
    } catch (error) {
      if (!(error instanceof UnfittableError)) throw error
      failures.push({
        method,
        reason: `could not be applied to ${pair.subject}, ${pair.source.domain}: ${error.what}`,
      })
    }
  }
  const flat = flatVoxels(y, grid.shape, mask)
  const noiseOf = (x: Float32Array): number | undefined => {
    const sd = residualSd(x, grid.shape, flat) / range
    return Number.isFinite(sd) ? sd : undefined
  }
  const targetNoise = noiseOf(y)
  const truth = await lesionTruth(pair, grid, mask)
  const images = { source: toFloat32(source), target: y }
  const lesions = truth === undefined ? [] : lesionResults(pair, grid, truth, images, outputs, mask)
  const separations = scanSeparations(separationsOf(pair, await tissuesOf(pair, grid, mask, y), y, outputs))
  const scores = [...outputs].map(([method, x]): PairScore => {
    const noise = noiseOf(x)
    const separation = separations.find((row) => row.method === method)?.ratio
    return {
      subject: pair.subject,
      domain: pair.source.domain,
      session: pair.source.session,
      method,
      mae: mae(x, y, mask) / range,
      ...(noise !== undefined && { noise }),
      ...(targetNoise !== undefined && { targetNoise }),
      ordered: keepsOrder(x, y, mask),
      ...(separation !== undefined && { separation }),
      lesions: lesions.flatMap(({ visible, kept }) => (visible ? (kept[method] ?? []) : [])),
    }
  })
  const unmeasured = scores.filter((score) => !Number.isFinite(score.mae))
  return {
    scores: scores.filter((score) => Number.isFinite(score.mae)),
    failures: [
      ...failures,
      ...unmeasured.map(({ method, subject, domain }) => ({
        method,
        reason: `left no finite voxel on ${subject}, ${domain}`,
      })),
    ],
  }
}
