/** Piecewise linear curves that never decrease: evaluation over a whole image, and their constrained least-squares fit. */
import { UnfittableError } from '../errors.ts'

/**
 * A piecewise linear curve through (`knots[k]`, `values[k]`), both of the same length >= 2, knots strictly increasing.
 * Outside the knots the first and the last segment continue.
 */
export interface Curve {
  readonly knots: ArrayLike<number>
  readonly values: ArrayLike<number>
}

/** The curve at one place. */
export function evaluateCurve({ knots, values }: Curve, u: number): number {
  let low = 0
  let high = knots.length - 1
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (knots[middle]! <= u) low = middle
    else high = middle
  }
  const slope = (values[low + 1]! - values[low]!) / (knots[low + 1]! - knots[low]!)
  return values[low]! + (u - knots[low]!) * slope
}

/** Buckets that lead from an intensity to its segment; enough for a few thousand knots. */
const BUCKETS = 8192

/**
 * `out[i] = curve(x[i])`; exactly 0 stays exactly 0, NaN stays NaN. `out` may be `x`.
 * One table look-up per voxel finds the segment, so that the cost hardly depends on the number of knots.
 */
export function applyCurveInto(out: Float32Array, x: Float32Array, { knots, values }: Curve): void {
  const segments = knots.length - 1
  const first = knots[0]!
  const bucketsPerUnit = BUCKETS / (knots[segments]! - first)
  const startOf = new Uint32Array(BUCKETS)
  for (let bucket = 0, segment = 0; bucket < BUCKETS; bucket++) {
    const left = first + bucket / bucketsPerUnit
    while (segment < segments - 1 && knots[segment + 1]! <= left) segment++
    startOf[bucket] = segment
  }
  const slope = new Float64Array(segments)
  const shift = new Float64Array(segments)
  const end = new Float64Array(segments)
  for (let k = 0; k < segments; k++) {
    slope[k] = (values[k + 1]! - values[k]!) / (knots[k + 1]! - knots[k]!)
    shift[k] = values[k]! - knots[k]! * slope[k]!
    end[k] = k === segments - 1 ? Number.POSITIVE_INFINITY : knots[k + 1]!
  }
  for (let i = 0; i < x.length; i++) {
    const value = x[i]!
    if (value === 0) {
      out[i] = 0
      continue
    }
    const bucket = (value - first) * bucketsPerUnit
    let k = bucket > 0 ? startOf[bucket < BUCKETS ? bucket | 0 : BUCKETS - 1]! : 0
    while (value >= end[k]!) k++
    out[i] = value * slope[k]! + shift[k]!
  }
}

/**
 * The normal equations of a weighted least-squares fit of knot values: add points, then solve.
 * A point between two knots acts on these two alone (hat functions), so that the matrix is tridiagonal.
 */
export interface CurveFit {
  /** The curve should pass through (u, y); the pull grows with `weight`. */
  add(u: number, y: number, weight: number): void
  /**
   * The values at the knots that minimise the weighted squares plus `stiffness` times the squared changes of slope,
   * under values[0] = 0 and every slope >= `minSlope`.
   * @param stiffness relative to the mean weight per knot; it only decides where no point does: there the curve goes straight on
   */
  solve(minSlope: number, stiffness: number): Float64Array
}

/** @param knots strictly increasing, the first 0, at least 2 */
export function curveFit(knots: readonly number[]): CurveFit {
  const count = knots.length
  const diagonal = new Float64Array(count)
  const beside = new Float64Array(count)
  const right = new Float64Array(count)
  let total = 0
  return {
    add(u, y, weight) {
      let k = 0
      while (k < count - 2 && knots[k + 1]! <= u) k++
      const t = (u - knots[k]!) / (knots[k + 1]! - knots[k]!)
      diagonal[k]! += weight * (1 - t) * (1 - t)
      diagonal[k + 1]! += weight * t * t
      beside[k]! += weight * t * (1 - t)
      right[k]! += weight * (1 - t) * y
      right[k + 1]! += weight * t * y
      total += weight
    },
    solve(minSlope, stiffness) {
      if (!(total > 0)) throw new UnfittableError('No point to fit a curve to.', 'Check masks and pairs.')
      const matrix = new Float64Array(count * count)
      for (let k = 0; k < count; k++) {
        matrix[k * count + k]! += diagonal[k]!
        if (k + 1 < count) {
          matrix[k * count + k + 1]! += beside[k]!
          matrix[(k + 1) * count + k]! += beside[k]!
        }
      }
      addStiffness(matrix, knots, (stiffness * total) / count)
      return solveIncrements(matrix, right, knots, minSlope)
    },
  }
}

/** Adds `weight` times the squared differences of neighbouring slopes, in units of the mean knot distance. */
function addStiffness(matrix: Float64Array, knots: readonly number[], weight: number): void {
  const count = knots.length
  const unit = (knots[count - 1]! - knots[0]!) / (count - 1)
  for (let k = 1; k + 1 < count; k++) {
    const before = unit / (knots[k]! - knots[k - 1]!)
    const after = unit / (knots[k + 1]! - knots[k]!)
    const row = [before, -before - after, after]
    for (let i = 0; i < 3; i++)
      for (let j = 0; j < 3; j++) matrix[(k - 1 + i) * count + k - 1 + j]! += weight * row[i]! * row[j]!
  }
}

/**
 * min 1/2 v'Av - b'v over v_k = sum of the increments up to k, each increment >= minSlope * knot distance:
 * a convex problem in a few dozen unknowns, solved by cyclic coordinate descent with exact steps.
 */
function solveIncrements(
  matrix: Float64Array,
  right: Float64Array,
  knots: readonly number[],
  minSlope: number,
): Float64Array {
  const count = knots.length
  const unknowns = count - 1
  // In increments the system is S'AS d = S'b with S the lower triangle of ones: sums over tails of rows and columns.
  const tails = new Float64Array((count + 1) * (count + 1))
  for (let i = count - 1; i >= 0; i--)
    for (let j = count - 1; j >= 0; j--)
      tails[i * (count + 1) + j] =
        matrix[i * count + j]! +
        tails[(i + 1) * (count + 1) + j]! +
        tails[i * (count + 1) + j + 1]! -
        tails[(i + 1) * (count + 1) + j + 1]!
  const rightTail = new Float64Array(count + 1)
  for (let i = count - 1; i >= 0; i--) rightTail[i] = rightTail[i + 1]! + right[i]!
  const at = (i: number, j: number): number => tails[(i + 1) * (count + 1) + j + 1]!
  const floor = Float64Array.from({ length: unknowns }, (_, k) => minSlope * (knots[k + 1]! - knots[k]!))
  const increments = Float64Array.from(floor)
  const gradient = Float64Array.from({ length: unknowns }, (_, i) => -rightTail[i + 1]!)
  for (let i = 0; i < unknowns; i++)
    for (let j = 0; j < unknowns; j++) gradient[i]! += at(i, j) * increments[j]!
  for (let sweep = 0; sweep < 20_000; sweep++) {
    let largest = 0
    for (let i = 0; i < unknowns; i++) {
      const curvature = at(i, i)
      if (!(curvature > 0)) continue
      const next = Math.max(floor[i]!, increments[i]! - gradient[i]! / curvature)
      const step = next - increments[i]!
      if (step === 0) continue
      increments[i] = next
      for (let j = 0; j < unknowns; j++) gradient[j]! += at(j, i) * step
      largest = Math.max(largest, Math.abs(step))
    }
    if (largest < 1e-10) break
  }
  const values = new Float64Array(count)
  for (let k = 0; k < unknowns; k++) values[k + 1] = values[k]! + increments[k]!
  return values
}
