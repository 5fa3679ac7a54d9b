/** What a model says of its smooth effects. */
import { splineSize } from '../kernels/cubic-spline.ts'
import { listed } from './data.ts'
import type { CombatModel } from './model.ts'
import type { Smooth } from './smooth.ts'

export interface SmoothExplanation {
  readonly column: string
  /** Effective degrees of freedom over the features: 1 is a straight line. */
  readonly freedom: { readonly low: number; readonly median: number; readonly high: number }
  /** Features whose curve is a straight line. */
  readonly straight: number
}

export const WOOD =
  'Wood SN. Fast stable restricted maximum likelihood and marginal likelihood estimation of semiparametric generalized linear models. J R Stat Soc B 2011;73:3-36. doi:10.1111/j.1467-9868.2010.00749.x'

/** Chosen: below, no picture shows a bend. */
const STRAIGHT = 1.01

export function smoothOf({ terms }: Smooth): readonly SmoothExplanation[] {
  return terms.map(({ column, freedom }) => {
    const sorted = freedom.filter((value) => value !== null).toSorted((a, b) => a - b)
    const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN
    return {
      column,
      freedom: { low: at(0), median: at(0.5), high: at(1) },
      straight: sorted.filter((value) => value < STRAIGHT).length,
    }
  })
}

const CHOSEN: Readonly<Record<Smooth['penalty'], string>> = {
  reml: 'chosen for each feature by restricted maximum likelihood (Wood 2011)',
  gcv: 'chosen for each feature by generalized cross-validation (Wood 2011)',
  fixed: 'given beforehand, the same for all features (Wood 2011)',
}

/** For the methods section of a paper. */
export function smoothSentences({
  smooth,
  covariates,
}: Pick<CombatModel, 'smooth' | 'covariates'>): readonly string[] {
  if (smooth === undefined) return []
  const sizes = covariates.flatMap((coding) =>
    coding.kind === 'smooth' ? [`${coding.name} (${splineSize(coding.knots)} functions)`] : [],
  )
  const spent = smoothOf(smooth).map(
    ({ column, freedom: { low, median, high } }) =>
      `${column} took ${low.toFixed(1)} to ${high.toFixed(1)} effective degrees of freedom (median ${median.toFixed(1)})`,
  )
  return [
    `Smooth effects were cubic B-splines of ${listed(sizes, 10)}, inner knots at quantiles, penalized by the integral of the squared second derivative, with penalties ${CHOSEN[smooth.penalty]}; ${listed(spent, 10)}.`,
  ]
}
