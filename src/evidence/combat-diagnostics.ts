/**
 * What `attune combat diagnose` finds, as data: the contents of diagnostics.json, which the page only draws. No id of a row or a person is
 * in it. `before` is the table as measured, `after` the harmonized one (null where there is none). Numbers that cannot be had are null.
 */

/** Changes when the meaning of a field does. */
export const COMBAT_DIAGNOSTICS_VERSION = 1

export interface CombatDiagnostics {
  readonly kind: 'combat-diagnostics'
  readonly version: typeof COMBAT_DIAGNOSTICS_VERSION
  /** `attune 0.1.0`. */
  readonly software: string
  /** Column of batches, and the covariates that every model below holds. */
  readonly batch: string
  readonly covariates: readonly string[]
  readonly rows: number
  readonly features: number
  /** Where `after` is from: a table of its own, or the model applied to `before`. */
  readonly harmonized: 'table' | 'model' | null
  readonly sites: readonly SiteSize[]
  /** The features with the most site variance before come first. */
  readonly siteVariance: readonly BeforeAfter<SiteVariance>[]
  readonly siteProbe: SiteProbe
  readonly effects: readonly CovariateEffect[]
  /** Of the model: what the estimates of each batch look like beside the prior they were drawn towards. Empty without a model. */
  readonly priors: readonly BatchPrior[]
  readonly boxes: readonly BeforeAfter<readonly SiteBox[]>[]
  readonly components: { readonly before: Components; readonly after: Components | null }
  readonly separation: Separation | null
  readonly notes: readonly { readonly code: string; readonly text: string }[]
}

/** One thing of one feature in both tables. */
export interface BeforeAfter<T> {
  readonly feature: string
  readonly before: T | null
  readonly after: T | null
}

/** How small an effect would still be found: two-sided 5 %, power 80 %, in residual SD. Null where too few rows are left. */
export interface SiteSize {
  readonly name: string
  readonly rows: number
  /** Difference between this site and all others. */
  readonly smallestShift: number | null
  /** Within this site alone: per SD of a quantity. */
  readonly smallestSlope: number | null
  /** Within this site alone: between two groups of equal size. */
  readonly smallestDifference: number | null
}

/**
 * Shares of the variance that are the site's, beside the covariates: partial epsilon squared, 1 - (s2 with site / s2 without), with s2 the
 * residual variance over its degrees of freedom. It is 0 on average where sites differ by chance alone, so half of such features are
 * below 0; a table harmonized with these very rows lies below.
 */
export interface SiteVariance {
  /** Of the feature. */
  readonly location: number
  /** Of the distance from the median of the site (Brown and Forsythe), beside no covariates. */
  readonly spread: number
}

export interface SiteProbe {
  readonly before: Probe | null
  readonly after: Probe | null
  /** Sites with fewer people than folds. */
  readonly leftOut: readonly string[]
}

/** A cross-validated classifier, against chance. */
export interface Probe {
  readonly rows: number
  readonly folds: number
  /** Mean over the classes of the share named right. */
  readonly balancedAccuracy: number
  /** 95 %, for rows that are independent. */
  readonly interval: { readonly low: number; readonly high: number }
  /** What classifiers trained on permuted classes reach: 2.5th percentile, mean, 97.5th percentile. */
  readonly chance: { readonly low: number; readonly mean: number; readonly high: number }
  /** Share of the permutations that reach as much. */
  readonly p: number
  readonly classes: readonly { readonly name: string; readonly rows: number; readonly right: number }[]
  /** Of two classes: the area under the receiver operating curve of held-out scores, with a 95 % interval. */
  readonly area: { readonly value: number; readonly low: number; readonly high: number } | null
}

/** A covariate in the honest model: one linear model with an intercept for each batch and all covariates. */
export interface CovariateEffect {
  /** `age`, `sex=M`. */
  readonly column: string
  /** `sd`: residual SD per SD of the column within batches; `level`: residual SD between this level and the base. */
  readonly per: 'sd' | 'level'
  readonly features: readonly BeforeAfter<StandardizedEffect>[]
  /** Effects after along those before, all features together: 1 where they are kept. Null without a table after. */
  readonly kept: number | null
}

export interface StandardizedEffect {
  readonly value: number
  /** 95 %. */
  readonly low: number
  readonly high: number
  readonly p: number
}

export interface BatchPrior {
  readonly batch: string
  readonly location: PriorDensity | null
  readonly scale: PriorDensity | null
}

export interface PriorDensity {
  readonly at: readonly number[]
  /** Gaussian kernel density of the estimates of the features. */
  readonly estimates: readonly number[]
  /** Normal (location) or inverse gamma (scale); null where the variant has none. */
  readonly prior: readonly number[] | null
}

/** Quartiles, and the furthest values within 1.5 interquartile ranges of them. */
export interface SiteBox {
  readonly site: string
  readonly rows: number
  readonly low: number
  readonly quartile1: number
  readonly median: number
  readonly quartile3: number
  readonly high: number
  /** Values beyond. */
  readonly beyond: readonly number[]
}

/** The rows on the first two principal components of the features, each on mean 0 and SD 1. Rows are shuffled. */
export interface Components {
  /** Share of the variance of each. */
  readonly shares: readonly number[]
  readonly points: readonly { readonly site: string; readonly x: number; readonly y: number }[]
}

/** Classes of interest. */
export interface Separation {
  readonly label: string
  readonly classes: readonly { readonly name: string; readonly rows: number }[]
  /** Fisher ratio (m1 - m2)^2 / (v1 + v2), mean over pairs of classes; site means are taken out first. */
  readonly fisher: readonly BeforeAfter<number>[]
  readonly probe: { readonly before: Probe | null; readonly after: Probe | null }
}
