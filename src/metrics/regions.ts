/** Homogeneous regions: where the mean of an image in a physical unit is known, and must not move. */
import { distanceToMask } from '../kernels/morphology.ts'
import type { Shape } from '../volume/volume.ts'

/**
 * Voxels of every region that lie further than `marginMm` from any voxel of another region (0 counts as one), so that no blur of neighbours
 * reaches them; the border of the image does not count. A region narrower than twice the margin vanishes.
 * @param regions 0, or the number of a region; length nx * ny * nz
 * @returns the same numbers, 0 outside the cores
 */
export function coresOf(
  regions: Uint8Array,
  shape: Shape,
  voxelMm: readonly [number, number, number],
  marginMm: number,
): Uint8Array {
  const cores = new Uint8Array(regions.length)
  for (const region of new Set(regions)) {
    if (region === 0) continue
    const others = Uint8Array.from(regions, (label) => (label === region ? 0 : 1))
    const distance = distanceToMask(others, shape, voxelMm)
    for (let i = 0; i < cores.length; i++)
      if (regions[i] === region && distance[i]! > marginMm ** 2) cores[i] = region
  }
  return cores
}

export interface RegionMeans {
  readonly region: number
  readonly voxels: number
  /** In the unit of the images. */
  readonly before: number
  readonly after: number
}

/** Means of two images of one grid in the same regions, in the order of their numbers; voxels that are no number in either are left out. */
export function regionMeans(
  before: Float32Array,
  after: Float32Array,
  regions: Uint8Array,
): readonly RegionMeans[] {
  const sums = new Map<number, { voxels: number; before: number; after: number }>()
  for (let i = 0; i < regions.length; i++) {
    const region = regions[i]!
    if (region === 0 || !Number.isFinite(before[i]) || !Number.isFinite(after[i])) continue
    const own = sums.get(region) ?? { voxels: 0, before: 0, after: 0 }
    own.voxels++
    own.before += before[i]!
    own.after += after[i]!
    sums.set(region, own)
  }
  return [...sums]
    .sort(([a], [b]) => a - b)
    .map(([region, own]) => ({
      ...{ region, voxels: own.voxels },
      before: own.before / own.voxels,
      after: own.after / own.voxels,
    }))
}

/** Intervals of local mean that name what a CT shows, HU; gaps between them belong to mixtures. */
export const HU_CLASSES = [
  { name: 'air', from: -1040, to: -960 },
  { name: 'fat', from: -130, to: -70 },
  { name: 'water', from: -15, to: 15 },
  { name: 'soft tissue', from: 35, to: 80 },
  { name: 'bone', from: 400, to: 1600 },
] as const

/**
 * The class of every voxel by the mean around it, where no truth says it: 1 to 5 as in `HU_CLASSES`, else 0. The mean of n voxels has 1/sqrt(n)
 * of their noise: 5 x 5 pixels tell fat from water up to 100 HU of noise.
 * @param local the image, smoothed
 */
export function huClasses(local: Float32Array): Uint8Array {
  return Uint8Array.from(
    local,
    (value) => 1 + HU_CLASSES.findIndex(({ from, to }) => value >= from && value <= to),
  )
}
