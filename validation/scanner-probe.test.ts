import { describe, expect, it } from 'vitest'
import { random } from '../src/kernels/random.ts'
import { SCAN_FEATURES } from '../src/metrics/scan-features.ts'
import { type ProbedScan, scannerProbe } from './scanner-probe.ts'

const SCANNERS = ['A', 'B', 'C']
const alone = (subject: string): string => subject

/** Features of normal noise, plus a part that people share, plus what `gain` writes into the first feature per scanner. */
function cohort(people: number, gain: number, seed = 1): readonly ProbedScan[] {
  const rng = random(seed, 'probe')
  return Array.from({ length: people }, (_, person) => {
    const own = Array.from(SCAN_FEATURES, () => rng.normal())
    return SCANNERS.map((domain, k): ProbedScan => {
      const drawn = Float64Array.from(own, (v) => v + 0.5 * rng.normal())
      const marked = drawn.map((v, j) => (j === 0 ? v + gain * k : v))
      const features = new Map([
        ['identity', marked],
        ['cleaned', drawn],
      ])
      return { subject: `s${person}`, domain, features }
    })
  }).flat()
}
const found = (scans: readonly ProbedScan[], method: string, training = 'retrained') =>
  scannerProbe(scans, ['identity', 'cleaned'], alone).results.find(
    (result) => result.method === method && result.training === training,
  )

describe('a scanner written in gain', () => {
  const scans = cohort(12, 20)

  it('is named in all scans before, and cannot be told by chance', () => {
    const before = found(scans, 'identity')
    expect(before?.accuracy).toBe(1)
    expect(before?.chance.high).toBeLessThan(0.7)
    expect(before?.p).toBeLessThan(0.01)
  })

  it('is not named once it is taken away: within chance, frozen and retrained', () => {
    for (const training of ['frozen', 'retrained']) {
      const after = found(scans, 'cleaned', training)
      expect(after?.accuracy).toBeLessThanOrEqual(after?.chance.high ?? 0)
      expect(after?.accuracy).toBeGreaterThanOrEqual(after?.chance.low ?? 1)
    }
  })

  it('is what fools a frozen classifier, not a retrained one, when the scanners are renamed', () => {
    const swapped = scans.map(({ features, ...scan }) => {
      const [mine] = [...features.values()]
      const back = mine?.map((v, j) => (j === 0 ? -v : v))
      return { ...scan, features: new Map(features).set('cleaned', back as Float64Array) }
    })
    expect(found(swapped, 'cleaned', 'frozen')?.accuracy).toBeLessThan(0.5)
    expect(found(swapped, 'cleaned', 'retrained')?.accuracy).toBe(1)
  })
})

it('has a chance interval that covers the accuracy of labels that carry nothing, in about 95 of 100 cohorts', () => {
  const cohorts = 30
  const results = Array.from(
    { length: cohorts },
    (_, seed) => scannerProbe(cohort(6, 0, seed), ['identity'], alone).results[0],
  ).flatMap((result) => result ?? [])
  const covered = results.filter(
    ({ accuracy, chance }) => accuracy >= chance.low && accuracy <= chance.high,
  ).length
  // Binomial(30, 0.95) is below 25 with probability 0.3 %.
  expect(covered).toBeGreaterThanOrEqual(25)
  const mean = results.reduce((sum, { accuracy }) => sum + accuracy, 0) / cohorts
  expect(Math.abs(mean - 1 / 3)).toBeLessThan(0.06)
}, 30_000)

it('counts relatives as one, and says why three families are not enough', () => {
  const scans = cohort(6, 20)
  const related = scannerProbe(scans, ['identity'], (subject) => (subject < 's3' ? 'a' : subject))
  expect(related.families).toBe(4)
  const few = scannerProbe(scans, ['identity'], (subject) => (subject < 's4' ? 'a' : subject))
  expect(few.results).toEqual([])
  expect(few.note).toMatch(/3 families .* needs 4/)
})

it('leaves out a feature that could not be measured everywhere, and a method that some scan lacks', () => {
  const scans = cohort(5, 20)
  const first = scans[0] as ProbedScan
  first.features.get('identity')?.fill(Number.NaN, 2, 3)
  const lacking = [{ ...first, features: new Map([...first.features].slice(0, 1)) }, ...scans.slice(1)]
  const { features, results } = scannerProbe(lacking, ['identity', 'cleaned'], alone)
  expect(features).not.toContain(SCAN_FEATURES[2])
  expect(features).toHaveLength(SCAN_FEATURES.length - 1)
  expect(results.map(({ method }) => method)).toEqual(['identity'])
})
