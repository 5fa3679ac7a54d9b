/** The space half-way between scans, and one grid in it for all of them. */
import { type Affine, invert, multiply, transformPoint, type Vector3 } from '../../kernels/matrix.ts'
import type { Grid } from '../../volume/volume.ts'
import { cornersOf, edgesOf, gridAround, turnOf } from './lattice.ts'
import { invertRigid, meanRigid } from './rigid.ts'

/** A scan's grid in its own world, and how to come there from the anchor's world. */
export interface Placed {
  readonly grid: Grid
  /** World of the anchor to the same anatomy in the scan's world, mm. */
  readonly fromAnchor: Affine
}

/** The mid-way space of several scans. */
export interface Midway {
  /** Covers every scan, with the finest voxel edges among them; its lattice is the mean of theirs. */
  readonly grid: Grid
  /** For each scan: its world to the mid-way world. */
  readonly toMidway: readonly Affine[]
}

/**
 * The mean of the scans' places on SE(3): for two scans each is moved half the way. The grid's axes and voxel centres, too, are the mean of
 * the scans' own, so that two scans with equal voxels are read at mirrored distances from their voxel centres and are blurred alike.
 * @param centre a place in the anchor's world about which the grids are averaged, such as the middle of the head
 */
export function midwayOf(scans: readonly Placed[], centre: Vector3): Midway {
  const fromAnchor = meanRigid(scans.map((scan) => scan.fromAnchor))
  const toMidway = scans.map((scan) => multiply(fromAnchor, invertRigid(scan.fromAnchor)))
  const middle = transformPoint(fromAnchor, centre)
  const poses = scans.map(({ grid }, index) => {
    const to = toMidway[index] as Affine
    const [x, y, z] = nearestVoxel(grid, transformPoint(invertRigid(to), middle))
    const pose = turnOf(grid).map((value, k) => (k === 3 ? x : k === 7 ? y : k === 11 ? z : value))
    return multiply(to, pose)
  })
  const edges = [0, 1, 2].map((axis) => Math.min(...scans.map(({ grid }) => edgesOf(grid)[axis] as number)))
  const corners = scans.flatMap(({ grid }, index) => {
    const [nx, ny, nz] = grid.shape
    return cornersOf(grid, [0, 0, 0], [nx - 1, ny - 1, nz - 1]).map((corner) =>
      transformPoint(toMidway[index] as Affine, corner),
    )
  })
  return { grid: gridAround(meanRigid(poses), edges as [number, number, number], corners), toMidway }
}

/** World place of the voxel centre next to `point`. */
function nearestVoxel({ affine }: Grid, point: Vector3): Vector3 {
  const toVoxels = invert(affine) ?? affine
  const [i, j, k] = transformPoint(toVoxels, point)
  return transformPoint(affine, [Math.round(i), Math.round(j), Math.round(k)])
}
