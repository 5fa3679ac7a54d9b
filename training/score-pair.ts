/** How methods do on one pair of scans: error, noise, order and separation of tissues, lesions. What `auto` chooses by. */
import type { Pair } from '../src/cohort/cohort.ts'
import { type LoadedScan, loadPair } from '../src/cohort/images.ts'
import { UnfittableError } from '../src/errors.ts'
import { atrophyTest } from '../src/harmonizer/atrophy.ts'
import { rungOf } from '../src/harmonizer/ladder.ts'
import { lesionResults, lesionTruth } from '../src/harmonizer/lesions.ts'
import type { Method } from '../src/harmonizer/method.ts'
import { referenceChanges } from '../src/harmonizer/reference-change.ts'
import { scanSeparations, separationsOf, tissuesOf } from '../src/harmonizer/separation.ts'
import type { Failure, PairScore } from '../src/harmonizer/standing.ts'
import type { Mapping, SharedMapping } from '../src/harmonizer/unguarded.ts'
import { keepsOrder } from '../src/metrics/intensity-order.ts'
import { mae } from '../src/metrics/mae.ts'
import { flatVoxels, residualSd } from '../src/metrics/noise.ts'
import { type Grid, toFloat32 } from '../src/volume/volume.ts'

/** A fitted method, ready to be applied. */
export interface Correction {
  readonly method: Method
  /** Images of the target are mapped as well, where the method knows the target. */
  readonly apply: Mapping
  /** Visits by one mapping; of curves that vary over space. */
  readonly share?: SharedMapping | undefined
}

export interface Scores {
  readonly scores: readonly PairScore[]
  readonly failures: readonly Failure[]
}

/** Mean change of each target scan by each method, so that it is measured once however many pairs share the scan. */
export type ReferenceChanges = Map<string, number | undefined>

/** From this rung on a method may change anatomy; below, it is one curve for the whole image, which draws nothing and moves no border. */
const LOCAL_RUNG = 3
/** Percent of a region: the largest of the losses that validation puts in. */
const LOSS = 5

/**
 * Methods see the source scan with its own mask, as they would in use; they are compared where both masks overlap.
 * @param range width of the reference's robust range, in its unit
 */
export async function scorePair(
  pair: Pair,
  corrections: readonly Correction[],
  range: number,
  references: ReferenceChanges = new Map(),
): Promise<Scores> {
  const {
    source,
    target,
    mask,
    scans: [own],
  } = await loadPair(pair)
  const y = toFloat32(target)
  const grid: Grid = { shape: source.shape, affine: source.affine }
  const outputs = new Map<Method, Float32Array>()
  const failures: Failure[] = []
  for (const { method, apply } of corrections) {
    try {
      outputs.set(method, await apply(own.volume, own.mask, own.origin))
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
  const tissues = await tissuesOf(pair, grid, mask, y)
  const separations = scanSeparations(separationsOf(pair, tissues, y, outputs))
  const kept = new Map<Method, Pick<PairScore, 'referenceChange' | 'atrophyKept'>>()
  for (const correction of corrections.filter(({ method }) => outputs.has(method))) {
    const x = outputs.get(correction.method) as Float32Array
    kept.set(correction.method, {
      ...finite('referenceChange', await referenceChange(pair, correction, range, references)),
      ...(rungOf(correction.method) >= LOCAL_RUNG && {
        ...finite('atrophyKept', await lossKept(own, tissues.labels, correction, x)),
      }),
    })
  }
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
      ...kept.get(method),
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

function finite<K extends string>(name: K, value: number | undefined): { [key in K]?: number } {
  return value !== undefined && Number.isFinite(value) ? ({ [name]: value } as { [key in K]: number }) : {}
}

async function referenceChange(
  { target }: Pair,
  { method, apply }: Correction,
  range: number,
  references: ReferenceChanges,
): Promise<number | undefined> {
  const key = JSON.stringify([method, target.image])
  if (!references.has(key)) references.set(key, (await referenceChanges([target], apply, range))[0]?.value)
  return references.get(key)
}

async function lossKept(
  { volume, mask, origin }: LoadedScan,
  labels: Uint8Array,
  { apply, share }: Correction,
  asItCame: Float32Array,
): Promise<number | undefined> {
  const [trial] = atrophyTest(volume, labels, mask, [LOSS])?.trials ?? []
  if (trial === undefined) return undefined
  const { earlier, later } = trial
  return trial.kept(
    await apply(earlier, mask, origin),
    await apply(later, mask, origin),
    asItCame,
    await share?.([earlier, later].map((visit) => ({ volume: visit, mask, origin }))),
  )
}
