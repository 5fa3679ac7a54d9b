/** Tables of people who were scanned more than once, for tests of ComBat. */
import { random } from '../src/kernels/random.ts'
import type { Drawn } from './combat-table.ts'

/** One row: who, where, when. */
export type Visit = readonly [person: string, scanner: string, years: number]

/** Feature f is 10 f + level of the person (SD 3) + 0.5 per year + effect of the scanner (SD 2) + noise of SD 1 times the scanner's. */
export function drawVisits(
  seed: number,
  visits: readonly Visit[],
  count: number,
  noise: Readonly<Record<string, number>> = {},
): Drawn {
  const { normal } = random(seed, 'visits')
  const scanners = [...new Set(visits.map(([, scanner]) => scanner))].sort()
  const people = [...new Set(visits.map(([person]) => person))]
  const values = new Float64Array(visits.length * count)
  for (let f = 0; f < count; f++) {
    const level = new Map(people.map((person) => [person, 3 * normal()]))
    const effect = new Map(scanners.map((scanner) => [scanner, 2 * normal()]))
    visits.forEach(([person, scanner, years], row) => {
      values[f * visits.length + row] =
        10 * f + level.get(person)! + 0.5 * years + effect.get(scanner)! + (noise[scanner] ?? 1) * normal()
    })
  }
  return {
    features: { names: Array.from({ length: count }, (_, f) => `f${f + 1}`), rows: visits.length, values },
    samples: {
      batchName: 'scanner',
      batch: visits.map(([, scanner]) => scanner),
      covariates: [
        { name: 'years', kind: 'continuous', values: Float64Array.from(visits, ([, , years]) => years) },
      ],
      subject: { column: 'person', of: visits.map(([person]) => person) },
      rowName: (row) => `line ${row + 2}`,
      source: 'visits.csv',
    },
  }
}

/** Solves the normal equations by Gauss-Jordan elimination with pivoting: slow and plain. */
export function solveNaively(columns: readonly (readonly number[])[], y: readonly number[]): number[] {
  const dot = (a: readonly number[], b: readonly number[]): number =>
    a.reduce((sum, value, i) => sum + value * b[i]!, 0)
  const a = columns.map((left) => [...columns.map((right) => dot(left, right)), dot(left, y)])
  for (let k = 0; k < a.length; k++) {
    let best = k
    for (let r = k + 1; r < a.length; r++) if (Math.abs(a[r]![k]!) > Math.abs(a[best]![k]!)) best = r
    ;[a[k], a[best]] = [a[best]!, a[k]!]
    for (let r = 0; r < a.length; r++) {
      if (r === k) continue
      const share = a[r]![k]! / a[k]![k]!
      for (let c = k; c <= a.length; c++) a[r]![c]! -= share * a[k]![c]!
    }
  }
  return a.map((row, k) => row[a.length]! / row[k]!)
}
