/** How often classes are named right, each class counting the same. */
import { betaQuantile } from './tails.ts'

/** Of each class: rows, and how many of them were named right. */
export interface ClassCounts {
  readonly rows: Float64Array
  readonly right: Float64Array
}

/** @param named class given to each row; @param labels its own, 0 to classes - 1 */
export function classCounts(
  named: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
): ClassCounts {
  const [rows, right] = [new Float64Array(classes), new Float64Array(classes)]
  for (let i = 0; i < labels.length; i++) {
    rows[labels[i]!]!++
    if (named[i] === labels[i]) right[labels[i]!]!++
  }
  return { rows, right }
}

/** Mean over classes of the share named right; NaN where a class has no rows. */
export function balancedAccuracy({ rows, right }: ClassCounts): number {
  return right.reduce((sum, n, k) => sum + n / rows[k]!, 0) / rows.length
}

/**
 * 95 % interval of the balanced accuracy, for rows that are independent of each other. The share of each class has the posterior
 * Beta(right + 1/2, wrong + 1/2); their mean is taken as a beta variable of the same mean and variance. It reaches to the
 * balanced accuracy itself where that is 0 or 1.
 * @see Brodersen et al., ICPR 2010:3121-3124, doi:10.1109/ICPR.2010.764 (posterior of the mean of classes)
 * @see Brown, Cai, DasGupta, Stat. Sci. 16(2):101-133 (2001), doi:10.1214/ss/1009213286 (Jeffreys' prior, and its ends)
 */
export function balancedAccuracyInterval(counts: ClassCounts): {
  readonly low: number
  readonly high: number
} {
  const { rows, right } = counts
  const classes = rows.length
  let mean = 0
  let variance = 0
  for (let k = 0; k < classes; k++) {
    const [a, b] = [right[k]! + 0.5, rows[k]! - right[k]! + 0.5]
    mean += a / (a + b) / classes
    variance += (a * b) / ((a + b) ** 2 * (a + b + 1)) / classes ** 2
  }
  const size = (mean * (1 - mean)) / variance - 1
  const found = balancedAccuracy(counts)
  return {
    low: Math.min(found, betaQuantile(0.025, mean * size, (1 - mean) * size)),
    high: Math.max(found, betaQuantile(0.975, mean * size, (1 - mean) * size)),
  }
}
