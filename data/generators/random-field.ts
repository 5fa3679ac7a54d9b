/** Smooth random fields: white noise on a coarse lattice, carried to a fine grid by cubic B-splines. */
import { type Affine, transformPoint, type Vector3 } from '../../src/kernels/matrix.ts'
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
  const [fx, fy, fz] = (place?.originMm ?? [0, 0, 0]).map((mm) => mm / spacingMm) as [number, number, number]
  const {
    knots,
    shape: [kx, ky, kz],
  } = drawKnots(random, box, spacingMm)
  const alongX = expand(knots, 1, kx, nx, fx, step)
  const alongY = expand(alongX, nx, ky, ny, fy, step)
  return expand(alongY, nx * ny, kz, nz, fz, step)
}

interface Knots {
  readonly knots: Float32Array
  readonly shape: Shape
}

function drawKnots(random: Random, boxMm: Vector3, spacingMm: number): Knots {
  const shape = boxMm.map((mm) => Math.floor(mm / spacingMm) + 4) as unknown as Shape
  const knots = new Float32Array(shape[0] * shape[1] * shape[2])
  const norm = AXIS_VARIANCE ** -1.5 // three axes, square root of the variance
  for (let i = 0; i < knots.length; i++) knots[i] = random.normal() * norm
  return { knots, shape }
}

/**
 * The field that `smoothField` gives for the same stream, box and spacing, on a grid that lies askew in the box; beyond the box its border
 * knots go on.
 * @param toBoxMm voxel of the result to mm from the box's low corner
 */
export function smoothFieldAskew(
  random: Random,
  shape: Shape,
  toBoxMm: Affine,
  spacingMm: number,
  boxMm: Vector3,
): Float32Array {
  const { knots, shape: knotShape } = drawKnots(random, boxMm, spacingMm)
  const [kx, ky] = knotShape
  const [nx, ny, nz] = shape
  const out = new Float32Array(nx * ny * nz)
  const w = new Float64Array(12)
  const first = [0, 0, 0]
  for (let z = 0, v = 0; z < nz; z++)
    for (let y = 0; y < ny; y++)
      for (let x = 0; x < nx; x++, v++) {
        const point = transformPoint(toBoxMm, [x, y, z])
        for (let axis = 0; axis < 3; axis++) {
          const at = Math.min(Math.max(point[axis]! / spacingMm, 0), knotShape[axis]! - 3.000001)
          first[axis] = at | 0
          splineWeightsInto(w, 4 * axis, at - first[axis]!)
        }
        let sum = 0
        for (let c = 0; c < 4; c++)
          for (let b = 0; b < 4; b++) {
            const p = ((first[2]! + c) * ky + first[1]! + b) * kx + first[0]!
            const row =
              w[0]! * knots[p]! + w[1]! * knots[p + 1]! + w[2]! * knots[p + 2]! + w[3]! * knots[p + 3]!
            sum += w[8 + c]! * w[4 + b]! * row
          }
        out[v] = sum
      }
  return out
}
