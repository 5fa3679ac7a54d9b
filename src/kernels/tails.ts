/** Tail probabilities of Student's t, Fisher's F and beta distributions, by the incomplete beta function. */

/** Coefficients of log gamma for g = 7, n = 9. @see Lanczos, SIAM J. Numer. Anal. B 1:86-96 (1964), doi:10.1137/0701008 */
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
]

/** @param x above 0; right to about 14 digits */
function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x)
  let sum = LANCZOS[0]!
  for (let k = 1; k < LANCZOS.length; k++) sum += LANCZOS[k]! / (x - 1 + k)
  const t = x + 6.5
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum)
}

/** More terms than any argument met here needs; about root(max(a, b)) of them are used. */
const MOST_TERMS = 100_000

/**
 * The regularized incomplete beta function I_x(a, b): the probability that a beta variable is below x. Lentz's continued fraction.
 * @param x in [0, 1]
 * @see DLMF, 8.17.22; Thompson, Barnett, J. Comput. Phys. 64:490-509 (1986), doi:10.1016/0021-9991(86)90046-X
 */
export function betaBelow(x: number, a: number, b: number): number {
  if (!(x > 0)) return Number.isNaN(x) ? x : 0
  if (x >= 1) return 1
  if (x > (a + 1) / (a + b + 2)) return 1 - betaBelow(1 - x, b, a)
  const front = Math.exp(
    logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x) - Math.log(a),
  )
  const tiny = 1e-300
  let c = 1
  let d = 1 / nonZero(1 - ((a + b) * x) / (a + 1), tiny)
  let h = d
  for (let m = 1; m < MOST_TERMS; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / nonZero(1 + even * d, tiny)
    c = nonZero(1 + even / c, tiny)
    h *= d * c
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / nonZero(1 + odd * d, tiny)
    c = nonZero(1 + odd / c, tiny)
    const factor = d * c
    h *= factor
    if (Math.abs(factor - 1) < 1e-15) break
  }
  return front * h
}

function nonZero(value: number, least: number): number {
  return Math.abs(value) < least ? least : value
}

/** Probability that F with `over` and `under` degrees of freedom exceeds `f`; 1 for f of 0 and less. */
export function fTail(f: number, over: number, under: number): number {
  return f <= 0 ? 1 : betaBelow(under / (under + over * f), under / 2, over / 2)
}

/** Probability that |t| with `freedom` degrees of freedom exceeds |t|: both sides together. */
export function studentTails(t: number, freedom: number): number {
  return fTail(t * t, 1, freedom)
}

/** What t with `freedom` degrees of freedom exceeds with probability `p` (one side), p below 0.5. */
export function studentCritical(p: number, freedom: number): number {
  // x = freedom / (freedom + t^2) has I_x(freedom / 2, 1 / 2) = 2 p.
  const x = betaQuantile(2 * p, freedom / 2, 0.5)
  return Math.sqrt((freedom * (1 - x)) / x)
}

/** The value that a beta variable is below with probability `p`; by bisection, to the last digit. */
export function betaQuantile(p: number, a: number, b: number): number {
  let low = 0
  let high = 1
  for (;;) {
    const middle = (low + high) / 2
    if (middle <= low || middle >= high) return middle
    if (betaBelow(middle, a, b) < p) low = middle
    else high = middle
  }
}
