/** An F test of some coefficients where groups of rows differ in their noise, with the degrees of freedom that this leaves. */
import { corner, inverse, product, trace, traceOf } from './small-matrix.ts'
import { fTail } from './tails.ts'
import { unequalVariances } from './unequal-variances.ts'

export interface UnequalTest {
  /** Of the first coefficient, and its standard error; small-sample correction included. */
  readonly estimate: number
  readonly standardError: number
  readonly f: number
  readonly over: number
  /** Degrees of freedom of the denominator, as estimated. */
  readonly under: number
  readonly p: number
}

/**
 * Kenward and Roger's test for y = X b + e with a residual variance of its own for each group (`unequalVariances`): the covariance of the
 * estimates is corrected for the variances being estimated, and scale and degrees of freedom match the first two moments of the statistic. For the
 * difference of two groups it is Welch's t test.
 *
 * @param columns one after the other, length P * N, of full rank; the first `tested` are tested against 0
 * @param groupOf group of each row, 0 to groups - 1, none without rows
 * @returns null where a variance or the degrees of freedom cannot be told
 * @see Kenward, Roger, Biometrics 53(3):983-997 (1997), doi:10.2307/2533558
 */
export function unequalTest(
  y: Float64Array,
  columns: Float64Array,
  tested: number,
  groupOf: Int32Array,
  groups: number,
): UnequalTest | null {
  const fit = unequalVariances(y, columns, groupOf, groups)
  if (fit === null) return null
  const { variances: v, coefficients: b, covariance: phi, squares, counts } = fit
  const p = b.length
  // First derivatives of the information, -X'X / v^2, and Phi P Phi, by group.
  const first = squares.map((own, g) => own.map((value) => -value / v[g]! ** 2))
  const between = first.map((own) => product(product(phi, own, p), phi, p))
  const fisher = new Float64Array(groups * groups)
  for (let g = 0; g < groups; g++)
    for (let h = 0; h < groups; h++) {
      const same = g === h ? counts[g]! / v[g]! ** 2 - 2 * (traceOf(phi, squares[g]!, p) / v[g]! ** 3) : 0
      fisher[g * groups + h] = (same + traceOf(between[g]!, first[h]!, p)) / 2
    }
  const w = inverse(fisher, groups)
  if (w === null) return null
  const lambda = new Float64Array(p * p)
  for (let g = 0; g < groups; g++)
    for (let h = 0; h < groups; h++) {
      const cross = product(product(first[g]!, phi, p), first[h]!, p)
      for (let k = 0; k < p * p; k++)
        lambda[k]! += w[g * groups + h]! * ((g === h ? squares[g]![k]! / v[g]! ** 3 : 0) - cross[k]!)
    }
  const correction = product(product(phi, lambda, p), phi, p)
  const corrected = phi.map((value, k) => value + 2 * correction[k]!)
  const theta = inverse(corner(phi, p, tested), tested)
  const inside = inverse(corner(corrected, p, tested), tested)
  if (theta === null || inside === null) return null
  let [a1, a2] = [0, 0]
  const parts = between.map((own) => product(theta, corner(own, p, tested), tested))
  for (let g = 0; g < groups; g++)
    for (let h = 0; h < groups; h++) {
      a1 += w[g * groups + h]! * trace(parts[g]!, tested) * trace(parts[h]!, tested)
      a2 += w[g * groups + h]! * trace(product(parts[g]!, parts[h]!, tested), tested)
    }
  const { scale, under } = momentsMatched(a1, a2, tested)
  let quadratic = 0
  for (let a = 0; a < tested; a++)
    for (let c = 0; c < tested; c++) quadratic += b[a]! * inside[a * tested + c]! * b[c]!
  const f = (scale * quadratic) / tested
  if (!(f >= 0) || !(under > 0)) return null
  return {
    estimate: b[0]!,
    standardError: Math.sqrt(corrected[0]!),
    f,
    over: tested,
    under,
    p: fTail(f, tested, under),
  }
}

/** The constants of the paper's section 2 with the adjustment of its section 2.2, by their names there. */
function momentsMatched(a1: number, a2: number, q: number): { scale: number; under: number } {
  const b = (a1 + 6 * a2) / (2 * q)
  const g = ((q + 1) * a1 - (q + 4) * a2) / ((q + 2) * a2)
  const base = 3 * q + 2 * (1 - g)
  const [c1, c2, c3] = [g / base, (q - g) / base, (q + 2 - g) / base]
  const expectation = 1 / (1 - a2 / q)
  const variance = ((2 / q) * (1 + c1 * b)) / ((1 - c2 * b) ** 2 * (1 - c3 * b))
  const rho = variance / (2 * expectation ** 2)
  const under = 4 + (q + 2) / (q * rho - 1)
  return { scale: under / (expectation * (under - 2)), under }
}
