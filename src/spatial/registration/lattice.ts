/** Where voxels lie, whatever their storage order: a rotation near the world's axes, and voxel edges along it. */
import { type Affine, multiply, transformPoint, type Vector3 } from '../../kernels/matrix.ts'
import { closestAxes } from '../../volume/orientation.ts'
import { type Grid, voxelSize } from '../../volume/volume.ts'
import { invertRigid } from './rigid.ts'

/** The image's axes as a rotation whose columns run near R, A, S, made orthogonal (Gram-Schmidt) where the affine shears. */
export function turnOf({ affine }: Grid): Affine {
  const { axes, flips } = closestAxes(affine)
  const column = (w: 0 | 1): Vector3 => {
    const at = (row: number): number => (flips[w] ? -1 : 1) * (affine[row * 4 + axes[w]] as number)
    return [at(0), at(1), at(2)]
  }
  const x = unit(column(0))
  const second = column(1)
  const along = x[0] * second[0] + x[1] * second[1] + x[2] * second[2]
  const y = unit([second[0] - along * x[0], second[1] - along * x[1], second[2] - along * x[2]])
  const z = [x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]] as const
  return [x[0], y[0], z[0], 0, x[1], y[1], z[1], 0, x[2], y[2], z[2], 0, 0, 0, 0, 1]
}

/** Voxel edges along the columns of `turnOf`, mm. */
export function edgesOf(grid: Grid): Vector3 {
  const [x, y, z] = closestAxes(grid.affine).axes
  const size: readonly number[] = voxelSize(grid)
  return [size[x] as number, size[y] as number, size[z] as number]
}

/** World places of the outermost voxel centres of the box from voxel `low` to voxel `high`, both inside. */
export function cornersOf({ affine }: Grid, low: Vector3, high: Vector3): readonly Vector3[] {
  return [0, 1, 2, 3, 4, 5, 6, 7].map((corner) =>
    transformPoint(affine, [
      corner & 1 ? high[0] : low[0],
      corner & 2 ? high[1] : low[1],
      corner & 4 ? high[2] : low[2],
    ]),
  )
}

/**
 * The smallest grid along the axes of `pose` that has a voxel centre at the pose's own place and covers all `points` with its voxel centres.
 * @param pose rigid; its rotation gives the axes, its fourth column a voxel centre
 * @param edges of a voxel, mm
 */
export function gridAround(pose: Affine, edges: Vector3, points: readonly Vector3[]): Grid {
  const back = invertRigid(pose)
  const steps = points.map((point) =>
    transformPoint(back, point).map((mm, axis) => mm / (edges[axis] as number)),
  )
  const span = [0, 1, 2].map((axis) => {
    const along = steps.map((step) => step[axis] as number)
    const first = Math.floor(Math.min(...along) + ROUNDING)
    return { first, count: Math.ceil(Math.max(...along) - ROUNDING) - first + 1 }
  }) as [Span, Span, Span]
  const [x, y, z] = edges
  const [i, j, k] = [span[0].first * x, span[1].first * y, span[2].first * z]
  return {
    shape: [span[0].count, span[1].count, span[2].count],
    affine: multiply(pose, [x, 0, 0, i, 0, y, 0, j, 0, 0, z, k, 0, 0, 0, 1]),
  }
}

interface Span {
  readonly first: number
  readonly count: number
}

/** Part of a voxel by which affines of float32 headers round: no further voxel for it. */
const ROUNDING = 1e-3

function unit([x, y, z]: Vector3): Vector3 {
  const length = Math.hypot(x, y, z)
  return [x / length, y / length, z / length]
}
