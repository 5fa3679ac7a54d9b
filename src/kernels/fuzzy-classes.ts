/** Fuzzy c-means in one dimension, on counted values instead of voxels. */
import { UnfittableError } from '../errors.ts'

/** Iterations end when no centre moves by more than this part of the range. */
const TOLERANCE = 1e-7
const MOST_ROUNDS = 1000

/**
 * Mean of each class, ascending: the values weighted with their memberships
 *
 *     u_k(x) = |x - c_k|^-2 / sum_j |x - c_j|^-2,     c_k = sum u_k^2 x / sum u_k^2     (fuzziness m = 2)
 *
 * Starts at the quantiles (k + 1/2) / classes, so that equal data give equal classes.
 * @param values ascending; @param counts how often each occurs
 * @throws {UnfittableError} when there are fewer different values than classes
 * @see Bezdek, Ehrlich, Full, Comput. Geosci. 10:191-203 (1984), doi:10.1016/0098-3004(84)90020-7
 */
export function fuzzyClassMeans(
  values: Float64Array,
  counts: Float64Array,
  classes: number,
): readonly number[] {
  if (values.length < classes)
    throw new UnfittableError(
      `${values.length} different values in the mask cannot be split into ${classes} tissues.`,
      'Give the image before it was segmented or thresholded, and a mask of tissue.',
    )
  const range = values.at(-1)! - values[0]!
  let centers = startingCenters(values, counts, classes)
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const next = weightedMeans(values, counts, centers, 2)
    const moved = Math.max(...next.map((center, k) => Math.abs(center - centers[k]!)))
    centers = next
    if (moved <= TOLERANCE * range) break
  }
  return weightedMeans(values, counts, centers, 1).toSorted((a, b) => a - b)
}

function startingCenters(values: Float64Array, counts: Float64Array, classes: number): readonly number[] {
  const n = counts.reduce((sum, count) => sum + count, 0)
  const centers: number[] = []
  for (let i = 0, passed = 0; i < values.length; i++) {
    passed += counts[i]!
    // One value takes one class at most, and leaves enough values for the classes to come.
    const due = passed >= ((centers.length + 0.5) / classes) * n
    if (centers.length < classes && (due || values.length - i === classes - centers.length))
      centers.push(values[i]!)
  }
  return centers
}

/** Means of the values, weighted with counts and memberships to the given power. */
function weightedMeans(
  values: Float64Array,
  counts: Float64Array,
  centers: readonly number[],
  power: 1 | 2,
): readonly number[] {
  const classes = centers.length
  const sums = new Float64Array(classes)
  const weights = new Float64Array(classes)
  const closeness = new Float64Array(classes)
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    let total = 0
    for (let k = 0; k < classes; k++) {
      // A value on a centre belongs to it alone: the bound keeps the ratio finite.
      const near = 1 / Math.max((value - centers[k]!) ** 2, 1e-300)
      closeness[k] = near
      total += near
    }
    for (let k = 0; k < classes; k++) {
      const membership = closeness[k]! / total
      const weight = counts[i]! * (power === 1 ? membership : membership * membership)
      weights[k]! += weight
      sums[k]! += weight * value
    }
  }
  return Array.from(sums, (sum, k) => sum / weights[k]!)
}
