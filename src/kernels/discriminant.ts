/** Linear discriminant analysis with a shrunk covariance: a classifier for few rows with many features. */

export interface Discriminant {
  /** Per class: the weight of each feature, then the constant. */
  readonly weights: readonly Float64Array[]
}

/**
 * The share by which the covariance of centred rows is drawn towards a multiple of the identity.
 *
 *     m = tr S / p,  d2 = |S - m I|2,  b2 = 1/n2 sum_i |x_i x_i' - S|2,  share = min(b2, d2) / d2     (Frobenius norms)
 *
 * @param rows n centred rows of p features
 * @returns in [0, 1]; 1 where nothing varies
 * @see Ledoit, Wolf, J. Multivar. Anal. 88(2):365-411 (2004), doi:10.1016/S0047-259X(03)00096-4
 */
export function shrinkage(rows: readonly Float64Array[]): number {
  const n = rows.length
  const s = covariance(rows)
  const p = rows[0]!.length
  const scale = trace(s, p) / p
  let spread = 0
  let squares = 0
  for (let i = 0; i < p; i++)
    for (let j = 0; j < p; j++) {
      spread += (s[i * p + j]! - (i === j ? scale : 0)) ** 2
      squares += s[i * p + j]! ** 2
    }
  // sum_i |x_i x_i' - S|2 = sum_i |x_i|4 - n |S|2
  const fourth = rows.reduce((sum, row) => sum + row.reduce((a, v) => a + v * v, 0) ** 2, 0)
  const noise = (fourth - n * squares) / (n * n)
  return spread > 0 ? Math.min(1, Math.max(0, noise / spread)) : 1
}

/**
 * Closed form: there is no iteration to stop early. Every class has the same prior, whatever its number of rows, and the
 * covariance within classes is pooled and shrunk. Features are put on one scale (SD within all rows) first; one that does not vary
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
  const center = meanRow(rows, p)
  const unit = Float64Array.from({ length: p }, (_, j) => {
    const sd = Math.sqrt(rows.reduce((sum, row) => sum + (row[j]! - center[j]!) ** 2, 0) / rows.length)
    return sd > 1e-12 * Math.abs(center[j]!) ? 1 / sd : 0
  })
  const scaled = rows.map((row) => row.map((v, j) => (v - center[j]!) * unit[j]!))
  const means = Array.from({ length: classes }, (_, k) => {
    const own = scaled.filter((_, i) => labels[i] === k)
    return own.length === 0 ? undefined : meanRow(own, p)
  })
  const within = scaled.map((row, i) => row.map((v, j) => v - means[labels[i]!]![j]!))
  const s = covariance(within)
  const share = shrinkage(within)
  const scale = trace(s, p) / p
  for (let i = 0; i < p; i++)
    for (let j = 0; j < p; j++)
      s[i * p + j] = (1 - share) * s[i * p + j]! + (i === j ? share * scale + RIDGE : 0)
  const factor = cholesky(s, p)
  const weights = means.map((mean) => {
    const out = new Float64Array(p + 1)
    if (mean === undefined) {
      out[p] = Number.NEGATIVE_INFINITY
      return out
    }
    const direction = solve(factor, mean, p)
    // The score is direction . ((x - center) unit - mean / 2).
    let constant = 0
    for (let j = 0; j < p; j++) {
      constant -= direction[j]! * (mean[j]! / 2 + center[j]! * unit[j]!)
      out[j] = direction[j]! * unit[j]!
    }
    out[p] = constant
    return out
  })
  return { weights }
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

function meanRow(rows: readonly Float64Array[], p: number): Float64Array {
  const out = new Float64Array(p)
  for (const row of rows) for (let j = 0; j < p; j++) out[j]! += row[j]! / rows.length
  return out
}

/** Of centred rows, divided by n; p x p. */
function covariance(rows: readonly Float64Array[]): Float64Array {
  const p = rows[0]!.length
  const out = new Float64Array(p * p)
  for (const row of rows)
    for (let i = 0; i < p; i++) for (let j = 0; j < p; j++) out[i * p + j]! += row[i]! * row[j]!
  return out.map((sum) => sum / rows.length)
}

function trace(s: Float64Array, p: number): number {
  let sum = 0
  for (let i = 0; i < p; i++) sum += s[i * p + i]!
  return sum
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

/** x with L L' x = b. */
function solve(factor: Float64Array, b: Float64Array, p: number): Float64Array {
  const x = b.slice()
  for (let i = 0; i < p; i++) {
    for (let k = 0; k < i; k++) x[i]! -= factor[i * p + k]! * x[k]!
    x[i]! /= factor[i * p + i]!
  }
  for (let i = p - 1; i >= 0; i--) {
    for (let k = i + 1; k < p; k++) x[i]! -= factor[k * p + i]! * x[k]!
    x[i]! /= factor[i * p + i]!
  }
  return x
}
