/** The two figures that PET studies follow: the hottest voxel, and the hottest cubic centimetre. */
import type { Shape } from '../volume/volume.ts'

/** Of a region; NaN where it holds no finite voxel. */
export function suvMax(x: Float32Array, region: Uint8Array): number {
  let most = Number.NaN
  for (let i = 0; i < x.length; i++)
    if (region[i] !== 0 && Number.isFinite(x[i]) && !((x[i] as number) <= most)) most = x[i] as number
  return most
}

/** Radius in mm of the sphere of 1 cm³. */
export const PEAK_RADIUS_MM: number = 10 * (3 / (4 * Math.PI)) ** (1 / 3)

export interface SuvPeak {
  /** g/ml; NaN where no sphere fits. */
  readonly value: number
  /** Voxel at the centre of the sphere; -1 where none fits. */
  readonly centre: number
  /** Of the sphere as sampled: 1 where the grid is fine. */
  readonly volumeMl: number
}

/** Samples per voxel and axis that decide how much of a border voxel lies in the sphere. */
const SAMPLES = 5

/**
 * SUVpeak: the highest mean over a sphere of 1 cm³ whose centre is a voxel centre of the region. The sphere itself may reach beyond the
 * region (its hottest part may lie at the border), but not beyond the image. Border voxels count by the part of them that the sphere
 * covers, so that the value does not jump with the grid.
 *
 * The highest mean over all positions, not the sphere around the hottest voxel: both are in use, and the highest is the larger.
 * @param x       SUV, length nx * ny * nz, first axis fastest
 * @param region  1 where the centre may lie
 * @param voxelMm edge lengths along the stored axes
 * @see Wahl et al., J Nucl Med 50 Suppl 1:122S-150S (2009), doi:10.2967/jnumed.108.057307 (PERCIST: 1.2 cm in diameter, about 1 cm³, at the
 *      highest uptake); QIBA profile FDG-PET/CT as an imaging biomarker, version 1.13 (2016), section 3.4 (1 cm³, highest average)
 */
export function suvPeak(
  x: Float32Array,
  shape: Shape,
  region: Uint8Array,
  voxelMm: readonly [number, number, number],
): SuvPeak {
  const { offsets, weights, reach } = sphere(voxelMm)
  const [nx, ny, nz] = shape
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  let [value, centre] = [Number.NaN, -1]
  for (let i = 0; i < x.length; i++) {
    if (region[i] === 0) continue
    const at = [i % nx, Math.floor(i / nx) % ny, Math.floor(i / nx / ny)] as const
    if ([nx, ny, nz].some((n, axis) => at[axis]! < reach[axis]! || at[axis]! >= n - reach[axis]!)) continue
    let sum = 0
    for (let k = 0; k < weights.length; k++) {
      const [dx, dy, dz] = offsets[k]!
      sum += weights[k]! * x[i + dx + nx * (dy + ny * dz)]!
    }
    const mean = sum / total
    if (Number.isFinite(mean) && !(mean <= value)) [value, centre] = [mean, i]
  }
  const volumeMl = (total * voxelMm[0] * voxelMm[1] * voxelMm[2]) / 1000
  return { value, centre, volumeMl }
}

interface Sphere {
  readonly offsets: readonly (readonly [number, number, number])[]
  /** Part of each voxel that lies inside. */
  readonly weights: readonly number[]
  /** Voxels from the centre along each axis. */
  readonly reach: readonly number[]
}

function sphere(voxelMm: readonly [number, number, number]): Sphere {
  const reach = voxelMm.map((mm) => Math.floor(PEAK_RADIUS_MM / mm + 0.5))
  const [rx, ry, rz] = reach as [number, number, number]
  const offsets: [number, number, number][] = []
  const weights: number[] = []
  for (let dz = -rz; dz <= rz; dz++)
    for (let dy = -ry; dy <= ry; dy++)
      for (let dx = -rx; dx <= rx; dx++) {
        const share = covered([dx, dy, dz], voxelMm)
        if (share === 0) continue
        offsets.push([dx, dy, dz])
        weights.push(share)
      }
  return { offsets, weights, reach }
}

/** Share of the voxel that lies in the sphere around voxel 0. */
function covered(at: readonly [number, number, number], voxelMm: readonly [number, number, number]): number {
  const along = (axis: 0 | 1 | 2): readonly number[] =>
    Array.from({ length: SAMPLES }, (_, k) => (((k + 0.5) / SAMPLES - 0.5 + at[axis]) * voxelMm[axis]) ** 2)
  const [xs, ys, zs] = [along(0), along(1), along(2)]
  let inside = 0
  for (const z of zs) for (const y of ys) for (const x of xs) if (x + y + z <= PEAK_RADIUS_MM ** 2) inside++
  return inside / SAMPLES ** 3
}
