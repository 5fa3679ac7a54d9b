/** Order statistics of selected voxels. */
import { sortFloats } from './sort.ts'

/**
 * The voxels where `mask` is non-zero, in increasing order; NaN left out, infinities kept.
 * @param x    length V
 * @param mask length V, or `null` for every voxel
 */
export function sortedMasked(x: Float32Array, mask: Uint8Array | null): Float32Array {
  let n = 0
  for (let i = 0; i < x.length; i++) if ((mask === null || mask[i] !== 0) && !Number.isNaN(x[i])) n++
  const out = new Float32Array(n)
  n = 0
  for (let i = 0; i < x.length; i++)
    if ((mask === null || mask[i] !== 0) && !Number.isNaN(x[i])) out[n++] = x[i]!
  return sortFloats(out)
}

/**
 * Quantiles of ascending values: linear between order statistics, h = (n - 1) p.
 * @param probabilities in [0, 1]
 * @returns NaN for every probability where there is no value
 * @see Hyndman, Fan, Am. Stat. 50(4):361-365 (1996), type 7; the default of NumPy and R
 */
export function quantilesOfSorted(sorted: Float32Array, probabilities: readonly number[]): Float64Array {
  const last = sorted.length - 1
  return Float64Array.from(probabilities, (p) => {
    if (last < 0) return Number.NaN
    const h = p * last
    const below = Math.min(last, Math.floor(h))
    const low = sorted[below]!
    const t = h - below
    return t === 0 ? low : low + t * (sorted[below + 1]! - low)
  })
}

/** Quantiles of the voxels where `mask` is non-zero, NaN left out, as `quantilesOfSorted` defines them. */
export function maskedQuantiles(
  x: Float32Array,
  mask: Uint8Array | null,
  probabilities: readonly number[],
): Float64Array {
  return quantilesOfSorted(sortedMasked(x, mask), probabilities)
}
