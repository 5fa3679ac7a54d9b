/** Coarse images on one grid, in which scans of different people can be compared. */
import type { Confidence, IdentificationResult } from '../src/evidence/evidence.ts'
import { gaussianSmooth } from '../src/kernels/gaussian.ts'
import { transformPoint } from '../src/kernels/matrix.ts'
import { type Comparison, correlation, identification } from '../src/metrics/identification.ts'
import { resample } from '../src/spatial/resample.ts'
import { type Grid, volumeOf, voxelSize } from '../src/volume/volume.ts'
import { confidenceOf, type FamilyOf } from './intervals.ts'

/** Fine enough for ventricles and gyri, coarse enough to hold hundreds of scans (chosen: 0.5 MB each). */
const EDGE_MM = 4
/** FWHM of the smoothing before: one coarse voxel. */
const SD_MM: number = EDGE_MM / 2.355

/** Cubes of 4 mm along the world's axes that fill the field of view of `grid`. */
export function portraitGrid({ shape, affine }: Grid): Grid {
  const ends = [0, 1].flatMap((i) => [0, 1].flatMap((j) => [0, 1].map((k) => [i, j, k] as const)))
  const corners = ends.map(([i, j, k]) =>
    transformPoint(affine, [i * (shape[0] - 1), j * (shape[1] - 1), k * (shape[2] - 1)]),
  )
  const low = ([0, 1, 2] as const).map((axis) => Math.min(...corners.map((c) => c[axis])))
  const high = ([0, 1, 2] as const).map((axis) => Math.max(...corners.map((c) => c[axis])))
  const [nx = 1, ny = 1, nz = 1] = low.map((from, axis) =>
    Math.max(1, Math.floor(((high[axis] ?? from) - from) / EDGE_MM) + 1),
  )
  const [x = 0, y = 0, z = 0] = low
  return { shape: [nx, ny, nz], affine: [EDGE_MM, 0, 0, x, 0, EDGE_MM, 0, y, 0, 0, EDGE_MM, z, 0, 0, 0, 1] }
}

/** The smoothed image at the voxels of `coarse`; NaN outside its mask. */
export function portraitOf(x: Float32Array, grid: Grid, mask: Uint8Array, coarse: Grid): Float32Array {
  const voxel = voxelSize(grid)
  const smooth = gaussianSmooth(x, grid.shape, [SD_MM / voxel[0], SD_MM / voxel[1], SD_MM / voxel[2]])
  const values = resample(volumeOf(grid, smooth), coarse, 'linear', Number.NaN).data
  const inside = resample(volumeOf(grid, mask), coarse, 'nearest').data
  return Float32Array.from(values, (value, i) => (inside[i] === 0 ? Number.NaN : value))
}

export interface Portrait {
  readonly subject: string
  readonly pixels: Float32Array
}

/**
 * Whether scans find their own person among the target scans, before and after.
 * @param targets one per subject
 * @param scans   by method: the source scans as that method left them
 */
export function identify(
  targets: readonly Portrait[],
  scans: ReadonlyMap<string, readonly Portrait[]>,
  familyOf: FamilyOf,
): IdentificationResult {
  if (targets.length < 2)
    return { subjects: targets.length, results: [], note: 'One subject: there is nobody to be taken for.' }
  const results = [...scans].map(([method, portraits]) => {
    const comparisons = portraits.map(
      ({ subject, pixels }): Comparison => ({
        subject,
        similarities: new Map(targets.map((target) => [target.subject, correlation(pixels, target.pixels)])),
      }),
    )
    const rankOne = (rows: readonly Comparison[]): number => identification(rows).rankOne
    const confidence: Confidence | undefined = confidenceOf(comparisons, familyOf, rankOne)
    return {
      method,
      scans: portraits.length,
      ...identification(comparisons),
      ...(confidence && { confidence }),
    }
  })
  return { subjects: targets.length, results }
}
