/** The one curve that a mapping of an image comes to on the whole. */
import type { Curve } from './monotone.ts'
import { maskedQuantiles } from './quantile.ts'

/** A percent of the range at most, where voxels are (chosen). */
const CLASSES = 128

/**
 * Mean of `y` over mean of `x` in each of 128 equally filled classes of `x` in the mask, equal means left out: the curve
 * itself where `y` is a curve of `x`, up to its bend within a class.
 * @param x, y, mask of one length; what is not finite does not count
 */
export function meanCurve(x: Float32Array, y: Float32Array, mask: Uint8Array): Curve {
  const parts = Array.from({ length: CLASSES - 1 }, (_, k) => (k + 1) / CLASSES)
  const bounds = maskedQuantiles(x, mask, parts)
  const n = new Float64Array(CLASSES)
  const [sumX, sumY] = [new Float64Array(CLASSES), new Float64Array(CLASSES)]
  for (let i = 0; i < x.length; i++) {
    const [from, to] = [x[i]!, y[i]!]
    if (mask[i] === 0 || from - from !== 0 || to - to !== 0) continue
    const k = classOf(from, bounds)
    n[k]! += 1
    sumX[k]! += from
    sumY[k]! += to
  }
  const knots: number[] = []
  const values: number[] = []
  for (let k = 0; k < CLASSES; k++) {
    const at = sumX[k]! / n[k]!
    if (n[k] === 0 || at <= (knots.at(-1) ?? Number.NEGATIVE_INFINITY)) continue
    knots.push(at)
    values.push(sumY[k]! / n[k]!)
  }
  return { knots, values }
}

/** Number of bounds that do not exceed the value. */
function classOf(value: number, bounds: Float64Array): number {
  let [low, high] = [0, bounds.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (bounds[middle]! <= value) low = middle + 1
    else high = middle
  }
  return low
}
