/** Linear discriminant analysis with a shrunk covariance: a classifier for few rows with many features. */

export interface Discriminant {
  /** Per class: the weight of each feature, then the constant. */
  readonly weights: readonly Float64Array[]
}

/**
 * The covariance of centred rows, drawn towards a multiple of the identity by the share that is best for it in the mean.
 *
 *     m = tr S / p,  d2 = |S - m I|2,  b2 = 1/n2 sum_i |x_i x_i' - S|2,  share = min(b2, d2) / d2     (Frobenius norms)
 *
 * @param rows n centred rows of p features, row-major
 * @returns `covariance` p x p, (1 - share) S + share m I; `share` in [0, 1], 1 where nothing varies
 * @see Ledoit, Wolf, J. Multivar. Anal. 88(2):365-411 (2004), doi:10.1016/S0047-259X(03)00096-4
 */
export function shrunkCovariance(
  rows: Float64Array,
  p: number,
): { readonly covariance: Float64Array; readonly share: number } {
  const n = rows.length / p
  const s = new Float64Array(p * p)
  let fourth = 0
  for (let at = 0; at < rows.length; at += p) {
    let square = 0
    for (let i = 0; i < p; i++) {
      const value = rows[at + i]!
      square += value * value
      for (let j = 0; j <= i; j++) s[i * p + j]! += value * rows[at + j]!
    }
    fourth += square * square
  }
  let scale = 0
  let squares = 0
  for (let i = 0; i < p; i++)
    for (let j = 0; j <= i; j++) {
      const value = s[i * p + j]! / n
      s[i * p + j] = value
      s[j * p + i] = value
      squares += (i === j ? 1 : 2) * value * value
      if (i === j) scale += value / p
    }
  // |S - m I|2 = |S|2 - p m2, and sum_i |x_i x_i' - S|2 = sum_i |x_i|4 - n |S|2
  const spread = squares - p * scale * scale
  const noise = (fourth - n * squares) / (n * n)
  const share = spread > 0 ? Math.min(1, Math.max(0, noise / spread)) : 1
  for (let k = 0; k < s.length; k++) s[k]! *= 1 - share
  for (let i = 0; i < p; i++) s[i * p + i]! += share * scale
  return { covariance: s, share }
}

/**
 * Closed form: there is no iteration to stop early. Every class has the same prior, whatever its number of rows. Features are put on one
 * scale first, their SD within classes, then the pooled covariance within classes is shrunk; a feature that does not vary at all
 * counts for nothing.
 *
 * @param rows   n rows of p features
 * @param labels class of each row, 0 to classes - 1; a class without a row is never predicted
 */
export function fitDiscriminant(
  rows: readonly Float64Array[],
  labels: readonly number[],
  classes: number,
): Discriminant {
  const p = rows[0]!.length
  const n = rows.length
  const means = new Float64Array(classes * p)
  const sizes = new Float64Array(classes)
  const center = new Float64Array(p)
  for (let r = 0; r < n; r++) {
    const row = rows[r]!
    const from = labels[r]! * p
    sizes[labels[r]!]! += 1
    for (let j = 0; j < p; j++) {
      means[from + j]! += row[j]!
      center[j]! += row[j]! / n
    }
  }
  for (let k = 0; k < means.length; k++) means[k]! /= sizes[Math.floor(k / p)]!
  const unit = featureUnits(rows, labels, means, center)
  const within = new Float64Array(n * p)
  for (let r = 0; r < n; r++)
    for (let j = 0; j < p; j++) within[r * p + j] = (rows[r]![j]! - means[labels[r]! * p + j]!) * unit[j]!
  const { covariance } = shrunkCovariance(within, p)
  for (let i = 0; i < p; i++) covariance[i * p + i]! += RIDGE
  const factor = cholesky(covariance, p)
  const weights = Array.from(sizes, (size, k) => {
    const out = new Float64Array(p + 1)
    if (size === 0) {
      out[p] = Number.NEGATIVE_INFINITY
      return out
    }
    for (let j = 0; j < p; j++) out[j] = (means[k * p + j]! - center[j]!) * unit[j]!
    solveInto(out, factor, p)
    // The score is w . (x - center - (mean - center) / 2) in the units of the features.
    for (let j = 0; j < p; j++) {
      out[j]! *= unit[j]!
      out[p]! -= (out[j]! * (means[k * p + j]! + center[j]!)) / 2
    }
    return out
  })
  return { weights }
}

/** Of a feature that varies between classes alone, its SD over all rows counts as this many SDs within (chosen: enough to decide by it). */
const CERTAIN = 1e6

/** One over the SD within classes; 0 for a feature that does not vary. */
function featureUnits(
  rows: readonly Float64Array[],
  labels: readonly number[],
  means: Float64Array,
  center: Float64Array,
): Float64Array {
  const p = center.length
  const inside = new Float64Array(p)
  const total = new Float64Array(p)
  for (let r = 0; r < rows.length; r++)
    for (let j = 0; j < p; j++) {
      inside[j]! += (rows[r]![j]! - means[labels[r]! * p + j]!) ** 2 / rows.length
      total[j]! += (rows[r]![j]! - center[j]!) ** 2 / rows.length
    }
  return Float64Array.from(center, (middle, j) => {
    const sd = Math.sqrt(total[j]!)
    return sd > 1e-12 * Math.abs(middle) ? 1 / Math.max(Math.sqrt(inside[j]!), sd / CERTAIN) : 0
  })
}

/** Keeps the covariance invertible where classes hold one row each; features have variance 1. Chosen far below any noise. */
const RIDGE = 1e-9

/** The class with the largest discriminant; the first of equal ones. */
export function classify({ weights }: Discriminant, row: Float64Array): number {
  let best = 0
  let most = Number.NEGATIVE_INFINITY
  for (const [k, w] of weights.entries()) {
    let score = w[row.length]!
    for (let j = 0; j < row.length; j++) score += w[j]! * row[j]!
    if (score > most) {
      most = score
      best = k
    }
  }
  return best
}

/** Lower triangular L with L L' = s. */
function cholesky(s: Float64Array, p: number): Float64Array {
  const out = new Float64Array(p * p)
  for (let i = 0; i < p; i++)
    for (let j = 0; j <= i; j++) {
      let sum = s[i * p + j]!
      for (let k = 0; k < j; k++) sum -= out[i * p + k]! * out[j * p + k]!
      out[i * p + j] = i === j ? Math.sqrt(sum) : sum / out[j * p + j]!
    }
  return out
}

/** Replaces b, the first p entries of `x`, by the solution of L L' x = b. */
function solveInto(x: Float64Array, factor: Float64Array, p: number): void {
  for (let i = 0; i < p; i++) {
    for (let k = 0; k < i; k++) x[i]! -= factor[i * p + k]! * x[k]!
    x[i]! /= factor[i * p + i]!
  }
  for (let i = p - 1; i >= 0; i--) {
    for (let k = i + 1; k < p; k++) x[i]! -= factor[k * p + i]! * x[k]!
    x[i]! /= factor[i * p + i]!
  }
}
