/** Medians and percentiles of a handful of results. */
import { quantilesOfSorted } from '../src/kernels/quantile.ts'

export interface Pooled {
  readonly n: number
  readonly median: number
  readonly min: number
  readonly max: number
  readonly p10: number
  readonly p90: number
}

/** `undefined` for no finite value; percentiles are linear between order statistics. */
export function pooled(values: readonly (number | undefined)[]): Pooled | undefined {
  const sorted = Float32Array.from(
    values.filter((v) => v !== undefined && Number.isFinite(v)) as number[],
  ).sort()
  if (sorted.length === 0) return undefined
  const [min, p10, median, p90, max] = quantilesOfSorted(sorted, [0, 0.1, 0.5, 0.9, 1]) as unknown as [
    number,
    number,
    number,
    number,
    number,
  ]
  return { n: sorted.length, median, min, max, p10, p90 }
}
