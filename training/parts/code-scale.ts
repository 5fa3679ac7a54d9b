/** Codes of images in units in which those of training have mean 0 and SD 1, and none lies far outside. */

export interface CodeScale {
  readonly mean: readonly number[]
  readonly sd: readonly number[]
}

/** Least SD of a field (chosen): what training hardly varied must not turn a small difference of a new scanner into a large one. */
const LEAST_SD = 0.05
/** Farther from the mean, in SDs, a field counts as this far (chosen): beyond training the network is not to extrapolate. */
export const CODE_LIMIT = 3

export function codeScale(codes: readonly Float32Array[]): CodeScale {
  const n = codes[0]?.length ?? 0
  const mean = Array.from(
    { length: n },
    (_, k) => codes.reduce((sum, code) => sum + code[k]!, 0) / codes.length,
  )
  const sd = mean.map((m, k) =>
    Math.max(LEAST_SD, Math.sqrt(codes.reduce((sum, code) => sum + (code[k]! - m) ** 2, 0) / codes.length)),
  )
  return { mean, sd }
}

export function standardized(code: Float32Array, { mean, sd }: CodeScale): Float32Array {
  return code.map((value, k) => Math.min(CODE_LIMIT, Math.max(-CODE_LIMIT, (value - mean[k]!) / sd[k]!)))
}
