/** How far rigid maps differ, in mm, where it matters. */
import { type Affine, transformPoint, type Vector3 } from '../../kernels/matrix.ts'
import { maskedQuantiles } from '../../kernels/quantile.ts'

/**
 * 95th percentile over `points` of the distance between where two maps take a point, mm.
 * @param points at least one
 */
export function disagreementMm(a: Affine, b: Affine, points: readonly Vector3[]): number {
  return percentile95(points, (point) => apart(transformPoint(a, point), transformPoint(b, point)) ** 2)
}

/**
 * 95th percentile over `points` of the standard deviation of where several maps take a point, mm: the error of any one of them, as far as
 * their errors are independent.
 * @param maps at least two
 */
export function spreadMm(maps: readonly Affine[], points: readonly Vector3[]): number {
  return percentile95(points, (point) => {
    const images = maps.map((map) => transformPoint(map, point))
    const mean = (axis: 0 | 1 | 2): number => images.reduce((sum, p) => sum + p[axis], 0) / images.length
    const centre: Vector3 = [mean(0), mean(1), mean(2)]
    return images.reduce((sum, p) => sum + apart(p, centre) ** 2, 0) / (images.length - 1)
  })
}

function percentile95(points: readonly Vector3[], squared: (point: Vector3) => number): number {
  const values = Float32Array.from(points, (point) => Math.sqrt(squared(point)))
  return maskedQuantiles(values, null, [0.95])[0] as number
}

function apart(a: Vector3, b: Vector3): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2])
}
