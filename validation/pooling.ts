/** Medians and percentiles of a handful of results. */

export interface Pooled {
  readonly n: number
  readonly median: number
  readonly min: number
  readonly max: number
  readonly p10: number
  readonly p90: number
}

/** `undefined` for no finite value; percentiles are linear between order statistics, h = (n − 1) p. */
export function pooled(values: readonly (number | undefined)[]): Pooled | undefined {
  const sorted = values
    .filter((v): v is number => v !== undefined && Number.isFinite(v))
    .toSorted((a, b) => a - b)
  const first = sorted[0]
  if (first === undefined) return undefined
  const at = (p: number): number => {
    const h = p * (sorted.length - 1)
    const below = sorted[Math.floor(h)] ?? first
    return below + (h % 1) * ((sorted[Math.ceil(h)] ?? first) - below)
  }
  return { n: sorted.length, median: at(0.5), min: at(0), max: at(1), p10: at(0.1), p90: at(0.9) }
}
