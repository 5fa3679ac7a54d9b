import { describe, expect, it } from 'vitest'
import { random } from '../kernels/random.ts'
import { applyCombat } from './apply.ts'
import type { Features, SampleTable } from './data.ts'
import { fitCombat } from './fit.ts'
import { type Harmonize, testCovariate } from './inference.ts'

const harmonize: Harmonize = (features, samples) => {
  const options = {
    variant: 'eb',
    compat: null,
    reference: null,
    singleRow: 'refuse',
    software: 'test',
  } as const
  return applyCombat(fitCombat(features, samples, options), features, samples).values
}

/** Sites with [controls, patients]; effects of site on location, and of diagnosis where one is given. */
function drawn(
  design: readonly (readonly [number, number])[],
  count: number,
  seed: number,
  effect = 0,
  spread: readonly number[] = [],
): { features: Features; samples: SampleTable } {
  const { normal } = random(seed, 'inference test')
  const people = design.flatMap(([controls, patients], site) =>
    Array.from({ length: controls + patients }, (_, k) => ({ site, patient: k >= controls })),
  )
  const values = Float64Array.from(
    Array.from({ length: count }, () => {
      const shifts = design.map(() => 3 * normal())
      return people.map(
        ({ site, patient }) => shifts[site]! + (patient ? effect : 0) + (spread[site] ?? 1) * normal(),
      )
    }).flat(),
  )
  return {
    features: { names: Array.from({ length: count }, (_, f) => `f${f}`), rows: people.length, values },
    samples: {
      batchName: 'site',
      batch: people.map(({ site }) => `s${site}`),
      covariates: [
        { name: 'group', kind: 'categorical', values: people.map(({ patient }) => (patient ? 'p' : 'c')) },
      ],
      rowName: String,
      source: 'drawn',
    },
  }
}
const UNBALANCED = [
  [18, 2],
  [2, 18],
  [10, 10],
] as const

describe('where there is no effect', () => {
  // 120 tables of 6 independent features; bounds are 4 standard errors of a binomial share of 720 at 5 %.
  const error = Math.sqrt((0.05 * 0.95) / 720)
  const tests = Array.from({ length: 120 }, (_, seed) => {
    const { features, samples } = drawn(UNBALANCED, 6, seed)
    return testCovariate(features, samples, harmonize, { of: 'group', permutations: 0, seed }).features
  }).flat()
  const share = (which: 'honest' | 'unequal' | 'naive'): number =>
    tests.filter((test) => test[which]!.p < 0.05).length / tests.length

  it('the honest test finds one in 5 % of the features', () => {
    expect(share('honest')).toBeGreaterThan(0.05 - 4 * error)
    expect(share('honest')).toBeLessThan(0.05 + 4 * error)
  })
  it('the naive one in more than 10 %: Nygaard 2016', () => {
    expect(share('naive')).toBeGreaterThan(0.1)
  })
  it('permutations that repeat the harmonization find no more than the level, where sites differ in noise too', () => {
    // 30 tables, 39 permutations: p at most 0.05 where at most one drawn statistic is as large. Bound as above.
    const found = Array.from({ length: 30 }, (_, seed) => {
      const { features, samples } = drawn(UNBALANCED, 6, seed, 0, [1, 1, 2])
      return testCovariate(features, samples, harmonize, { of: 'group', permutations: 39, seed }).features
    }).flat()
    const positive = found.filter(({ permuted }) => permuted!.p <= 0.05).length / found.length
    expect(positive).toBeLessThan(0.05 + 4 * Math.sqrt((0.05 * 0.95) / found.length))
    for (const { permuted } of found) expect(permuted!.family).toBeGreaterThanOrEqual(permuted!.p)
  })
})
it('an effect of 2 SD is found by all, and estimated', () => {
  const { features, samples } = drawn(UNBALANCED, 4, 1, 2)
  const { features: tests } = testCovariate(features, samples, harmonize, {
    of: 'group',
    permutations: 99,
    seed: 0,
  })
  for (const { honest, unequal, naive, permuted } of tests) {
    for (const test of [honest, unequal, naive]) expect(test!.p).toBeLessThan(0.001)
    expect(permuted!.p).toBe(0.01)
    expect(Math.abs(honest!.estimate! - 2)).toBeLessThan(4 * honest!.standardError!)
  }
})
it('two sites of two people, by hand: differences 1 and 3, mean 2; t = 2 / root(1 / 2 * (1 + 1)) on one degree of freedom', () => {
  // Within sites the values are -+0.5 and -+1.5 around their means; the model expects -+1: residuals of 0.5, squares 4 / 4 = 1.
  const samples: SampleTable = {
    batchName: 'site',
    batch: ['a', 'a', 'b', 'b'],
    covariates: [{ name: 'group', kind: 'categorical', values: ['c', 'p', 'c', 'p'] }],
    rowName: String,
    source: 'hand',
  }
  const features = { names: ['x'], rows: 4, values: Float64Array.of(0, 1, 10, 13) }
  const { features: tests, columns } = testCovariate(features, samples, ({ values }) => values, {
    of: 'group',
    permutations: 0,
    seed: 0,
  })
  expect(columns).toEqual(['group=p'])
  expect(tests[0]!.honest).toMatchObject({ freedom: [1, 1] })
  expect(tests[0]!.honest!.estimate).toBeCloseTo(2, 12)
  expect(tests[0]!.honest!.standardError).toBeCloseTo(1, 12)
  expect(tests[0]!.honest!.f).toBeCloseTo(4, 12)
  expect(tests[0]!.honest!.p).toBeCloseTo(1 - (2 / Math.PI) * Math.atan(2), 12) // t with one degree of freedom is Cauchy's
})
it('a missing value, a batch that lacks the feature and a constant are left to the rows that have them', () => {
  const { features, samples } = drawn(UNBALANCED, 3, 5)
  const rows = features.rows
  const gaps = features.values.slice()
  gaps[3] = Number.NaN
  gaps.fill(Number.NaN, rows + 40, 2 * rows) // the third site
  gaps.fill(7, 2 * rows)
  const own = (values: Float64Array) =>
    testCovariate({ ...features, values }, samples, (table) => table.values, {
      of: 'group',
      permutations: 9,
      seed: 0,
    })
  const { features: tests } = own(gaps)
  expect(tests[0]).toMatchObject({ rows: 59, honest: { freedom: [1, 55] } })
  expect(tests[1]).toMatchObject({ rows: 40, honest: { freedom: [1, 37] } })
  expect(tests[2]).toMatchObject({ rows: 60, honest: null, unequal: null, naive: null, permuted: null })
})
it('the same seed gives the same permutations', () => {
  const { features, samples } = drawn(UNBALANCED, 3, 2)
  const own = (seed: number) =>
    testCovariate(features, samples, harmonize, { of: 'group', permutations: 19, seed }).features
  expect(own(3)).toEqual(own(3))
  expect(own(3)).not.toEqual(own(4))
})
it('refuses what is no covariate', () => {
  const { features, samples } = drawn(UNBALANCED, 3, 2)
  expect(() => testCovariate(features, samples, harmonize, { of: 'age', permutations: 0, seed: 0 })).toThrow(
    /"age" .*no covariate.*--covariate age/s,
  )
})
