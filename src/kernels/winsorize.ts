/** Huber's estimates by tamed values: what lies far from the fit is brought to a fixed distance, until the fit stands still. */
import { type GroupedDesign, type Resistance, regressInPlace } from './grouped-regression.ts'

/** 95 % of the efficiency of least squares for normal errors. @see Holland, Welsch, Commun. Stat. A6(9):813-827 (1977), doi:10.1080/03610927708827533 */
const BEND = 1.345
/**
 * Variance of a standard normal value whose distance from 0 is cut at BEND:
 * 2 Phi(k) - 1 - 2 k phi(k) + 2 k^2 (1 - Phi(k)).
 */
const BENT_VARIANCE = 0.7101645482690486
/** Makes the median absolute deviation of normal values their standard deviation: 1 / Phi^-1(3/4). */
const MAD_TO_SD = 1.4826022185056018
/** Chosen: the scale of each group follows the fit for this many rounds and then stays, because location and scale together may circle. */
const ROUNDS_OF_SCALE = 10
/** Chosen: ended when no value moves by more than this share of its group's scale, and after MOST_ROUNDS in any case. */
const STILL = 1e-11
const MOST_ROUNDS = 1000

/**
 * Each group has its own scale (the median absolute residual), since scanners differ in it. At the end, least squares of the tamed values
 * is Huber's estimate for the values. A group whose scale is 0 (more than half of its residuals are equal) is left as it is.
 * @see Huber, Robust Statistics (1981), section 7.8: the modified residual method, which converges for fixed scales
 */
export const HUBER: Resistance = { tame: tameInPlace, variance: BENT_VARIANCE }

function tameInPlace(x: Float64Array, design: GroupedDesign): void {
  const { rows, starts } = design
  const original = x.slice()
  const residual = new Float64Array(rows)
  const limits = new Float64Array(starts.length - 1)
  for (let round = 0, moved = Number.POSITIVE_INFINITY; moved > STILL && round < MOST_ROUNDS; round++) {
    residual.set(x)
    regressInPlace(residual, design)
    // What the fit expects is the tamed value less its residual; the residual that counts is the original's.
    for (let i = 0; i < rows; i++) residual[i] = original[i]! - (x[i]! - residual[i]!)
    if (round < ROUNDS_OF_SCALE) limitsInto(limits, residual, starts)
    moved = 0
    for (let g = 0; g < limits.length; g++) {
      const limit = limits[g]!
      for (let i = starts[g]!; i < starts[g + 1]!; i++) {
        const away = residual[i]!
        const tamed = original[i]! - away + Math.max(-limit, Math.min(limit, away))
        if (Number.isFinite(limit)) moved = Math.max(moved, Math.abs(tamed - x[i]!) / limit)
        x[i] = Number.isFinite(limit) ? tamed : original[i]!
      }
    }
    if (round < ROUNDS_OF_SCALE) moved = Number.POSITIVE_INFINITY
  }
}

/** BEND times the scale of each group; infinite where it is 0. */
function limitsInto(out: Float64Array, residual: Float64Array, starts: Int32Array): void {
  for (let g = 0; g < out.length; g++) {
    const sizes = residual
      .slice(starts[g], starts[g + 1])
      .map(Math.abs)
      .sort()
    const middle = (sizes.length - 1) / 2
    const median = sizes.length === 0 ? 0 : (sizes[Math.floor(middle)]! + sizes[Math.ceil(middle)]!) / 2
    out[g] = median > 0 ? BEND * MAD_TO_SD * median : Number.POSITIVE_INFINITY
  }
}
