/**
 * Empirical Bayes for the location and scale of one group over many features: each is drawn towards what the features have in common.
 *
 * Values of a feature are z_i = location + root(scale) * normal, n of them; location and scale here are their mean and variance
 * (divisor n - 1). Features whose location is NaN are left out, and stay NaN. A scale of NaN (fewer than two values) means a known
 * scale of 1.
 *
 * @see Johnson, Li, Rabinovic, Biostatistics 8(1):118-127 (2007), doi:10.1093/biostatistics/kxj037, and its supplement
 */

/** Location and scale by feature, in place. */
export interface GroupMoments {
  readonly location: Float64Array
  readonly scale: Float64Array
  readonly counts: Float64Array
}

/** What features have in common: normal locations, inverse gamma scales. Variances of a single estimate are NaN, and count as 0. */
export interface Prior {
  readonly locationMean: number
  readonly locationVariance: number
  readonly scaleMean: number
  readonly scaleVariance: number
}

/** Means and variances (divisor F - 1) over the features. */
export function priorOf({ location, scale }: GroupMoments): Prior {
  const [locationMean, locationVariance] = meanAndVariance(location)
  const [scaleMean, scaleVariance] = meanAndVariance(scale)
  return { locationMean, locationVariance, scaleMean, scaleVariance }
}

/** NaN left out. */
function meanAndVariance(x: Float64Array): readonly [mean: number, variance: number] {
  let n = 0
  let sum = 0
  for (let f = 0; f < x.length; f++)
    if (!Number.isNaN(x[f])) {
      n++
      sum += x[f]!
    }
  const mean = sum / n
  let squares = 0
  for (let f = 0; f < x.length; f++) if (!Number.isNaN(x[f])) squares += (x[f]! - mean) ** 2
  return [mean, n > 1 ? squares / (n - 1) : Number.NaN]
}

/** Posterior mean of the location of n values of a known scale. */
function locationGiven(prior: Prior, location: number, n: number, scale: number): number {
  const { locationMean, locationVariance } = prior
  if (!(locationVariance > 0)) return locationMean
  return (locationVariance * n * location + scale * locationMean) / (locationVariance * n + scale)
}

/** Shape and rate of the inverse gamma distribution with the prior's mean and variance of scales; infinite shape for a variance of 0. */
interface InverseGamma {
  readonly shape: number
  readonly rate: number
  readonly mean: number
}

function inverseGamma({ scaleMean: mean, scaleVariance: variance }: Prior): InverseGamma {
  if (!(variance > 0)) return { shape: Number.POSITIVE_INFINITY, rate: Number.POSITIVE_INFINITY, mean }
  return {
    shape: (2 * variance + mean * mean) / variance,
    rate: (mean * variance + mean ** 3) / variance,
    mean,
  }
}

/** Posterior mean of the scale of n values of a known location, from which their squared distances sum to `squares`. */
function scaleGiven({ shape, rate, mean }: InverseGamma, squares: number, n: number): number {
  return shape === Number.POSITIVE_INFINITY ? mean : (0.5 * squares + rate) / (n / 2 + shape - 1)
}

/** Both follow each other until neither moves by more than this share (the location: of the root of the scale). */
const STILL = 1e-13
const MOST_ROUNDS = 100_000

/**
 * Parametric: location and scale that are each other's posterior means, to the end.
 * @returns the feature that found no end, or -1: after 100,000 rounds, which has not been seen
 */
export function shrinkInPlace({ location, scale, counts }: GroupMoments, prior: Prior): number {
  const scales = inverseGamma(prior)
  for (let f = 0; f < location.length; f++) {
    const mean = location[f]!
    const variance = scale[f]!
    if (Number.isNaN(mean)) continue
    if (Number.isNaN(variance)) {
      location[f] = locationGiven(prior, mean, 1, 1)
      continue
    }
    const n = counts[f]!
    let [g, d] = [mean, variance]
    let round = 0
    for (let moved = Number.POSITIVE_INFINITY; moved > STILL; round++) {
      if (round === MOST_ROUNDS) return f
      const nextG = locationGiven(prior, mean, n, d)
      const nextD = scaleGiven(scales, (n - 1) * variance + n * (mean - nextG) ** 2, n)
      moved = Math.max(Math.abs(nextG - g) / Math.sqrt(nextD), Math.abs(nextD - d) / nextD)
      g = nextG
      d = nextD
    }
    location[f] = g
    scale[f] = d
  }
  return -1
}

/**
 * Parametric, with the stopping rule of neuroCombat and sva: all features go on together until the largest signed relative change,
 * |new - old| / old, is at most 1e-4. A negative location is never the largest.
 */
export function shrinkUntilSmallChangeInPlace({ location, scale, counts }: GroupMoments, prior: Prior): void {
  const scales = inverseGamma(prior)
  const means = location.slice()
  const variances = scale.slice()
  for (let change = 1; change > 1e-4; ) {
    change = Number.NEGATIVE_INFINITY
    for (let f = 0; f < means.length; f++) {
      const mean = means[f]!
      const variance = variances[f]!
      if (Number.isNaN(mean)) continue
      const known = Number.isNaN(variance)
      const n = known ? 1 : counts[f]!
      const g = locationGiven(prior, mean, n, known ? 1 : scale[f]!)
      change = Math.max(change, Math.abs(g - location[f]!) / location[f]!)
      location[f] = g
      if (known) continue
      const d = scaleGiven(scales, (n - 1) * variance + n * (mean - g) ** 2, n)
      change = Math.max(change, Math.abs(d - scale[f]!) / scale[f]!)
      scale[f] = d
    }
  }
}

/** Location alone, as if of one value of scale 1: what ComBat's "mean only" has always done. */
export function shrinkLocationInPlace(location: Float64Array, prior: Prior): void {
  for (let f = 0; f < location.length; f++)
    if (!Number.isNaN(location[f])) location[f] = locationGiven(prior, location[f]!, 1, 1)
}

/**
 * Parametric, for locations and scales whose errors are known and do not depend on each other, as where both come from a regression:
 * posterior means, each by itself. The variance of true locations is that of the estimates less what their errors explain.
 * @param error   squared standard errors of the locations; NaN (unknown) leaves the location as it is
 * @param freedom degrees of freedom of each scale
 * @returns the prior, with the variance of true locations
 * @see Efron, Morris, J Am Stat Assoc 70:311-319 (1975), doi:10.1080/01621459.1975.10479864
 */
export function shrinkByErrorsInPlace(
  location: Float64Array,
  error: Float64Array,
  scale: Float64Array,
  freedom: number,
): Prior {
  const found = priorOf({ location, scale, counts: new Float64Array(0) })
  const [typicalError] = meanAndVariance(error)
  const locationVariance = Math.max(0, found.locationVariance - typicalError)
  const prior = { ...found, locationVariance }
  const scales = inverseGamma(prior)
  for (let f = 0; f < location.length; f++) {
    if (!Number.isNaN(error[f])) location[f] = locationGiven(prior, location[f]!, 1, error[f]!)
    if (!Number.isNaN(scale[f])) scale[f] = scaleGiven(scales, freedom * scale[f]!, freedom)
  }
  return prior
}

/**
 * Non-parametric: means over the locations and scales of all other features, weighted by how likely they make the values of this one.
 * Weights are taken relative to the largest, so that none is lost to underflow. Time grows with the square of the number of features.
 */
export function shrinkByOthersInPlace({ location, scale, counts }: GroupMoments): void {
  const others = Int32Array.from([...location.keys()].filter((f) => !Number.isNaN(location[f])))
  const count = others.length
  const g = Float64Array.from(others, (f) => location[f]!)
  const d = Float64Array.from(others, (f) => (Number.isNaN(scale[f]) ? 1 : scale[f]!))
  const known = Uint8Array.from(others, (f) => (Number.isNaN(scale[f]) ? 1 : 0))
  const logD = d.map(Math.log)
  const half = d.map((value) => 0.5 / value)
  const weights = new Float64Array(count)
  for (let k = 0; k < count; k++) {
    const f = others[k]!
    const n = known[k] === 1 ? 1 : counts[f]!
    const inner = known[k] === 1 ? 0 : (n - 1) * d[k]!
    let most = Number.NEGATIVE_INFINITY
    for (let j = 0; j < count; j++) {
      const weight = -0.5 * n * logD[j]! - (inner + n * (g[k]! - g[j]!) ** 2) * half[j]!
      weights[j] = weight
      if (j !== k && weight > most) most = weight
    }
    let [sum, sumG, sumD] = [0, 0, 0]
    for (let j = 0; j < count; j++) {
      if (j === k) continue
      const weight = Math.exp(weights[j]! - most)
      sum += weight
      sumG += weight * g[j]!
      sumD += weight * d[j]!
    }
    location[f] = sumG / sum
    if (known[k] === 0) scale[f] = sumD / sum
  }
}
