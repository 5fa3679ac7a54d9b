/** The variants of ComBat: how the location and scale of each batch over all features become those that are taken out. */
import { UnfittableError } from '../errors.ts'
import {
  type GroupMoments,
  type Prior,
  priorOf,
  shrinkByOthersInPlace,
  shrinkInPlace,
  shrinkLocationInPlace,
  shrinkUntilSmallChangeInPlace,
} from '../kernels/empirical-bayes.ts'

/**
 * - `eb`: parametric empirical Bayes
 * - `nonparametric`: empirical Bayes without a form for the prior
 * - `no-eb`: each feature by itself
 * - `mean-only`: location alone, by empirical Bayes
 * - `robust`: `eb` from estimates that outliers do not pull
 */
export const VARIANTS = ['eb', 'nonparametric', 'no-eb', 'mean-only', 'robust'] as const
export type Variant = (typeof VARIANTS)[number]

/** Whose stopping rule ends the iteration of `eb`; null: the fixed point, as always for `robust`. */
export type Compat = 'neurocombat' | null

/** Variants that borrow strength across features and so need several. */
export function borrows(variant: Variant): boolean {
  return variant !== 'no-eb'
}

/**
 * Location and scale of one batch, in place: from estimates to what is taken out. A scale of NaN becomes 1: it is left as it is.
 * @returns what the features were found to have in common
 */
export function adjustInPlace(moments: GroupMoments, variant: Variant, compat: Compat): Prior {
  const { scale } = moments
  if (variant === 'mean-only') scale.fill(Number.NaN)
  const prior = priorOf(moments)
  if (variant === 'nonparametric') shrinkByOthersInPlace(moments)
  else if (variant === 'eb' && compat === 'neurocombat') shrinkUntilSmallChangeInPlace(moments, prior)
  else adjustByPriorInPlace(moments, prior, variant)
  for (let f = 0; f < scale.length; f++) if (Number.isNaN(scale[f])) scale[f] = 1
  return prior
}

/** Variants that need no more of the other features than their prior. */
export type BlockVariant = Exclude<Variant, 'nonparametric'>

/** The same for some of the features, by a prior of all. Scales of NaN stay NaN. */
export function adjustByPriorInPlace(moments: GroupMoments, prior: Prior, variant: BlockVariant): void {
  switch (variant) {
    case 'no-eb':
      break
    case 'mean-only':
      shrinkLocationInPlace(moments.location, prior)
      break
    case 'eb':
    case 'robust':
      if (shrinkInPlace(moments, prior) >= 0)
        throw new UnfittableError(
          'Empirical Bayes found no fixed point.',
          'Use --variant no-eb, and report this table.',
        )
      break
    default:
      variant satisfies never
  }
}
