/**
 * Batches within others: scanners of a site are brought to their site, not to the mean of all.
 *
 * One regression has an intercept for each inner batch, so that slopes come from all rows. What is taken out of an inner batch is its
 * difference from its own outer batch, in that one's standard deviation, and differences are drawn together over the features: an
 * effect in stages, each with a prior of its own. An outer batch with one inner batch stays as it is.
 *
 * @see Lindley, Smith, J. R. Statist. Soc. B 34(1):1-41 (1972), doi:10.1111/j.2517-6161.1972.tb00885.x (effects in stages)
 */
import type { GroupedEstimates } from '../kernels/grouped-regression.ts'
import type { LocationScale } from '../kernels/location-scale.ts'
import type { PerFeature } from './data.ts'
import type { BatchEffect } from './model.ts'

/** For a model whose batches lie within others: their locations are in SDs of the outer batch, around its mean. */
export interface Within {
  readonly outer: readonly {
    readonly name: string
    readonly mean: PerFeature
    readonly variance: PerFeature
  }[]
  /** Place in `outer` of each batch. */
  readonly of: readonly number[]
}

/** Location and scale of inner batches against their outer one; what `batchEffect` takes, and mean and variance of each outer batch. */
export interface WithinEstimates {
  readonly estimates: Pick<GroupedEstimates, 'features' | 'location' | 'scale' | 'counts'>
  /** By outer batch: [outer * features + f]. */
  readonly mean: Float64Array
  readonly variance: Float64Array
}

/** @param of outer batch of each inner one, 0 to outers - 1 */
export function estimatesWithin(
  { features, mean, variance, location, scale, counts }: GroupedEstimates,
  of: readonly number[],
  outers: number,
): WithinEstimates {
  const out = {
    features,
    location: location.slice().fill(Number.NaN),
    scale: scale.slice().fill(Number.NaN),
    counts,
  }
  const means = new Float64Array(outers * features).fill(Number.NaN)
  const variances = means.slice()
  const at = (values: Float64Array, k: number, f: number): number => values[k * features + f] ?? Number.NaN
  for (let outer = 0; outer < outers; outer++) {
    const inner = [...of.keys()].filter((g) => of[g] === outer)
    for (let f = 0; f < features; f++) {
      const sd = Math.sqrt(at(variance, 0, f))
      const present = inner.filter((g) => !Number.isNaN(at(location, g, f)))
      const rows = present.reduce((sum, g) => sum + at(counts, g, f), 0)
      if (rows === 0 || Number.isNaN(sd)) continue
      const own = present.reduce((sum, g) => sum + (at(counts, g, f) / rows) * at(location, g, f), 0)
      // Scales are variances with divisor n - 1; sums of squares again, and over all rows.
      const squares = (g: number): number =>
        Number.isNaN(at(scale, g, f)) ? 0 : at(scale, g, f) * (at(counts, g, f) - 1)
      const pooled = present.reduce((sum, g) => sum + squares(g), 0) / rows
      const ratio = pooled > 0 ? pooled : 1 // one row per inner batch: the spread of all stands in
      means[outer * features + f] = at(mean, 0, f) + sd * own
      variances[outer * features + f] = ratio * sd * sd
      for (const g of present) {
        out.location[g * features + f] = (at(location, g, f) - own) / Math.sqrt(ratio)
        out.scale[g * features + f] = at(scale, g, f) / ratio
      }
    }
  }
  return { estimates: out, mean: means, variance: variances }
}

/** The only inner batch of an outer one is the outer one. */
export function leftAlone(effect: BatchEffect): BatchEffect {
  const flat = (value: number): PerFeature => effect.location.map((one) => (one === null ? null : value))
  return {
    ...effect,
    prior: { locationMean: null, locationVariance: null, scaleMean: null, scaleVariance: null },
    location: flat(0),
    scale: flat(1),
  }
}

/**
 * Locations against outer batches as those against the mean of all, which kernels take out: with L the outer location and r its SD in SDs of all,
 * taking (z - L) / r to ((z - L) / r - location) / root(scale) and back is z less L (1 - root(scale)) + r location, over root(scale).
 */
export function aroundOuter(
  frozen: LocationScale,
  of: readonly number[],
  outerMean: Float64Array,
  outerVariance: Float64Array,
): LocationScale {
  const { features, mean, variance, scale } = frozen
  const location = frozen.location.map((value, k) => {
    const [g, f] = [Math.floor(k / features), k % features]
    const outer = (of[g] ?? 0) * features + f
    const sd = Math.sqrt(variance[f] ?? Number.NaN)
    const away = ((outerMean[outer] ?? Number.NaN) - (mean[f] ?? Number.NaN)) / sd
    const width = Math.sqrt(outerVariance[outer] ?? Number.NaN) / sd
    return away * (1 - Math.sqrt(scale[k] ?? Number.NaN)) + width * value
  })
  return { ...frozen, location }
}
