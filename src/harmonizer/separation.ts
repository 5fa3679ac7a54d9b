/** How well tissues are told apart, in each image and in the target scan of the same person. */
import type { Pair } from '../cohort/cohort.ts'
import type { Separation } from '../evidence/evidence.ts'
import { readNifti } from '../formats/nifti/read.ts'
import { fuzzyClassMeans } from '../kernels/fuzzy-classes.ts'
import { gaussianSmooth } from '../kernels/gaussian.ts'
import { coarser, histogramOf } from '../kernels/histogram.ts'
import { fisherRatio, type TissueMoments, tissueMoments } from '../metrics/fisher-ratio.ts'
import type { Grid } from '../volume/volume.ts'
import { labelsOn } from './lesions.ts'

/** Tissues that fill less of the mask do not count: thin structures are mostly borders (chosen). */
const LEAST_SHARE = 0.01
/** In the target, the means of two tissues differ by at least this many SDs (squared): below, the quotient is one of noise (chosen). */
const LEAST_FISHER = 1
/** Fluid, grey and white matter in a brain. */
const CLASSES = 3
const BINS = 1024

export interface Tissues {
  /** Label of each voxel, 0 where none counts. */
  readonly labels: Uint8Array
  readonly from: 'truth' | 'estimate'
}

/**
 * The tissues of a pair on the source's grid: the column `tissue` of the source, or else of the target; where both lack it, three
 * classes by fuzzy c-means of the target scan, smoothed by one voxel first so that its noise has no say in which tissue a voxel is
 * (without, the target would look better separated than a rescan of it).
 * @param target the target scan on `grid`
 */
export async function tissuesOf(
  pair: Pair,
  grid: Grid,
  mask: Uint8Array,
  target: Float32Array,
): Promise<Tissues> {
  const path = pair.source.truth.tissue ?? pair.target.truth.tissue
  if (path !== undefined) {
    const found = labelsOn(grid, (await readNifti(path)).volume)
    const labels = Uint8Array.from(found, (label, i) =>
      mask[i] !== 0 && label > 0 && label < 256 ? label : 0,
    )
    return { labels, from: 'truth' }
  }
  return { labels: threeClasses(target, grid, mask), from: 'estimate' }
}

/** 1 the darkest, 3 the brightest; 0 outside the mask. */
function threeClasses(target: Float32Array, { shape }: Grid, mask: Uint8Array): Uint8Array {
  const inside = target.map((value, i) => (mask[i] === 0 || !Number.isFinite(value) ? 0 : value))
  const share = gaussianSmooth(Float32Array.from(mask), shape, [1, 1, 1])
  const smooth = gaussianSmooth(inside, shape, [1, 1, 1]).map(
    (value, i) => value / Math.max(share[i] ?? 0, 1e-6),
  )
  const { means, counts } = coarser(histogramOf(smooth, mask), BINS)
  if (means.length < CLASSES) return new Uint8Array(mask.length)
  const [dark = 0, middle = 0, bright = 0] = fuzzyClassMeans(means, counts, CLASSES)
  const [first, second] = [(dark + middle) / 2, (middle + bright) / 2]
  return Uint8Array.from(smooth, (value, i) =>
    mask[i] === 0 ? 0 : value < first ? 1 : value < second ? 2 : 3,
  )
}

/** One row per method and pair of tissues that are neighbours in the target's intensities and that the target tells apart. */
export function separationsOf(
  pair: Pair,
  { labels }: Tissues,
  target: Float32Array,
  outputs: ReadonlyMap<string, Float32Array>,
): readonly Separation[] {
  const reference = tissueMoments(target, labels)
  const inside = reference.slice(1).reduce((sum, { n }) => sum + n, 0)
  const byMean = reference
    .flatMap(({ n, mean }, label) =>
      label > 0 && n > 0 && n >= LEAST_SHARE * inside ? [{ label, n, mean }] : [],
    )
    .toSorted((a, b) => a.mean - b.mean)
  const moments = [...outputs].map(([method, x]) => ({ method, tissues: tissueMoments(x, labels) }))
  const criterion = (tissues: readonly TissueMoments[], dark: number, bright: number): number =>
    fisherRatio(tissues[dark] as TissueMoments, tissues[bright] as TissueMoments)
  return byMean.slice(1).flatMap(({ label: bright, n }, i) => {
    const { label: dark, n: darkVoxels } = byMean[i] as (typeof byMean)[number]
    const targetFisher = criterion(reference, dark, bright)
    if (!(targetFisher >= LEAST_FISHER)) return []
    return moments.flatMap(({ method, tissues: own }): Separation[] => {
      const fisher = criterion(own, dark, bright)
      if (!Number.isFinite(fisher)) return []
      const { domain, session } = pair.source
      const voxels = Math.min(darkVoxels, n)
      const tissues = [dark, bright] as const
      return [{ subject: pair.subject, domain, session, method, tissues, voxels, fisher, targetFisher }]
    })
  })
}

/** One scan as one method left it. */
export interface ScanSeparation extends Pick<Separation, 'subject' | 'domain' | 'session' | 'method'> {
  /** Fisher's criterion over the target's: the geometric mean over pairs of tissues, weighted by the smaller tissue of each. */
  readonly ratio: number
}

/**
 * One figure a scan: single pairs of small tissues vary by tens of percent from person to person, and the worst of many pairs would be
 * judged by chance.
 */
export function scanSeparations(rows: readonly Separation[]): readonly ScanSeparation[] {
  const scans = new Map<string, Separation[]>()
  for (const row of rows) {
    const key = JSON.stringify([row.subject, row.domain, row.session, row.method])
    scans.set(key, [...(scans.get(key) ?? []), row])
  }
  return [...scans.values()].map((own) => {
    const total = own.reduce((sum, { voxels }) => sum + voxels, 0)
    const logs = own.reduce(
      (sum, { voxels, fisher, targetFisher }) => sum + voxels * Math.log(fisher / targetFisher),
      0,
    )
    const { subject, domain, session, method } = own[0] as Separation
    return { subject, domain, session, method, ratio: Math.exp(logs / total) }
  })
}
