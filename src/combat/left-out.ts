/** Evidence for traveling subjects: effects that were estimated without a traveler are taken out of that traveler's scans. */
import { type Features, levelsOf, type PerFeature, type SampleTable } from './data.ts'
import { toPerFeature } from './model.ts'
import { type LeftOut, partsOf } from './repeated.ts'

/** Each traveler is left out alone up to this number; more are left out in as many groups. Chosen: a fold is a whole fit. */
const MOST_FOLDS = 20

interface Estimated {
  /** By batch, in square roots of `variance`. */
  readonly locations: readonly PerFeature[]
  readonly variance: Float64Array
  readonly slopes: Float64Array
  /** Covariates, one after the other. */
  readonly columns: Float64Array
}

/**
 * Per feature the SD between the means of batches of one person (divisor: batches less one), before and after, as root mean square over
 * the travelers left out. Effects of covariates are taken off both. Folds whose other travelers do not connect all batches are left out.
 * @param fitFrom estimates from the rows that it is asked for
 * @returns null when no fold is left
 */
export function leaveTravelersOut(
  { names, rows, values }: Features,
  samples: SampleTable,
  batches: readonly string[],
  groupOf: Int32Array,
  personOf: Int32Array,
  travelers: readonly number[],
  fitFrom: (usable: (row: number) => boolean) => Estimated,
): LeftOut | null {
  const folds = Math.min(MOST_FOLDS, travelers.length)
  const before = new Float64Array(names.length)
  const after = new Float64Array(names.length)
  const counts = new Float64Array(names.length)
  let people = 0
  let done = 0
  for (let fold = 0; fold < folds; fold++) {
    const out = new Set(travelers.filter((_, k) => k % folds === fold))
    const rest = [...personOf.keys()].filter((row) => !out.has(personOf[row] ?? -1))
    const parts = partsOf(
      batches.length,
      Int32Array.from(rest, (row) => groupOf[row] ?? -1),
      rest.map((row) => samples.subject?.of[row] ?? ''),
    )
    if (levelsOf(parts.map(String)).length > 1) continue
    const estimated = fitFrom((row) => !out.has(personOf[row] ?? -1))
    done++
    people += out.size
    for (const person of out) {
      const own = [...personOf.keys()].filter((row) => personOf[row] === person)
      for (let f = 0; f < names.length; f++) {
        const [old, now] = betweenBatches(
          f,
          own,
          values.subarray(f * rows, (f + 1) * rows),
          groupOf,
          estimated,
        )
        if (Number.isNaN(old) || Number.isNaN(now)) continue
        before[f] = (before[f] ?? 0) + old
        after[f] = (after[f] ?? 0) + now
        counts[f] = (counts[f] ?? 0) + 1
      }
    }
  }
  if (done === 0) return null
  const root = (sums: Float64Array): PerFeature =>
    toPerFeature(sums.map((sum, f) => Math.sqrt(sum / (counts[f] ?? 0))))
  return { people, folds: done, before: root(before), after: root(after) }
}

/** Variance between the means of one person's batches, before and after. NaN for fewer than two batches. */
function betweenBatches(
  f: number,
  own: readonly number[],
  x: Float64Array,
  groupOf: Int32Array,
  { locations, variance, slopes, columns }: Estimated,
): readonly [number, number] {
  const features = variance.length
  const sd = Math.sqrt(variance[f] ?? Number.NaN)
  const byBatch = new Map<number, { sum: number; count: number }>()
  for (const row of own) {
    let value = x[row] ?? Number.NaN
    for (let q = 0; q * x.length < columns.length; q++)
      value -= (slopes[q * features + f] ?? 0) * (columns[q * x.length + row] ?? 0)
    if (Number.isNaN(value)) continue
    const { sum, count } = byBatch.get(groupOf[row] ?? -1) ?? { sum: 0, count: 0 }
    byBatch.set(groupOf[row] ?? -1, { sum: sum + value, count: count + 1 })
  }
  const old = [...byBatch.values()].map(({ sum, count }) => sum / count)
  const now = [...byBatch].map(
    ([group, { sum, count }]) => sum / count - sd * (locations[group]?.[f] ?? Number.NaN),
  )
  return [varianceOf(old), varianceOf(now)]
}

function varianceOf(values: readonly number[]): number {
  const mean = values.reduce((a, b) => a + b, 0) / values.length
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1)
}
