/** P-values adjusted for how many there are. NaN (no test) stays NaN and does not count. */

/**
 * Holm's step-down: at level a, the chance that any true null is rejected is at most a, whatever depends on what.
 * @see Holm, Scand. J. Stat. 6(2):65-70 (1979)
 */
export function holm(p: Float64Array): Float64Array {
  const order = ascending(p)
  const out = new Float64Array(p.length).fill(Number.NaN)
  let most = 0
  for (let k = 0; k < order.length; k++) {
    most = Math.max(most, Math.min(1, (order.length - k) * p[order[k]!]!))
    out[order[k]!] = most
  }
  return out
}

/**
 * Benjamini and Hochberg: at level q, the expected share of true nulls among those rejected is at most q, for independent or positively
 * dependent tests.
 * @see Benjamini, Hochberg, J. R. Stat. Soc. B 57(1):289-300 (1995), doi:10.1111/j.2517-6161.1995.tb02031.x
 */
export function falseDiscoveryRate(p: Float64Array): Float64Array {
  const order = ascending(p)
  const out = new Float64Array(p.length).fill(Number.NaN)
  let least = 1
  for (let k = order.length - 1; k >= 0; k--) {
    least = Math.min(least, (order.length / (k + 1)) * p[order[k]!]!)
    out[order[k]!] = least
  }
  return out
}

function ascending(p: Float64Array): readonly number[] {
  return [...p.keys()].filter((k) => !Number.isNaN(p[k])).sort((a, b) => p[a]! - p[b]!)
}
