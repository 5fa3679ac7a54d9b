import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Drawn } from '../../test/combat-table.ts'
import { drawVisits, type Visit } from '../../test/repeated-table.ts'
import { InputError, RefusedError, UnfittableError } from '../errors.ts'
import { applyCombat } from './apply.ts'
import { fitLongitudinal, type LongitudinalOptions } from './longitudinal.ts'
import { type CombatModel, parseCombatModel } from './model.ts'

const OPTIONS: LongitudinalOptions = {
  method: 'reml',
  reference: null,
  singleRow: 'mean-only',
  software: 'attune 0',
}
const fitted = ({ features, samples }: Drawn, options: Partial<LongitudinalOptions> = {}): CombatModel =>
  fitLongitudinal(features, samples, { ...OPTIONS, ...options })
const applied = (model: CombatModel, { features, samples }: Drawn): Float64Array =>
  applyCombat(model, features, samples).values
const distance = (a: Float64Array, b: Float64Array): number =>
  a.reduce((most, value, k) => Math.max(most, Math.abs(value - b[k]!)), 0)
const bare = (drawn: Drawn): Drawn => ({ ...drawn, samples: { ...drawn.samples, covariates: [] } })

/** Each with three scans, on scanners that change. */
const cohort = (people: number): Visit[] =>
  Array.from({ length: people }, (_, p) =>
    [0, 1, 2].map((k): Visit => [`p${p}`, 'ABC'[(p * p + k * (p % 3)) % 3]!, k + (p % 4) / 10]),
  ).flat()
const rowsOf = (drawn: Drawn, wanted: (row: number) => boolean): Drawn => {
  const { features, samples } = drawn
  const rows = [...Array(features.rows).keys()].filter(wanted)
  return {
    features: {
      ...features,
      rows: rows.length,
      values: features.values.filter((_, at) => wanted(at % features.rows)),
    },
    samples: {
      ...samples,
      batch: rows.map((row) => samples.batch[row]!),
      subject: { column: 'person', of: rows.map((row) => samples.subject!.of[row]!) },
      covariates: samples.covariates.map((covariate) =>
        covariate.kind === 'continuous'
          ? { ...covariate, values: Float64Array.from(rows, (row) => covariate.values[row]!) }
          : { ...covariate, values: rows.map((row) => covariate.values[row]!) },
      ),
    },
  }
}

it('balanced people: variances are those of the analysis of variance, in closed form', () => {
  // Each person once on A, B and C: REML then equals (mean square between people - residual) / 3 where that is positive.
  const plan = Array.from({ length: 12 }, (_, p) => ['A', 'B', 'C'].map((s): Visit => [`p${p}`, s, 0])).flat()
  const table = bare(drawVisits(8, plan, 3))
  const model = fitted(table)
  table.features.names.forEach((_, f) => {
    const x = (p: number, s: number): number => table.features.values[f * 36 + p * 3 + s]!
    const persons = Array.from({ length: 12 }, (_, p) => (x(p, 0) + x(p, 1) + x(p, 2)) / 3)
    const scanners = [0, 1, 2].map((s) => persons.reduce((sum, _, p) => sum + x(p, s), 0) / 12)
    const all = scanners.reduce((a, b) => a + b, 0) / 3
    const between = (3 * persons.reduce((sum, m) => sum + (m - all) ** 2, 0)) / 11
    let residual = 0
    for (let p = 0; p < 12; p++)
      for (let s = 0; s < 3; s++) residual += (x(p, s) - persons[p]! - scanners[s]! + all) ** 2 / 22
    expect(model.variance[f]! / residual).toBeCloseTo(1, 6)
    const people = (between - residual) / 3
    expect(model.repeated!.reliability[f]!).toBeCloseTo(people / (people + residual), 6)
    model.batches.forEach(({ estimatedLocation }, s) => {
      expect(estimatedLocation[f]! * Math.sqrt(residual)).toBeCloseTo(scanners[s]! - all, 6)
    })
  })
})

describe('laws', () => {
  it('order of rows and a constant on a feature change nothing but that', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 }), fc.integer({ min: -99, max: 99 }), (seed, c) => {
        const table = drawVisits(seed, cohort(12), 4)
        const { rows, values } = table.features
        const before = applied(fitted(table), table)
        const turned: Drawn = {
          features: {
            ...table.features,
            values: values.map((_, at) => c + values[at - (at % rows) + rows - 1 - (at % rows)]!),
          },
          samples: {
            ...table.samples,
            batch: table.samples.batch.toReversed(),
            subject: { column: 'person', of: table.samples.subject!.of.toReversed() },
            covariates: table.samples.covariates.map((one) =>
              one.kind === 'continuous' ? { ...one, values: one.values.toReversed() } : one,
            ),
          },
        }
        const expected = before.map((_, at) => c + before[at - (at % rows) + rows - 1 - (at % rows)]!)
        // The criterion is flat at its minimum: the ratio is found to about 1e-7.
        expect(distance(applied(fitted(turned), turned), expected)).toBeLessThan(1e-4)
      }),
      { numRuns: 15 },
    )
  })
  it('a saved model gives the same table, and one person alone what that person gets beside others', () => {
    const table = drawVisits(3, cohort(15), 5)
    const model = fitted(table)
    const read = parseCombatModel(JSON.parse(JSON.stringify(model)), 'model.json')
    expect(read).toEqual(model)
    const all = applied(read, table)
    const mine = (row: number): boolean => table.samples.subject!.of[row] === 'p7'
    const one = rowsOf(table, mine)
    expect(
      distance(
        applied(read, one),
        all.filter((_, at) => mine(at % table.features.rows)),
      ),
    ).toBeLessThan(1e-12)
  })
  it('a missing cell is as if its row were not there, for the estimates of its feature', () => {
    const table = drawVisits(6, cohort(12), 3)
    const values = table.features.values.slice()
    values[5] = Number.NaN
    const gap = fitted({ ...table, features: { ...table.features, values } })
    const without = fitted(rowsOf(table, (row) => row !== 5))
    expect(gap.variance[0]).toBeCloseTo(without.variance[0]!, 9)
    gap.batches.forEach(({ estimatedLocation }, g) => {
      expect(estimatedLocation[0]).toBeCloseTo(without.batches[g]!.estimatedLocation[0]!, 7)
    })
  })
})

it('a new person: the level is the prediction from their own scans by the variances of the fit', () => {
  const table = drawVisits(9, cohort(20), 4)
  const model = fitted(table)
  const person = drawVisits(
    10,
    [
      ['new', 'A', 0],
      ['new', 'C', 1],
    ],
    4,
  )
  const after = applied(model, person)
  model.features.forEach((_, f) => {
    const [sd, share] = [Math.sqrt(model.variance[f]!), model.repeated!.reliability[f]!]
    const own = ['A', 'C'].map((name, k) => {
      const batch = model.batches.find((other) => other.name === name)!
      const [coding] = model.covariates
      const center = coding?.kind === 'continuous' ? coding.center : Number.NaN
      const expected = model.mean[f]! + model.slopes[0]!.values[f]! * (k - center)
      return { batch, expected, x: person.features.values[f * 2 + k]! }
    })
    // Variance between people t = share / (1 - share) of the residual's 1: the level is t / (1 + 2 t) of the sum.
    const t = share / (1 - share)
    const level =
      (t / (1 + 2 * t)) *
      own.reduce((sum, { batch, expected, x }) => sum + x - expected - sd * batch.estimatedLocation[f]!, 0)
    own.forEach(({ batch, expected, x }, k) => {
      const z = (x - expected - level) / sd
      const wanted = expected + level + (sd * (z - batch.location[f]!)) / Math.sqrt(batch.scale[f]!)
      expect(after[f * 2 + k]!).toBeCloseTo(wanted, 9)
    })
  })
})
it('with a reference, its scans stay as they are', () => {
  const table = drawVisits(2, cohort(12), 4)
  const after = applied(fitted(table, { reference: 'B' }), table)
  const kept = after.filter((_, at) => table.samples.batch[at % table.features.rows] === 'B')
  const before = table.features.values.filter(
    (_, at) => table.samples.batch[at % table.features.rows] === 'B',
  )
  expect(distance(kept, before)).toBeLessThan(1e-12)
})
it('people who do not differ have no levels, with a note', () => {
  const plan = Array.from({ length: 10 }, (_, p) => ['A', 'B'].map((s): Visit => [`p${p}`, s, 0])).flat()
  const table = bare(drawVisits(4, plan, 3))
  // The two scans of a person lie on opposite sides: less alike than strangers.
  const values = Float64Array.from({ length: 60 }, (_, at) => {
    const [row, f] = [at % 20, Math.floor(at / 20)]
    return (row % 2 === 0 ? 1 : -1) * (f + ((7 * (row >> 1) + f * f) % 10) ** (1 + f / 4))
  })
  const model = fitted({ ...table, features: { ...table.features, values } })
  expect(model.repeated!.reliability).toEqual([0, 0, 0])
  expect(model.notes.map(({ code }) => code)).toEqual(['no-variance-between-people'])
})
it('refuses people of one scan each, one feature, time that does not vary within scanners', () => {
  const single = bare(
    drawVisits(
      1,
      [
        ['p', 'A', 0],
        ['q', 'A', 0],
        ['r', 'B', 0],
        ['s', 'B', 0],
      ],
      3,
    ),
  )
  expect(() => fitted(single)).toThrow(InputError)
  expect(() => fitted(drawVisits(1, cohort(9), 1))).toThrow(UnfittableError)
  const stuck = Array.from({ length: 8 }, (_, p): Visit[] => [
    [`p${p}`, 'A', 0],
    [`p${p}`, 'B', 1],
  ]).flat()
  expect(() => fitted(drawVisits(1, stuck, 3))).toThrow(RefusedError)
})
it('says when nobody changed the scanner', () => {
  const stayed = Array.from({ length: 12 }, (_, p) =>
    [0, 1].map((k): Visit => [`p${p}`, p % 2 === 0 ? 'A' : 'B', k + (p % 5) / 10]),
  ).flat()
  expect(fitted(drawVisits(1, stayed, 3)).notes.map(({ code }) => code)).toContain('nobody-changed-batch')
})
