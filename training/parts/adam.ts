/** Adam on plain arrays: its whole state can be written down, so that a resumed training repeats the same numbers. */

/** First and second moments of one tensor's gradient. */
export interface Moments {
  readonly first: Float32Array
  readonly second: Float32Array
}

const BETA1 = 0.9
const BETA2 = 0.999
const EPSILON = 1e-7

/**
 * Moves `values` against the gradient and brings the moments up to date, in place.
 *
 * @param rate learning rate of this step
 * @param step number of this step, from 1
 * @see Kingma, Ba, ICLR (2015), arXiv:1412.6980, algorithm 1
 */
export function adamStepInto(
  values: Float32Array,
  { first, second }: Moments,
  gradient: ArrayLike<number>,
  rate: number,
  step: number,
): void {
  const unbiased = (rate * Math.sqrt(1 - BETA2 ** step)) / (1 - BETA1 ** step)
  for (let i = 0; i < values.length; i++) {
    const g = gradient[i]!
    first[i] = BETA1 * first[i]! + (1 - BETA1) * g
    second[i] = BETA2 * second[i]! + (1 - BETA2) * g * g
    values[i]! -= (unbiased * first[i]!) / (Math.sqrt(second[i]!) + EPSILON)
  }
}
