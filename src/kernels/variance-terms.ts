/** A variance that is a sum of known terms with unknown weights. */

/** Chosen: the rounds end when no term's part of the variance moves by this share of it, and after MOST_ROUNDS in any case. */
const STILL = 1e-6
const MOST_ROUNDS = 5000

/**
 * The weights w_j >= 0 under which e_i ~ N(0, sum_j w_j t_ij) is most likely: those that minimize
 *
 *     sum_i  log s_i^2 + e_i^2 / s_i^2,     s_i^2 = sum_j w_j t_ij
 *
 * by multiplicative steps that never increase it: the Itakura-Saito divergence of the squared errors from their variances.
 *
 * @param squares e^2, length n
 * @param terms   each of length n, at least 0; of a voxel not all 0
 * @returns a weight per term; 0 for a term that is 0 everywhere
 * @see Fevotte, Idier, Neural Comput. 23(9):2421-2456 (2011), doi:10.1162/NECO_a_00168 (section 4.1, beta = 0: exponent 1/2)
 */
export function fitVarianceTerms(squares: Float64Array, terms: readonly Float64Array[]): readonly number[] {
  const n = squares.length
  const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / n
  const spread = mean(squares)
  const size = terms.map(mean)
  // Each term starts with an equal part of the mean square; a term that is nowhere stays out.
  const weights = size.map((one) => (one > 0 ? spread / (one * terms.length) : 0))
  for (let round = 0, moved = Number.POSITIVE_INFINITY; moved > STILL && round < MOST_ROUNDS; round++) {
    const up = new Float64Array(terms.length)
    const down = new Float64Array(terms.length)
    for (let i = 0; i < n; i++) {
      let variance = 0
      for (let j = 0; j < terms.length; j++) variance += weights[j]! * terms[j]![i]!
      const inverse = 1 / variance
      const pull = squares[i]! * inverse * inverse
      for (let j = 0; j < terms.length; j++) {
        up[j]! += terms[j]![i]! * pull
        down[j]! += terms[j]![i]! * inverse
      }
    }
    moved = 0
    for (let j = 0; j < terms.length; j++)
      if (weights[j]! > 0) {
        const next = weights[j]! * Math.sqrt(up[j]! / down[j]!)
        moved = Math.max(moved, (Math.abs(next - weights[j]!) * size[j]!) / spread)
        weights[j] = next
      }
  }
  return weights
}
