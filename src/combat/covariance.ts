/**
 * CovBat, the part of a model that follows ComBat: how features go together also differs between batches. Residuals after ComBat, in SD,
 * are seen along the principal components of all batches; the scores of each batch are brought to one mean and variance.
 *
 * @see Chen et al., Hum Brain Mapp 43:1179-1195 (2022), doi:10.1002/hbm.25688
 */
import * as z from 'zod'
import type { PerFeature } from './data.ts'

/** What a model knows of the components of its residuals. */
export interface Covariance {
  /** Rows with every feature, from which the components were found. */
  readonly rows: number
  /** Share of the variance of residuals that each harmonized component carries, of all components together. */
  readonly explained: readonly number[]
  /** Mean and standard deviation (divisor n - 1) of the residuals; null: the feature takes no part. */
  readonly center: PerFeature
  readonly scale: PerFeature
  /** Of each component, the weight of each feature in its scores. */
  readonly loadings: readonly PerFeature[]
  /** Of the scores of each component, as `mean` and `variance` of the model are of a feature; null: it is passed through. */
  readonly mean: PerFeature
  readonly variance: PerFeature
  /** In the order of the model's batches: location and scale of each component, as taken out. */
  readonly batches: readonly {
    readonly rows: number
    readonly location: PerFeature
    readonly scale: PerFeature
  }[]
}

const numbers = z.array(z.number().nullable())
export const covarianceSchema: z.ZodType<Covariance> = z.strictObject({
  rows: z.int().positive(),
  explained: z.array(z.number().positive()).min(1),
  center: numbers,
  scale: z.array(z.number().positive().nullable()),
  loadings: z.array(numbers),
  mean: numbers,
  variance: z.array(z.number().positive().nullable()),
  batches: z.array(
    z.strictObject({
      rows: z.int().nonnegative(),
      location: numbers,
      scale: z.array(z.number().positive().nullable()),
    }),
  ),
})

/** The lists with an entry for each feature. */
export function featureListsOf({ center, scale, loadings }: Covariance): readonly PerFeature[] {
  return [center, scale, ...loadings]
}

/** Whether its lists fit together, and to so many batches. */
export function isWhole(covariance: Covariance, batches: number): boolean {
  const { explained, loadings, mean, variance } = covariance
  const lists = [
    loadings,
    mean,
    variance,
    ...covariance.batches.flatMap(({ location, scale }) => [location, scale]),
  ]
  return covariance.batches.length === batches && lists.every(({ length }) => length === explained.length)
}
