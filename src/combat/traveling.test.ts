import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Drawn } from '../../test/combat-table.ts'
import { drawVisits, solveNaively, type Visit } from '../../test/repeated-table.ts'
import { InputError, RefusedError, UnfittableError } from '../errors.ts'
import { applyCombat } from './apply.ts'
import { explainCombat } from './explain.ts'
import { type CombatModel, parseCombatModel } from './model.ts'
import { estimateNewBatches } from './new-batch.ts'
import { fitTraveling, type TravelingOptions } from './traveling.ts'

const OPTIONS: TravelingOptions = { shrink: false, reference: null, software: 'attune 0' }
const fitted = ({ features, samples }: Drawn, options: Partial<TravelingOptions> = {}): CombatModel =>
  fitTraveling(features, samples, { ...OPTIONS, ...options })
const harmonized = (drawn: Drawn, options: Partial<TravelingOptions> = {}): Float64Array =>
  applyCombat(fitted(drawn, options), drawn.features, drawn.samples).values
const distance = (a: Float64Array, b: Float64Array): number =>
  a.reduce((most, value, k) => Math.max(most, Math.abs(value - b[k]!)), 0)
const changed = (drawn: Drawn, by: (row: number, feature: number) => number): Drawn => {
  const { rows, values } = drawn.features
  return {
    ...drawn,
    features: { ...drawn.features, values: values.map((x, at) => x + by(at % rows, Math.floor(at / rows))) },
  }
}
const bare = (drawn: Drawn): Drawn => ({ ...drawn, samples: { ...drawn.samples, covariates: [] } })
const codes = ({ notes }: CombatModel): readonly string[] => notes.map(({ code }) => code)

/** People who went everywhere, and for each scanner some who were scanned there only. */
function visits(travelers: number, scanners: readonly string[], ordinary: number, repeats = 1): Visit[] {
  const rounds = Array.from({ length: repeats }, (_, k) => k)
  const went = Array.from({ length: travelers }, (_, t) =>
    scanners.flatMap((scanner, s) =>
      rounds.map((k): Visit => [`t${t}`, scanner, ((t * t + t * s * 3 + k * 5) % 11) / 10]),
    ),
  )
  const stayed = scanners.flatMap((scanner) =>
    Array.from({ length: ordinary }, (_, k): Visit => [`${scanner}${k}`, scanner, k / 10]),
  )
  return [...went.flat(), ...stayed]
}

const seed = fc.integer({ min: 0, max: 2 ** 31 })
const trip = fc
  .tuple(seed, fc.integer({ min: 2, max: 5 }), fc.integer({ min: 2, max: 4 }), fc.integer({ min: 1, max: 2 }))
  .map(([number, travelers, scanners, repeats]) =>
    drawVisits(number, visits(travelers, ['A', 'B', 'C', 'D'].slice(0, scanners), 3, repeats), 3),
  )

it('one traveler, two scanners, by hand: 10 at A and 14 at B; ordinary people keep what their sites differ in', () => {
  const table: Drawn = {
    features: { names: ['x'], rows: 4, values: Float64Array.of(10, 14, 20, 31) },
    samples: {
      ...drawVisits(1, [['t', 'A', 0]], 1).samples,
      covariates: [],
      batch: ['A', 'B', 'A', 'B'],
      subject: { column: 'person', of: ['t', 't', 'p', 'q'] },
    },
  }
  // B is 4 above A. Two rows of four are from each: A goes up by 2, B down by 2.
  expect([...harmonized(table)].map((x) => Number(x.toFixed(12)))).toEqual([12, 12, 22, 29])
  const model = fitted(table, { shrink: true })
  expect(codes(model)).toEqual(['no-empirical-bayes', 'pooled-scale', 'no-left-out-evidence'])
  expect(fitted(table, { reference: 'A' }).batches[0]!.location).toEqual([0])
})

describe('effects are those of dense least squares with a column for every person', () => {
  it.each([1, 2, 3, 4])('seed %i', (number) => {
    const plan = visits(4, ['A', 'B', 'C'], 2, 2).filter((_, k) => k % 7 !== number)
    const table = drawVisits(number, plan, 2)
    const { features, samples } = table
    const people = [...new Set(samples.subject!.of)]
    const columns = [
      ...people.map((name) => samples.subject!.of.map((other) => Number(other === name))),
      ...['B', 'C'].map((name) => samples.batch.map((other) => Number(other === name))),
      plan.map(([, , years]) => years),
    ]
    const model = fitted(table, { reference: 'A' })
    features.names.forEach((_, f) => {
      const y = [...features.values.subarray(f * plan.length, (f + 1) * plan.length)]
      const found = solveNaively(columns, y).slice(people.length)
      const sd = Math.sqrt(model.variance[f]!)
      expect(model.batches[1]!.location[f]! * sd).toBeCloseTo(found[0]!, 9)
      expect(model.batches[2]!.location[f]! * sd).toBeCloseTo(found[1]!, 9)
      expect(model.slopes[0]!.values[f]!).toBeCloseTo(found[2]!, 9)
    })
  })
})

describe('laws', () => {
  it('a constant on one scanner is taken out exactly without EB', () => {
    fc.assert(
      fc.property(trip, fc.integer({ min: -50, max: 50 }), (table, c) => {
        const moved = changed(table, (row) => (table.samples.batch[row] === 'B' ? c : 0))
        const options = { reference: 'A' }
        expect(distance(harmonized(moved, options), harmonized(table, options))).toBeLessThan(1e-8)
      }),
      { numRuns: 30 },
    )
  })
  it('what is added to all scans of a traveler stays with that traveler, and moves nobody else', () => {
    fc.assert(
      fc.property(bareTrip(), fc.integer({ min: -50, max: 50 }), (table, c) => {
        const mine = (row: number): boolean => table.samples.subject!.of[row] === 't0'
        const moved = changed(table, (row) => (mine(row) ? c : 0))
        const expected = changed(
          { ...table, features: { ...table.features, values: harmonized(table) } },
          (row) => (mine(row) ? c : 0),
        )
        expect(distance(harmonized(moved), expected.features.values)).toBeLessThan(1e-8)
      }),
      { numRuns: 30 },
    )
  })
  it('how the ordinary people of a site differ from others is no effect of the scanner', () => {
    fc.assert(
      fc.property(trip, (table) => {
        const older = (row: number): number => (/^B/.test(table.samples.subject!.of[row]!) ? 40 : 0)
        const moved = changed(table, older)
        const expected = changed(
          { ...table, features: { ...table.features, values: harmonized(table) } },
          older,
        )
        expect(distance(harmonized(moved), expected.features.values)).toBeLessThan(1e-8)
      }),
      { numRuns: 20 },
    )
  })
  it('a saved model gives the same table; ordinary people alone get what they get beside others', () => {
    const table = drawVisits(5, visits(8, ['A', 'B', 'C'], 4, 2), 6)
    const model = fitted(table, { shrink: true })
    const read = parseCombatModel(JSON.parse(JSON.stringify(model)), 'model.json')
    expect(read).toEqual(model)
    const all = applyCombat(read, table.features, table.samples).values
    const row = table.features.rows - 1
    const alone = applyCombat(
      read,
      { ...table.features, rows: 1, values: table.features.values.filter((_, at) => at % (row + 1) === row) },
      {
        ...table.samples,
        batch: ['C'],
        subject: { column: 'person', of: ['somebody new'] },
        covariates: [{ name: 'years', kind: 'continuous', values: Float64Array.of(0.3) }],
      },
    ).values
    expect(
      distance(
        alone,
        all.filter((_, at) => at % (row + 1) === row),
      ),
    ).toBeLessThan(1e-12)
  })
})

it('with a reference, its scans stay as they are, and noise elsewhere is compared with it', () => {
  const table = drawVisits(7, visits(9, ['A', 'B', 'C'], 3, 2), 4, { B: 3 })
  for (const shrink of [false, true]) {
    const model = fitted(table, { shrink, reference: 'B' })
    const after = applyCombat(model, table.features, table.samples).values
    const there = (at: number): boolean => table.samples.batch[at % table.features.rows] === 'B'
    const kept = (x: Float64Array): Float64Array => x.filter((_, at) => there(at))
    expect(distance(kept(after), kept(table.features.values))).toBeLessThan(1e-12)
    // A is three times as quiet: a ninth of the variance, within what 18 scans tell.
    const quiet = model.batches[0]!.scale.reduce<number>((sum, scale) => sum + scale! / 4, 0)
    expect(quiet).toBeGreaterThan(1 / 30)
    expect(quiet).toBeLessThan(1 / 3)
  }
})

describe('noise of scanners', () => {
  it('is found where three scanners and many travelers tell it apart: SD 1, 1 and 2', () => {
    const table = bare(drawVisits(11, visits(300, ['A', 'B', 'C'], 0), 3, { C: 2 }))
    const [a, b, c] = fitted(table).batches.map(({ estimatedScale }) => estimatedScale[0]!)
    // Over the pooled variance, 2. The standard error of such a ratio is about root(2 / 200) of it, more for the smaller ones.
    expect(Math.abs(a! - 0.5)).toBeLessThan(0.2)
    expect(Math.abs(b! - 0.5)).toBeLessThan(0.2)
    expect(Math.abs(c! - 2)).toBeLessThan(0.3)
  })
  it("agrees with Grubbs' closed form for three scanners", () => {
    const plan = visits(12, ['A', 'B', 'C'], 0)
    const table = bare(drawVisits(3, plan, 1, { B: 3 }))
    const x = (s: number): number[] =>
      plan.flatMap((_, k) => (k % 3 === s ? [table.features.values[k]!] : []))
    const covariance = (u: readonly number[], v: readonly number[]): number => {
      const mean = (w: readonly number[]): number => w.reduce((p, q) => p + q, 0) / w.length
      return u.reduce((sum, _, i) => sum + (u[i]! - mean(u)) * (v[i]! - mean(v)), 0) / (u.length - 1)
    }
    const [a, b, c] = [x(0), x(1), x(2)]
    const grubbs = covariance(b, b) - covariance(a, b) - covariance(b, c) + covariance(a, c)
    const model = fitted(table)
    const pooled = model.repeated!.within[0]! * model.variance[0]!
    expect(model.batches[1]!.estimatedScale[0]! * pooled).toBeCloseTo(grubbs, 9)
  })
  it('counts as one below six travelers, and between two scanners without repeats', () => {
    const five = fitted(bare(drawVisits(2, visits(5, ['A', 'B', 'C'], 9), 3)))
    expect(five.notes.find(({ code }) => code === 'pooled-scale')!.text).toMatch(/6 travelers/)
    expect(five.batches.every(({ scale }) => scale.every((value) => value === 1))).toBe(true)
    const two = fitted(bare(drawVisits(2, visits(9, ['A', 'B'], 9), 3)))
    expect(two.notes.find(({ code }) => code === 'pooled-scale')!.text).toMatch(/which of the two is noisier/)
    const repeated = fitted(bare(drawVisits(2, visits(9, ['A', 'B'], 9, 2), 3)))
    expect(codes(repeated)).not.toContain('pooled-scale')
  })
})

describe('evidence', () => {
  it('is the SD of a traveler between scanners, by an effect that the others give: by hand', () => {
    const table: Drawn = {
      features: { names: ['x'], rows: 6, values: Float64Array.of(0, 4, 10, 12, 20, 26) },
      samples: {
        ...drawVisits(1, [['t', 'A', 0]], 1).samples,
        covariates: [],
        batch: ['A', 'B', 'A', 'B', 'A', 'B'],
        subject: { column: 'person', of: ['t', 't', 'u', 'u', 'v', 'v'] },
      },
    }
    // Differences 4, 2, 6; without each, the others say 4, 5, 3: left are 0, -3, 3. An SD of two is their difference over root 2.
    const { before, after, people, folds } = fitted(table).repeated!.leftOut!
    expect({ people, folds }).toEqual({ people: 3, folds: 3 })
    expect(before[0]!).toBeCloseTo(Math.sqrt((16 + 4 + 36) / 2 / 3), 12)
    expect(after[0]!).toBeCloseTo(Math.sqrt((0 + 9 + 9) / 2 / 3), 12)
  })
  it('drawing features together helps people who were left out, where noise is large and travelers are few', () => {
    const table = bare(drawVisits(21, visits(3, ['A', 'B', 'C'], 10), 40, { A: 5, B: 5, C: 5 }))
    const ratio = (shrink: boolean): number =>
      explainCombat(fitted(table, { shrink })).repeated!.leftOut!.ratio
    expect(ratio(true)).toBeLessThan(ratio(false))
  })
})

describe('gaps and refusals', () => {
  it('a missing cell stays missing, and its feature is fitted as if the row were not there', () => {
    const plan = visits(6, ['A', 'B', 'C'], 3)
    const table = bare(drawVisits(4, plan, 2))
    const hole = 4
    const values = table.features.values.slice()
    values[hole] = Number.NaN
    const gap: Drawn = { ...table, features: { ...table.features, values } }
    const after = harmonized(gap)
    expect(after[hole]).toBeNaN()
    const keep = plan.map((_, row) => row).filter((row) => row !== hole)
    const without: Drawn = {
      features: { names: ['f1'], rows: keep.length, values: Float64Array.from(keep, (row) => values[row]!) },
      samples: {
        ...table.samples,
        batch: keep.map((row) => plan[row]![1]),
        subject: { column: 'person', of: keep.map((row) => plan[row]![0]) },
      },
    }
    expect(fitted(without).batches.map(({ location }) => location[0])).toEqual(
      fitted(gap).batches.map(({ location }) => location[0]),
    )
  })
  it('scanners that nobody connects are named, with their rows', () => {
    const plan: Visit[] = [...visits(3, ['A', 'B'], 2), ['z', 'C', 0], ['z', 'D', 0], ['y', 'D', 0]]
    expect(() => fitted(bare(drawVisits(1, plan, 2)))).toThrow(RefusedError)
    expect(() => fitted(bare(drawVisits(1, plan, 2)))).toThrow(/A, B \(10 rows\) and at C, D \(3 rows\)/)
  })
  it('nobody who traveled, no subject, and time that goes with the scanner', () => {
    const none = visits(0, ['A', 'B'], 4)
    expect(() => fitted(bare(drawVisits(1, none, 2)))).toThrow(UnfittableError)
    const { subject: _, ...samples } = drawVisits(1, none, 2).samples
    expect(() => fitted({ ...drawVisits(1, none, 2), samples })).toThrow(InputError)
    const ordered: Visit[] = ['p', 'q', 'r'].flatMap((name): Visit[] => [
      [name, 'A', 0],
      [name, 'B', 1],
    ])
    expect(() => fitted(drawVisits(1, ordered, 2))).toThrow(/years cannot be told from scanner/)
  })
  it('a column that does not change within anyone, such as age at the first scan, is passed through', () => {
    const plan = visits(4, ['A', 'B', 'C'], 3)
    const table = bare(drawVisits(1, plan, 2))
    const values = table.features.values.slice()
    plan.forEach(([person], row) => {
      values[row] = 30.1 + person.charCodeAt(1)
    })
    const own: Drawn = { ...table, features: { ...table.features, values } }
    expect(harmonized(own).subarray(0, plan.length)).toEqual(values.subarray(0, plan.length))
    expect(fitted(own).notes[0]).toMatchObject({ code: 'explained-feature', features: ['f1'] })
  })
  it('a covariate that does not change within anyone stays with the people', () => {
    const plan = visits(4, ['A', 'B'], 3)
    const table = bare(drawVisits(1, plan, 2))
    const sex = {
      name: 'sex',
      kind: 'categorical',
      values: plan.map(([person]) => (person < 't2' ? 'F' : 'M')),
    } as const
    const model = fitted({ ...table, samples: { ...table.samples, covariates: [sex] } })
    expect(model.covariates).toEqual([])
    expect(codes(model)).toContain('covariate-of-people')
    expect(model.mean).toEqual(fitted(table).mean)
  })
  it('a new scanner is not estimated from people whose level is unknown', () => {
    const table = bare(drawVisits(1, visits(4, ['A', 'B'], 3), 2))
    const model = fitted(table)
    const elsewhere = { ...table.samples, batch: table.samples.batch.map(() => 'Z') }
    expect(() => estimateNewBatches(model, table.features, elsewhere, 2)).toThrow(/Z was not in the fit/)
  })
})

function bareTrip(): fc.Arbitrary<Drawn> {
  return trip.map(bare)
}
