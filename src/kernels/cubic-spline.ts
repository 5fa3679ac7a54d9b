/**
 * Cubic B-splines over given knots, with their roughness; beyond the knots they go on in a straight line.
 *
 * @see de Boor, A Practical Guide to Splines (1978), chapters IX and X
 */

/** Functions of a basis over `knots`: each of the two ends has three more knots at the same place. */
export function splineSize(knots: readonly number[]): number {
  return knots.length + 2
}

/**
 * The basis at `x`: column k of row i at [k * rows + i]. Between the ends a row is not negative and sums to 1; beyond them it holds value
 * and slope of the end, so that every combination goes on in a straight line.
 * @param knots the low end, inner knots, the high end; ascending, all different, at least 2
 */
export function splineColumns(knots: readonly number[], x: Float64Array): Float64Array {
  const rows = x.length
  const size = splineSize(knots)
  const last = knots.length - 1
  const out = new Float64Array(size * rows)
  const [low, high] = [knots[0]!, knots[last]!]
  const [slopeLow, slopeHigh] = [3 / (knots[1]! - low), 3 / (high - knots[last - 1]!)]
  const left = new Float64Array(4)
  const right = new Float64Array(4)
  const four = new Float64Array(4)
  for (let i = 0; i < rows; i++) {
    const at = Math.min(high, Math.max(low, x[i]!))
    let span = 0
    while (span < last - 1 && at >= knots[span + 1]!) span++
    four[0] = 1
    for (let degree = 1; degree <= 3; degree++) {
      left[degree] = at - knots[Math.max(0, span + 1 - degree)]!
      right[degree] = knots[Math.min(last, span + degree)]! - at
      let saved = 0
      for (let k = 0; k < degree; k++) {
        const share = four[k]! / (right[k + 1]! + left[degree - k]!)
        four[k] = saved + right[k + 1]! * share
        saved = left[degree - k]! * share
      }
      four[degree] = saved
    }
    for (let k = 0; k < 4; k++) out[(span + k) * rows + i] = four[k]!
    const [below, above] = [Math.min(0, x[i]! - low), Math.max(0, x[i]! - high)]
    out[i]! -= slopeLow * below
    out[rows + i]! += slopeLow * below
    out[(size - 2) * rows + i]! -= slopeHigh * above
    out[(size - 1) * rows + i]! += slopeHigh * above
  }
  return out
}

/**
 * Integrals of the products of second derivatives over the range of the knots, with that range as the unit of length: c'Sc is the
 * roughness of the spline with coefficients c, and 0 for a straight line. Size K x K.
 */
export function splineRoughness(knots: readonly number[]): Float64Array {
  const size = splineSize(knots)
  const count = knots.length
  const length = knots[count - 1]! - knots[0]!
  const knot = (at: number): number => knots[Math.min(count - 1, Math.max(0, at - 3))]! / length
  // Second derivatives are straight between knots: their values there are differences of differences of the coefficients.
  const first = Array.from({ length: size - 1 }, (_, i) => 3 / (knot(i + 4) - knot(i + 1)))
  const second = Array.from({ length: count }, (_, i) => {
    const row = new Float64Array(size)
    const factor = 2 / (knot(i + 4) - knot(i + 2))
    row[i] = factor * first[i]!
    row[i + 1] = -factor * (first[i]! + first[i + 1]!)
    row[i + 2] = factor * first[i + 1]!
    return row
  })
  const out = new Float64Array(size * size)
  for (let span = 0; span + 1 < count; span++) {
    const width = (knots[span + 1]! - knots[span]!) / length
    const [a, b] = [second[span]!, second[span + 1]!]
    for (let k = 0; k < size; k++)
      for (let l = 0; l < size; l++)
        out[k * size + l]! +=
          (width / 6) * (2 * a[k]! * a[l]! + a[k]! * b[l]! + b[k]! * a[l]! + 2 * b[k]! * b[l]!)
  }
  return out
}

/** Coefficients of the basis that make the straight line x: means of three knots in a row. */
export function splineLine(knots: readonly number[]): Float64Array {
  const last = knots.length - 1
  const knot = (at: number): number => knots[Math.min(last, Math.max(0, at))]!
  return Float64Array.from({ length: splineSize(knots) }, (_, k) => (knot(k - 2) + knot(k - 1) + knot(k)) / 3)
}

/**
 * Knots for a basis of `size` functions: the ends of `values`, and quantiles of the different values between (linear between neighbours),
 * so that ages in whole years do not pile knots up.
 * @param values at least size - 2 different ones; size at least 4
 */
export function splineKnots(values: Float64Array, size: number): readonly number[] {
  const different = [...new Set(values)].sort((a, b) => a - b)
  return Array.from({ length: size - 2 }, (_, k) => {
    const place = (k / (size - 3)) * (different.length - 1)
    const at = Math.min(different.length - 2, Math.floor(place))
    return different[at]! + (place - at) * (different[at + 1]! - different[at]!)
  })
}
