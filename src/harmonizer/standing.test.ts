import { describe, expect, it } from 'vitest'
import type { Method } from './method.ts'
import { type PairScore, standingsOf } from './standing.ts'

const score = (method: Method, subject: string, mae: number, change: Partial<PairScore> = {}): PairScore => ({
  subject,
  domain: 'b',
  session: '1',
  method,
  mae,
  noise: 0.02,
  targetNoise: 0.02,
  ordered: true,
  lesions: [],
  ...change,
})
const people = ['1', '2', '3', '4']
const everyone = (method: Method, mae: number, change: Partial<PairScore> = {}): PairScore[] =>
  people.map((subject) => score(method, subject, mae, change))
const options = { groupOf: (subject: string) => subject }
const standing = (method: Method, scores: readonly PairScore[], change = {}) =>
  standingsOf(scores, [], { ...options, ...change }).find((row) => row.method === method)!
const gate = (method: Method, id: string, scores: readonly PairScore[], change = {}) =>
  standing(method, scores, change).gates.find((found) => found.id === id)!

describe('the error of a method', () => {
  const scores = [
    score('tone', '1', 0.01),
    score('tone', '1', 0.03, { session: '2' }),
    score('tone', '2', 0.04),
    score('tone', '3', 0.06),
  ]

  it('is the mean over subjects, each the mean of their scans, with its standard error', () => {
    // 2, 4 and 6 %: mean 4 %, SD 2 %, SE 2 % / sqrt(3)
    const { error, standardError } = standing('tone', scores)
    expect(error).toBeCloseTo(0.04, 12)
    expect(standardError).toBeCloseTo(0.02 / Math.sqrt(3), 12)
  })

  it('counts relatives as one', () => {
    // {1, 3}: (1 + 3 + 6) / 3 = 10/3 %; {2}: 4 %
    const groupOf = (subject: string) => (subject === '3' ? '1' : subject)
    const { error, standardError } = standing('tone', scores, { groupOf })
    expect(error).toBeCloseTo((0.1 / 3 + 0.04) / 2, 12)
    expect(standardError).toBeCloseTo((0.04 - 0.1 / 3) / 2, 12)
  })

  it('has no standard error with one subject', () => {
    expect(standing('tone', scores.slice(0, 2)).standardError).toBeUndefined()
  })
})

describe('gates', () => {
  it('fail where one of few people is better off with less', () => {
    const scores = [...everyone('zscore', 0.04), ...everyone('tone', 0.03)]
    expect(gate('tone', 'error', scores).status).toBe('pass')
    const harmed = [
      ...everyone('zscore', 0.04),
      ...everyone('tone', 0.03).slice(1),
      score('tone', '1', 0.041),
    ]
    expect(gate('tone', 'error', harmed)).toMatchObject({
      status: 'fail',
      finding: 'nearer to the target than zscore by a tenth on 3 of 4 scans of b',
    })
  })

  it('fail where nothing done is nearer', () => {
    const scores = [...everyone('identity', 0.02), ...everyone('zscore', 0.03)]
    expect(gate('zscore', 'error', scores).finding).toMatch(/than identity by a tenth on 0 of 4/)
  })

  it('fail on one scanner, however many pass on others', () => {
    const onC = { domain: 'c' }
    const scores = [
      ...everyone('zscore', 0.04),
      ...everyone('tone', 0.01),
      ...everyone('zscore', 0.02, onC),
      ...everyone('tone', 0.03, onC),
    ]
    expect(gate('tone', 'error', scores).finding).toMatch(/of c$/)
  })

  it('want a tenth less error than with less', () => {
    const left = (mae: number) => [...everyone('zscore', 0.04), ...everyone('tone', mae)]
    expect(gate('tone', 'error', left(0.035)).status).toBe('pass')
    expect(gate('tone', 'error', left(0.037)).status).toBe('fail')
  })

  it('want a fifth less where one person is scored on themselves', () => {
    const left = (mae: number) => [...everyone('zscore', 0.04), ...everyone('tone', mae)]
    const within = { withinSubject: true }
    expect(gate('tone', 'error', left(0.031), within).status).toBe('pass')
    expect(gate('tone', 'error', left(0.033), within)).toMatchObject({
      status: 'fail',
      finding: expect.stringContaining('by a fifth'),
    })
  })

  it.each<[string, number, number, string]>([
    ['noise of the target kept', 0.018, 0.02, 'pass'],
    ['smoothed', 0.014, 0.02, 'fail'],
    ['a quiet source that keeps its noise', 0.01, 0.01, 'pass'],
    ['a quiet source whose coil is evened out, to the noise of the target', 0.02, 0.015, 'pass'],
    ['and beyond it', 0.023, 0.015, 'fail'],
    ['amplified', 0.023, 0.02, 'fail'],
  ])('on noise: %s', (_, noise, afterTone, expected) => {
    const scores = [
      ...everyone('tone', 0.03, { noise: afterTone }),
      ...everyone('local-tone', 0.02, { noise }),
    ]
    expect(gate('local-tone', 'noise', scores).status).toBe(expected)
  })

  it('are left open where noise cannot be measured', () => {
    const unknown = { noise: undefined }
    expect(gate('zscore', 'noise', everyone('zscore', 0.03, unknown)).status).toBe('not-evaluated')
  })

  it('fail where tissues change places', () => {
    expect(gate('zscore', 'order', everyone('zscore', 0.03, { ordered: false })).status).toBe('fail')
  })

  it('hold reference images to what rescans differ by', () => {
    const changed = (referenceChange: number, change = {}) =>
      gate('zscore', 'identity', everyone('zscore', 0.03, { referenceChange }), change)
    expect(changed(0.02, { referenceRescan: 0.021 }).status).toBe('pass')
    expect(changed(0.02, { referenceRescan: 0.019 })).toMatchObject({
      status: 'fail',
      finding: 'reference images changed by 2.00 % of the range, rescans by 1.90 %',
    })
    expect(changed(0.02).status).toBe('not-evaluated')
    expect(gate('tone', 'identity', everyone('tone', 0.03), { referenceRescan: 0.01 }).status).toBe(
      'not-evaluated',
    )
  })

  it.each<[string, Partial<PairScore>, string, string]>([
    ['a loss of volume that survives', { atrophyKept: 0.95 }, 'atrophy', 'pass'],
    ['one that is painted over', { atrophyKept: 0.4 }, 'atrophy', 'fail'],
    ['one that is exaggerated', { atrophyKept: 1.2 }, 'atrophy', 'fail'],
    ['one curve, which moves no border', {}, 'atrophy', 'not-evaluated'],
  ])('on anatomy: %s', (_, change, id, expected) => {
    expect(gate('local-tone', id, everyone('local-tone', 0.02, change)).status).toBe(expected)
  })

  it('hold lesions by their median', () => {
    const kept = (...lesions: number[]) => gate('tone', 'lesions', everyone('tone', 0.03, { lesions }))
    expect(kept(0.5, 0.92, 1.4).status).toBe('pass')
    expect(kept(0.85, 0.88, 1).status).toBe('fail')
    expect(kept().status).toBe('not-evaluated')
  })

  it('hold lesions of one person to half of the tolerance, and want three', () => {
    const kept = (...lesions: number[]) =>
      gate('tone', 'lesions', [score('tone', '1', 0.03, { lesions })], { withinSubject: true })
    expect(kept(1, 1)).toMatchObject({ status: 'fail', finding: expect.stringContaining('too few') })
    expect(kept().status).toBe('not-evaluated')
    expect([0.94, 0.96, 1.04, 1.06].map((median) => kept(median, median, median).status)).toEqual([
      'fail',
      'pass',
      'pass',
      'fail',
    ])
    expect(kept(1.06, 1.06, 1.06).finding).toMatch(/of one person: 0.95 to 1.05 allowed/)
  })

  it('fail for a method that could not be applied, with the reason', () => {
    const [row] = standingsOf([score('fcm', '1', 0.01)], [{ method: 'fcm', reason: 'no tissue' }], options)
    expect(row).toMatchObject({ error: Number.NaN, gates: [{ status: 'fail', finding: 'no tissue' }] })
  })
})

describe('separation of tissues', () => {
  it.each([
    // like the target, or as little as the source shows: allowed
    [0.95, 1, 'pass'],
    [0.66, 0.7, 'pass'],
    // less than both, or more than both: contrast lost, or smoothed
    [0.6, 0.7, 'fail'],
    [0.85, 1, 'fail'],
    [1.2, 1, 'fail'],
    [1.2, 1.3, 'pass'],
  ])('%d of the target where the source has %d: %s', (separation, source, status) => {
    const scores = [
      ...everyone('identity', 0.05, { separation: source }),
      ...everyone('tone', 0.03, { separation }),
    ]
    expect(gate('tone', 'tissues', scores).status).toBe(status)
  })

  it('is not evaluated where the target tells no tissues apart', () => {
    expect(gate('tone', 'tissues', everyone('tone', 0.03)).status).toBe('not-evaluated')
  })
})
