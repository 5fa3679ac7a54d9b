/** A small change of volume put into a scan: does it survive harmonization? */
import { boundaryShift, SHIFT_REACH_VOXELS, shifted } from '../kernels/boundary-shift.ts'
import { type Box, boxAround, cropped, pasted } from '../kernels/box.ts'
import { distanceToMask, largestComponent } from '../kernels/morphology.ts'
import { changeKept } from '../metrics/change-kept.ts'
import { fisherRatio, type TissueMoments, tissueMoments } from '../metrics/fisher-ratio.ts'
import { type Grid, toFloat32, type Volume, volumeOf, voxelSize } from '../volume/volume.ts'

/** Changes put in, percent of the region's volume: the ends of what is asked for. */
export const ATROPHY_PERCENTS: readonly number[] = [-1, -5]
/** The region lies at least this far below the surface, as a part of the deepest voxel's depth: ventricles do, sulci do not (chosen). */
const DEPTH = 0.4
/** Volume of a region that is tried, ml: ventricles have 10 to 150, nuclei 2 to 10. */
const LEAST_ML = 2
const MOST_ML = 150
/** Surroundings with which a region is compared, mm (chosen). */
const NEAR_MM = 6
/** Connected parts of one tissue that are looked at, from the largest (chosen). */
const MOST_PARTS = 4

export interface AtrophyTest {
  /** Label of the tissue of which a region changes. */
  readonly tissue: number
  readonly regionMl: number
  readonly trials: readonly AtrophyTrial[]
}

export interface AtrophyTrial {
  /** Of the region's volume. */
  readonly percent: number
  /** The scan with the change in it. */
  readonly changed: Volume
  /** Share of the change that is left from `before` to `after`, what a method made of the scan and of `changed`; NaN for constant images. */
  kept(before: Float32Array, after: Float32Array): number
}

/**
 * A region of the scan's tissue map, and the scan with that region made smaller by known amounts: by a displacement of its border, so that
 * noise, texture and sharpness stay those of the scan. The region is the connected part of one tissue, deep in the mask, that stands
 * out most from its surroundings.
 *
 * @param labels tissue of each voxel, 0 where none counts
 * @returns `undefined` where no region is large and deep enough
 */
export function atrophyTest(
  scan: Volume,
  labels: Uint8Array,
  mask: Uint8Array,
  percents: readonly number[] = ATROPHY_PERCENTS,
): AtrophyTest | undefined {
  const x = toFloat32(scan)
  const [best] = deepRegions(labels, mask, scan)
    .map((region) => measured(region, x, scan))
    .toSorted((a, b) => b.separation - a.separation)
  if (best === undefined) return undefined
  const { tissue, box, inBox } = best
  const { unit, history, shape } = scan
  const regionMl = volumeMl(inBox, scan)
  const trials = percents.map((percent): AtrophyTrial => {
    const shift = boundaryShift(inBox, box.shape, percent)
    const deform = (part: Float32Array): Float32Array => shifted(part, box.shape, shift)
    const changed = pasted(x, shape, box, asStored(deform(cropped(x, shape, box)), scan))
    return {
      percent,
      changed: volumeOf(scan, changed, { unit, history }),
      kept: (before, after) => {
        const part = cropped(before, shape, box)
        return changeKept(part, cropped(after, shape, box), deform(part))
      },
    }
  })
  return { tissue, regionMl, trials }
}

/** Whole numbers stay whole: ranks of ties are not those of fractions. */
function asStored(values: Float32Array, { data, scale: { slope, intercept } }: Volume): Float32Array {
  if (data instanceof Float32Array || data instanceof Float64Array) return values
  return values.map((value) => Math.round((value - intercept) / slope) * slope + intercept)
}

interface Region {
  readonly tissue: number
  readonly voxels: Uint8Array
}

/** Of every tissue the largest connected parts that lie deep in the mask, where their size is right. */
function deepRegions(labels: Uint8Array, mask: Uint8Array, grid: Grid): readonly Region[] {
  const outside = mask.map((value) => (value === 0 ? 1 : 0))
  const depth = distanceToMask(outside, grid.shape, voxelSize(grid))
  const deepest = depth.reduce((most, value) => (Number.isFinite(value) ? Math.max(most, value) : most), 0)
  const deep = depth.map((value) => (value >= DEPTH ** 2 * deepest ? 1 : 0))
  const tissues = [...new Set(labels.filter((label, i) => label > 0 && deep[i] !== 0))]
  return tissues.flatMap((tissue) => {
    const left = labels.map((label, i) => (label === tissue && deep[i] !== 0 ? 1 : 0))
    const found: Region[] = []
    for (let part = 0; part < MOST_PARTS; part++) {
      const voxels = largestComponent(left, grid.shape)
      const ml = volumeMl(voxels, grid)
      if (ml < LEAST_ML) break
      if (ml <= MOST_ML) found.push({ tissue, voxels })
      for (let i = 0; i < left.length; i++) if (voxels[i] !== 0) left[i] = 0
    }
    return found
  })
}

interface MeasuredRegion {
  readonly tissue: number
  readonly box: Box
  /** The region in the box. */
  readonly inBox: Uint8Array
  /** Fisher's criterion of region and surroundings; 0 where it cannot be known. */
  readonly separation: number
}

function measured({ tissue, voxels }: Region, x: Float32Array, grid: Grid): MeasuredRegion {
  const box = boxAround(voxels, grid.shape, SHIFT_REACH_VOXELS)
  const inBox = cropped(voxels, grid.shape, box)
  const distance = distanceToMask(inBox, box.shape, voxelSize(grid))
  const sides = inBox.map((inside, i) => (inside !== 0 ? 1 : (distance[i] as number) <= NEAR_MM ** 2 ? 2 : 0))
  const [, inside, around] = tissueMoments(cropped(x, grid.shape, box), sides)
  const separation = fisherRatio(inside as TissueMoments, around as TissueMoments)
  return { tissue, box, inBox, separation: Number.isFinite(separation) ? separation : 0 }
}

function volumeMl(region: Uint8Array, grid: Grid): number {
  const voxels = region.reduce((sum, inside) => sum + inside, 0)
  return voxelSize(grid).reduce((volume, edge) => volume * edge, voxels) / 1000
}
