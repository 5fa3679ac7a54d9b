/** Whether the classes of interest stay as far apart as they were. */
import { featureOf } from './batch-model.ts'
import type { Features } from './data.ts'

/**
 * Fisher ratio (m1 - m2)^2 / (v1 + v2) of each feature, mean over the pairs of classes, from values less the mean of their batch: what sites
 * differ in neither adds to it nor takes from it.
 * @param labels class of each row, 0 to classes - 1; -1: unknown, left out
 * @returns null where a class has fewer than two values, or nothing varies
 * @see Fisher, Ann. Eugen. 7(2):179-188 (1936), doi:10.1111/j.1469-1809.1936.tb02137.x
 */
export function fisherRatios(
  features: Features,
  groupOf: Int32Array,
  labels: Int32Array,
  classes: number,
): readonly (number | null)[] {
  return features.names.map((_, f) => {
    const values = featureOf(features, f)
    const known = [...values.keys()].filter((row) => !Number.isNaN(values[row]) && (labels[row] ?? -1) >= 0)
    const means = meansBy(
      known,
      (row) => groupOf[row] ?? 0,
      (row) => values[row] ?? 0,
    )
    const centred = (row: number): number => (values[row] ?? 0) - (means.get(groupOf[row] ?? 0) ?? 0)
    const moments = Array.from({ length: classes }, (_, k) =>
      momentsOf(known.filter((row) => labels[row] === k).map(centred)),
    )
    let sum = 0
    let pairs = 0
    for (let a = 0; a < classes; a++)
      for (let b = a + 1; b < classes; b++) {
        const [one, two] = [moments[a], moments[b]]
        if (one === undefined || two === undefined || one.n < 2 || two.n < 2) return null
        sum += (one.mean - two.mean) ** 2 / (one.variance + two.variance)
        pairs++
      }
    return Number.isFinite(sum / pairs) ? sum / pairs : null
  })
}

function meansBy(
  rows: readonly number[],
  groupOf: (row: number) => number,
  value: (row: number) => number,
): ReadonlyMap<number, number> {
  const groups = new Map<number, { sum: number; n: number }>()
  for (const row of rows) {
    const own = groups.get(groupOf(row)) ?? { sum: 0, n: 0 }
    groups.set(groupOf(row), { sum: own.sum + value(row), n: own.n + 1 })
  }
  return new Map([...groups].map(([g, { sum, n }]) => [g, sum / n]))
}

function momentsOf(values: readonly number[]): {
  readonly n: number
  readonly mean: number
  readonly variance: number
} {
  const n = values.length
  const mean = values.reduce((sum, value) => sum + value, 0) / n
  return { n, mean, variance: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / n }
}
