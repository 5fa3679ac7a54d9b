/** Count, mean and spread of selected voxels. */

export interface Moments {
  /** Voxels that count: selected and finite. */
  readonly n: number
  readonly mean: number
  /** Population standard deviation (divided by n). */
  readonly sd: number
  /** Selected voxels that are NaN or infinite. */
  readonly excluded: number
}

/**
 * Moments of the finite voxels where `mask` is non-zero, in two passes.
 *
 * @param x    intensities, length V = nx * ny * nz, any unit
 * @param mask length V, or `null` for every voxel
 * @returns `mean` and `sd` in the units of `x`; NaN where n is 0
 * @see Chan, Golub, LeVeque, Am. Stat. 37(3):242-247 (1983), doi:10.1080/00031305.1983.10483115
 */
export function moments(x: Float32Array, mask: Uint8Array | null): Moments {
  let n = 0
  let sum = 0
  let excluded = 0
  for (let i = 0; i < x.length; i++) {
    if (mask !== null && mask[i] === 0) continue
    const value = x[i]!
    // Infinity - Infinity and NaN - NaN are NaN, every finite number gives 0.
    if (value - value === 0) {
      n++
      sum += value
    } else excluded++
  }
  const mean = sum / n
  let squares = 0
  for (let i = 0; i < x.length; i++) {
    if (mask !== null && mask[i] === 0) continue
    const value = x[i]!
    if (value - value === 0) squares += (value - mean) ** 2
  }
  return { n, mean, sd: Math.sqrt(squares / n), excluded }
}

/** `out[i] = x[i] * scale + shift`; `out` may be `x`. */
export function affineInto(out: Float32Array, x: Float32Array, scale: number, shift: number): void {
  for (let i = 0; i < x.length; i++) out[i] = x[i]! * scale + shift
}
