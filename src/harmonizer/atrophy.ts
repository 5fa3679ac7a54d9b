/** A small change of volume put into a scan: does it survive harmonization? */
import { boundaryShift, SHIFT_REACH_VOXELS, shifted } from '../kernels/boundary-shift.ts'
import { type Box, boxAround, cropped, pasted } from '../kernels/box.ts'
import { meanCurve } from '../kernels/mean-curve.ts'
import { applyCurveInto } from '../kernels/monotone.ts'
import { distanceToMask, largestComponent } from '../kernels/morphology.ts'
import { type Change, changeKept } from '../metrics/change-kept.ts'
import { fisherRatio, type TissueMoments, tissueMoments } from '../metrics/fisher-ratio.ts'
import { type Grid, toFloat32, type Volume, volumeOf, voxelSize } from '../volume/volume.ts'

/** Losses put in, percent of the region's volume: the ends of what is asked for. */
export const ATROPHY_PERCENTS: readonly number[] = [1, 5]
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
  /** Lost from `earlier` to `later`, of the region's volume. */
  readonly percent: number
  /** The scan with the region larger by half of it, and smaller by half of it: both are equally far from the scan as it came. */
  readonly earlier: Volume
  readonly later: Volume
  /**
   * Share of the loss that is left between what a method made of the two; `asItCame`: of the scan. NaN for constant images.
   * @param shared what one mapping makes of the two, where it varies over space; without it, the curve that the mapping comes to here
   */
  kept(
    earlier: Float32Array,
    later: Float32Array,
    asItCame: Float32Array,
    shared?: readonly Float32Array[],
  ): number
}

/**
 * A region of the scan's tissue map, and two visits between which that region has become smaller by known amounts: by a displacement of its border, so
 * that noise, texture and sharpness stay those of the scan. The region is the connected part of one tissue, deep in the mask, that stands
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
    const [grown, shrunk] = [percent / 2, -percent / 2].map((change) => {
      const shift = boundaryShift(inBox, box.shape, change)
      return (part: Float32Array) => shifted(part, box.shape, shift)
    }) as [Deform, Deform]
    const visit = (deform: Deform): Volume =>
      volumeOf(scan, pasted(x, shape, box, deform(cropped(x, shape, box))), { unit, history })
    return {
      percent,
      earlier: visit(grown),
      later: visit(shrunk),
      kept: (earlier, later, asItCame, shared) => {
        const part = cropped(x, shape, box)
        const harmonized = cropped(asItCame, shape, box)
        const change = (from: Float32Array, to: Float32Array): Change => ({
          from: cropped(from, shape, box),
          to: cropped(to, shape, box),
        })
        const [sharedEarlier, sharedLater] = shared ?? []
        const recoloured = recolouring(part, harmonized)
        const expected =
          sharedEarlier === undefined || sharedLater === undefined
            ? { from: recoloured(grown(part)), to: recoloured(shrunk(part)) }
            : change(sharedEarlier, sharedLater)
        return changeKept(harmonized, change(earlier, later), expected, box.shape)
      },
    }
  })
  return { tissue, regionMl, trials }
}

/** What takes an image through the curve that the mapping comes to in this part of it. */
function recolouring(x: Float32Array, harmonized: Float32Array): (image: Float32Array) => Float32Array {
  const curve = meanCurve(x, harmonized, new Uint8Array(x.length).fill(1))
  return (image) => {
    const out = new Float32Array(image.length)
    applyCurveInto(out, image, curve)
    return out
  }
}

type Deform = (part: Float32Array) => Float32Array

interface Region {
  readonly tissue: number
  readonly voxels: Uint8Array
}

/** Of every tissue the largest connected parts that lie deep in the mask, where their size is right. */
function deepRegions(labels: Uint8Array, mask: Uint8Array, grid: Grid): readonly Region[] {
  const outside = mask.map((value) => (value === 0 ? 1 : 0))
  const depth = distanceToMask(outside, grid.shape, voxelSize(grid))
  const deepest = depth.reduce((most, value) => (Number.isFinite(value) ? Math.max(most, value) : most), 0)
  const deep = Uint8Array.from(depth, (value) => (value >= DEPTH ** 2 * deepest ? 1 : 0))
  const box = boxAround(deep, grid.shape, 0)
  const deepInBox = cropped(deep, grid.shape, box)
  const inBox = cropped(labels, grid.shape, box).map((label, i) => (deepInBox[i] === 0 ? 0 : label))
  const tissues = [...new Set(inBox.filter((label) => label > 0))]
  return tissues.flatMap((tissue) => {
    const left = inBox.map((label) => (label === tissue ? 1 : 0))
    const found: Region[] = []
    for (let part = 0; part < MOST_PARTS; part++) {
      const region = largestComponent(left, box.shape)
      const ml = volumeMl(region, grid)
      if (ml < LEAST_ML) break
      if (ml <= MOST_ML)
        found.push({ tissue, voxels: pasted(new Uint8Array(labels.length), grid.shape, box, region) })
      for (let i = 0; i < left.length; i++) if (region[i] !== 0) left[i] = 0
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
