/** The robust range of the reference: the unit in which errors are given, so that they compare between studies. */
import { InputError } from '../errors.ts'
import { maskedQuantiles } from '../kernels/quantile.ts'

const RANKS = Array.from({ length: 1001 }, (_, k) => k / 1000)

/** One target scan as a thousand and one of its quantiles, so that every scan weighs the same. */
export function rangeSample(x: Float32Array, mask: Uint8Array): Float32Array {
  return Float32Array.from(maskedQuantiles(x, mask, RANKS))
}

/**
 * Pooled 1st to 99th percentile.
 * @throws {InputError} when they are equal
 */
export function pooledRange(samples: readonly Float32Array[]): {
  readonly low: number
  readonly high: number
} {
  const all = Float32Array.from(samples.flatMap((values) => [...values]))
  const [low, high] = maskedQuantiles(all, null, [0.01, 0.99]) as unknown as [number, number]
  if (high > low) return { low, high }
  throw new InputError(
    `The target scans have no contrast: their 1st and 99th percentile are ${low} and ${high}.`,
    'Check images and masks of the target domain.',
  )
}
