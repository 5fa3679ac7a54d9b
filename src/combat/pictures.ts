/** What pages draw of tables and models: boxes, principal components, densities. */
import type { BatchPrior, Components, PriorDensity, SiteBox } from '../evidence/combat-diagnostics.ts'
import { standardizedTable } from '../kernels/component-rows.ts'
import { leadingComponents } from '../kernels/leading-components.ts'
import { random } from '../kernels/random.ts'
import { levelsOf, type PerFeature, type SampleTable } from './data.ts'
import type { CombatModel } from './model.ts'

/**
 * Tukey's box of a feature at each site; quantiles are linear between order statistics (type 7 of Hyndman and Fan).
 * @see Tukey, Exploratory Data Analysis, Addison-Wesley (1977), section 2D
 */
export function siteBoxes(values: Float64Array, { batch }: SampleTable): readonly SiteBox[] {
  return levelsOf(batch).flatMap((site): SiteBox[] => {
    const own = values.filter((value, row) => batch[row] === site && !Number.isNaN(value)).sort()
    if (own.length === 0) return []
    const at = (share: number): number => {
      const h = share * (own.length - 1)
      const [low = Number.NaN, high = low] = [own[Math.floor(h)], own[Math.ceil(h)]]
      return low + (h - Math.floor(h)) * (high - low)
    }
    const [quartile1, quartile3] = [at(0.25), at(0.75)]
    const reach = 1.5 * (quartile3 - quartile1)
    const inside = own.filter((value) => value >= quartile1 - reach && value <= quartile3 + reach)
    return [
      {
        site,
        rows: own.length,
        low: inside[0] ?? quartile1,
        quartile1,
        median: at(0.5),
        quartile3,
        high: inside[inside.length - 1] ?? quartile3,
        beyond: [...own.filter((value) => value < quartile1 - reach || value > quartile3 + reach)],
      },
    ]
  })
}

/** Rows are shuffled, so that no point says which row of the table it was. */
export function componentsOf(values: Float64Array, { batch }: SampleTable): Components {
  const rows = batch.length
  const all = batch.map((_, row) => row)
  const { scores, shares } = leadingComponents(standardizedTable(values, rows, all), rows, 2)
  const order = [...all]
  const rng = random(0, 'order of points')
  for (let k = order.length - 1; k > 0; k--) {
    const j = rng.integer(k + 1)
    const kept = order[k] ?? 0
    order[k] = order[j] ?? 0
    order[j] = kept
  }
  return {
    shares: [...shares],
    points: order.map((row) => ({ site: batch[row] ?? '', x: scores[row] ?? 0, y: scores[rows + row] ?? 0 })),
  }
}

/** Estimates of each batch beside the prior that they were drawn towards. */
export function priorsOf(model: CombatModel): readonly BatchPrior[] {
  return model.batches.map(({ name, prior, estimatedLocation, estimatedScale }) => {
    const { locationMean, locationVariance, scaleMean, scaleVariance } = prior
    return {
      batch: name,
      location: densityOf(
        estimatedLocation,
        locationMean === null || locationVariance === null ? null : normal(locationMean, locationVariance),
        Number.NEGATIVE_INFINITY,
      ),
      scale: densityOf(
        estimatedScale,
        scaleMean === null || scaleVariance === null ? null : inverseGamma(scaleMean, scaleVariance),
        0,
      ),
    }
  })
}

/** Points of a curve. */
const POINTS = 81

/** @param least where the curves begin at the lowest; @returns null where fewer than three features have an estimate, or all are equal (the reference batch). */
function densityOf(
  estimates: PerFeature,
  prior: ((x: number) => number) | null,
  least: number,
): PriorDensity | null {
  const known = estimates.filter((value) => value !== null).sort((a, b) => a - b)
  const n = known.length
  const mean = known.reduce((sum, value) => sum + value, 0) / n
  const sd = Math.sqrt(known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1))
  if (n < 3 || !(sd > 0)) return null
  const quartile = (share: number): number => known[Math.round(share * (n - 1))] ?? mean
  const robust = (quartile(0.75) - quartile(0.25)) / 1.34
  // Silverman, Density Estimation (1986), 3.31
  const width = 0.9 * Math.min(sd, robust > 0 ? robust : sd) * n ** -0.2
  const low = Math.max(least, (known[0] ?? 0) - 3 * width)
  const high = (known[n - 1] ?? 0) + 3 * width
  const at = Array.from({ length: POINTS }, (_, k) => low + ((high - low) * k) / (POINTS - 1))
  const kernel = normal(0, width * width)
  return {
    at,
    estimates: at.map((x) => known.reduce((sum, value) => sum + kernel(x - value), 0) / n),
    prior: prior === null ? null : at.map(prior),
  }
}

function normal(mean: number, variance: number): (x: number) => number {
  return (x) => Math.exp(-((x - mean) ** 2) / (2 * variance)) / Math.sqrt(2 * Math.PI * variance)
}

/** By its mean and variance, as Johnson 2007 takes them from the estimates: shape m^2/v + 2, rate m (shape - 1). */
function inverseGamma(mean: number, variance: number): (x: number) => number {
  const shape = (mean * mean) / variance + 2
  const rate = mean * (shape - 1)
  const log = (x: number): number => -(shape + 1) * Math.log(x) - rate / x
  // Normalized where it is largest, by the trapezoidal rule on its logarithm: the gamma function of a large shape overflows.
  const mode = rate / (shape + 1)
  const steps = Array.from({ length: 4001 }, (_, k) => mode * Math.exp((k - 2000) / 200))
  const area = steps.reduce((sum, x) => sum + (Math.exp(log(x) - log(mode)) * x) / 200, 0)
  return (x) => (x > 0 ? Math.exp(log(x) - log(mode)) / area : 0)
}
