import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chooseRung, highestRung, misses } from './choice.ts'
import { METHODS, rungOf } from './ladder.ts'
import type { Method } from './method.ts'
import { passes, type Standing } from './standing.ts'

const row = (method: Method, error: number, standardError?: number, fails?: string): Standing => ({
  method,
  error,
  ...(standardError !== undefined && { standardError }),
  gates: [
    fails === undefined
      ? { id: 'noise', status: 'pass', finding: 'kept' }
      : { id: 'noise', status: 'fail', finding: fails },
  ],
})

describe('the one-standard-error rule', () => {
  it('takes the weakest rung within one standard error of the best', () => {
    const standings = [
      row('identity', 0.2, 0.01),
      row('zscore', 0.045, 0.002),
      row('tone', 0.041, 0.001),
      row('local-tone', 0.04, 0.0015),
    ]
    const { chosen, reasons } = chooseRung({ standings })
    expect(chosen).toBe('tone') // 0.0410 <= 0.0400 + 0.0015 < 0.0450
    expect(reasons.get('zscore')).toMatch(/^leaves 4\.50 %, more than .*`local-tone` \(4\.00 % ± 0\.15 %\)$/)
    expect(reasons.get('local-tone')).toMatch(/^not needed: `tone`/)
  })

  it('takes the least error within a rung, whatever the order', () => {
    const standings = [row('zscore', 0.04, 0.002), row('lsq', 0.039, 0.002), row('tone', 0.0385, 0.002)]
    const { chosen, reasons } = chooseRung({ standings })
    expect(chosen).toBe('lsq')
    expect(reasons.get('zscore')).toBe('leaves 4.00 %, `lsq` of the same rung 3.90 %')
  })

  it('asks for no less error than a scan repeated', () => {
    const standings = [row('identity', 0.02, 0.001), row('zscore', 0.015, 0.0005)]
    expect(chooseRung({ standings }).chosen).toBe('zscore')
    expect(chooseRung({ standings, floor: 0.0198 }).chosen).toBe('identity')
  })

  it('lets a method that fails a gate neither win nor set the mark', () => {
    const standings = [row('zscore', 0.045, 0.002), row('local-tone', 0.02, 0.001, 'noise smoothed away')]
    const { chosen, reasons } = chooseRung({ standings })
    expect(chosen).toBe('zscore')
    expect(reasons.get('local-tone')).toBe('fails a gate: noise smoothed away')
  })

  it('wants a tenth of the error where one subject gives no standard error', () => {
    const chosen = (tone: number) =>
      chooseRung({ standings: [row('zscore', 0.04), row('tone', tone)] }).chosen
    expect(chosen(0.037)).toBe('zscore') // 0.040 <= 1.1 x 0.037
    expect(chosen(0.036)).toBe('tone')
  })
})

describe('nothing done', () => {
  const harmful = [row('identity', 0.2, 0.01), row('zscore', 0.04, 0.002, 'noise amplified')]

  it('is chosen where it suffices', () => {
    const standings = [row('identity', 0.02, 0.001), row('zscore', 0.021, 0.001, 'not nearer')]
    expect(chooseRung({ standings }).chosen).toBe('identity')
  })

  it('is no choice where it is all that is left, since it harmonizes nothing', () => {
    const { chosen, reasons } = chooseRung({ standings: harmful })
    expect(chosen).toBeUndefined()
    expect(reasons.get('identity')).toMatch(/no harmonization/)
    expect(reasons.get('zscore')).toMatch(/noise amplified/)
  })

  it('is chosen all the same at the scan-rescan floor, or where what fails would hardly help', () => {
    expect(chooseRung({ standings: harmful, floor: 0.195 }).chosen).toBe('identity')
    const hardly = [row('identity', 0.02, 0.0001), row('tone', 0.0185, 0.0001, 'not nearer for all')]
    expect(chooseRung({ standings: hardly }).chosen).toBe('identity')
  })
})

it('chooses nothing that fails a gate, and nothing that a weaker passing method equals, for any table of scores', () => {
  const standing = fc.record({
    method: fc.constantFrom(...METHODS),
    error: fc.double({ min: 0.001, max: 0.5, noNaN: true }),
    standardError: fc.double({ min: 0, max: 0.1, noNaN: true }),
    failed: fc.boolean(),
  })
  const table = fc.uniqueArray(standing, { minLength: 1, maxLength: 10, selector: ({ method }) => method })
  fc.assert(
    fc.property(table, fc.option(fc.double({ min: 0, max: 0.1, noNaN: true })), (rows, floor) => {
      const standings = rows.map(({ method, error, standardError, failed }) =>
        row(method, error, standardError, failed ? 'harm' : undefined),
      )
      const { chosen, reasons } = chooseRung({ standings, floor: floor ?? undefined })
      expect([...reasons.keys()].sort()).toEqual(standings.map(({ method }) => method).sort())
      if (chosen === undefined) return
      const found = standings.find(({ method }) => method === chosen)!
      expect(passes(found)).toBe(true)
      const weaker = standings.filter((other) => passes(other) && rungOf(other.method) < rungOf(chosen))
      for (const other of weaker) expect(other.error).toBeGreaterThan(found.error)
    }),
  )
})

describe('whether a stronger rung is worth training', () => {
  const tone = row('tone', 0.03, 0.002)
  it.each([
    ['no: within one standard error of the floor', 0.0285, false],
    ['yes: above it', 0.0275, true],
    ['yes: the floor is not known', undefined, true],
  ])('%s', (_, floor, expected) => {
    expect(misses({ standings: [tone], floor })).toBe(expected)
  })

  it('yes: nothing passes the gates', () => {
    expect(misses({ standings: [row('tone', 0.01, 0.001, 'harm')], floor: 0.02 })).toBe(true)
  })
})

it('stops at rung 2 with one traveler, at rung 4 below four', () => {
  expect([1, 2, 3, 4, 9].map((n) => highestRung(n)?.rung)).toEqual([2, 4, 4, undefined, undefined])
})
