/** Smooth random fields: white noise on a coarse lattice, carried to a fine grid by cubic B-splines. */
import type { Vector3 } from '../../src/kernels/matrix.ts'
import type { Random } from '../../src/kernels/random.ts'
import type { Shape } from '../../src/volume/volume.ts'

/** Mean over position of the sum of squared cubic B-spline weights along one axis: the integral of its square. */
const AXIS_VARIANCE = 151 / 315

/** The four uniform cubic B-spline weights at fraction `t` between knots, into `out` at `at`. */
export function splineWeightsInto(out: Float64Array, at: number, t: number): void {
  const r = 1 - t
  out[at] = (r * r * r) / 6
  out[at + 1] = 2 / 3 - (t * t * (2 - t)) / 2
  out[at + 2] = 2 / 3 - (r * r * (1 + t)) / 2
  out[at + 3] = (t * t * t) / 6
}

/** Expands the middle axis of [outer, knots, inner] to `n` samples, `step` knots apart from `first` on. */
function expand(
  x: Float32Array,
  inner: number,
  knots: number,
  n: number,
  first: number,
  step: number,
): Float32Array {
  const outer = x.length / (inner * knots)
  const out = new Float32Array(outer * n * inner)
  const w = new Float64Array(4)
  for (let i = 0; i < n; i++) {
    const position = first + i * step
    const knot = Math.floor(position)
    splineWeightsInto(w, 0, position - knot)
    const w0 = w[0]!
    const w1 = w[1]!
    const w2 = w[2]!
    const w3 = w[3]!
    for (let o = 0; o < outer; o++) {
      const from = (o * knots + knot) * inner
      const to = (o * n + i) * inner
      for (let j = 0; j < inner; j++) {
        const p = from + j
        out[to + j] = w0 * x[p]! + w1 * x[p + inner]! + w2 * x[p + 2 * inner]! + w3 * x[p + 3 * inner]!
      }
    }
  }
  return out
}

/** A grid inside a box: where its first voxel's centre lies from the box's low corner, mm, and the box's size. */
export interface FieldPlace {
  readonly originMm: Vector3
  readonly boxMm: Vector3
}

/**
 * Stationary Gaussian field with mean 0 and standard deviation 1 (over position and draws), smooth on the scale of
 * `spacingMm`: values further apart than four spacings are independent.
 * @param shape     grid of the result, x fastest
 * @param voxelMm   its voxel edge
 * @param spacingMm distance between the knots of the spline
 * @param place     the box for which the field is drawn, so that every grid in it sees the same field; else the grid's own
 */
export function smoothField(
  random: Random,
  shape: Shape,
  voxelMm: number,
  spacingMm: number,
  place?: FieldPlace,
): Float32Array {
  const [nx, ny, nz] = shape
  const step = voxelMm / spacingMm
  const box = place?.boxMm ?? (shape.map((n) => (n - 1) * voxelMm) as unknown as Vector3)
  const [kx, ky, kz] = box.map((mm) => Math.floor(mm / spacingMm) + 4) as [number, number, number]
  const [fx, fy, fz] = (place?.originMm ?? [0, 0, 0]).map((mm) => mm / spacingMm) as [number, number, number]
  const knots = new Float32Array(kx * ky * kz)
  const norm = AXIS_VARIANCE ** -1.5 // three axes, square root of the variance
  for (let i = 0; i < knots.length; i++) knots[i] = random.normal() * norm
  const alongX = expand(knots, 1, kx, nx, fx, step)
  const alongY = expand(alongX, nx, ky, ny, fy, step)
  return expand(alongY, nx * ny, kz, nz, fz, step)
}
