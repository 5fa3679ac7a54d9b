import { describe, expect, it } from 'vitest'
import type { Figure, LesionResult, PairResult, Separation } from '../src/evidence/evidence.ts'
import { figuresOf } from './figures.ts'
import { gatesOf, isMissed } from './gates.ts'

const row = (method: string, mae: number, noiseSd: number, subject = 's1'): PairResult => ({
  subject,
  domain: 'A',
  sourceSession: '1',
  targetSession: '1',
  method,
  voxels: 1000,
  mae,
  psnr: 20,
  ssim: 0.8,
  noiseSd,
  targetNoiseSd: 1,
})

const results = (mae: number, noiseSd: number, lesions: readonly LesionResult[] = []) =>
  figuresOf({
    domain: 'A',
    method: 'local-tone',
    pairs: [row('zscore', 0.2, 1), row('tone', 0.15, 1), row('local-tone', mae, noiseSd)],
    lesions,
    separations: [],
    rescans: { target: [{ subject: 's1', value: 0.01 }], source: [{ subject: 's1', value: 0.03 }] },
    familyOf: (subject) => subject,
  })
const pick = (figures: readonly Figure[], metric: string, method = 'local-tone'): Figure | undefined =>
  figures.find((f) => f.metric === metric && f.method === method)

const lesion = (n: number, kept: number, visible = true): LesionResult => ({
  subject: 's1',
  domain: 'A',
  lesion: n,
  volumeMm3: 100,
  measured: 'eroded',
  sourceCnr: visible ? 4 : 0.5,
  visible,
  kept: { 'local-tone': kept },
})
const gates = (figures: readonly Figure[], lesions: readonly LesionResult[] = []) =>
  gatesOf({ method: 'local-tone', domains: ['A'], figures, lesions, scans: { tested: 1, refused: [] } })
const status = (id: string, ...of: Parameters<typeof gates>): string | undefined =>
  gates(...of).find((gate) => gate.id === id)?.status

describe('share of removable error: before 0.2, rescan (0.01 + 0.03) / 2 = 0.02', () => {
  it('is (0.2 - 0.11) / (0.2 - 0.02) = 0.5 at MAE 0.11', () => {
    const share = pick(results(0.11, 1), 'removable-share')
    expect(share?.value).toBeCloseTo(0.5, 12)
    expect(share?.note).toBeUndefined()
  })

  it('is 0 where nothing was gained on zscore, and negative where harm was done', () => {
    expect(pick(results(0.2, 1), 'removable-share')?.value).toBe(0)
    expect(pick(results(0.29, 1), 'removable-share')?.value).toBeCloseTo(-0.5, 12)
  })

  it('is capped at 1 below the rescan floor', () => {
    expect(pick(results(0.005, 1), 'removable-share')?.value).toBe(1)
  })

  it('does not count after smoothing (noise 0.5 of the target) nor with noise added (1.2 of both the target and the source after tone)', () => {
    expect(pick(results(0.05, 0.5), 'removable-share')?.note).toMatch(
      /Does not count: noise is 0.50 of the target/,
    )
    expect(pick(results(0.05, 1.2), 'removable-share')?.note).toMatch(
      /Does not count: noise is 1.20 of the target's and 1.20 of the source's/,
    )
    expect(status('noise', results(0.05, 0.5))).toBe('fail')
    expect(status('noise', results(0.05, 1.2))).toBe('fail')
    expect(status('noise', results(0.05, 0.85))).toBe('pass')
  })

  it('is missing, with the reason, where a scanner has no rescan', () => {
    const figures = figuresOf({
      domain: 'A',
      method: 'local-tone',
      pairs: [row('zscore', 0.2, 1), row('local-tone', 0.1, 1)],
      lesions: [],
      separations: [],
      rescans: { target: [{ subject: 's1', value: 0.01 }], source: [] },
      familyOf: (subject) => subject,
    })
    expect(pick(figures, 'removable-share')).toMatchObject({ note: expect.stringMatching(/rescans on both/) })
    expect(pick(figures, 'removable-share')?.value).toBeUndefined()
  })
})

it('pools pairs by the median, with their range', () => {
  const figures = figuresOf({
    domain: 'A',
    method: 'tone',
    pairs: [0.1, 0.2, 0.6].map((mae, i) => row('tone', mae, 1, `s${i}`)),
    lesions: [],
    separations: [],
    rescans: { target: [], source: [] },
    familyOf: (subject) => subject,
  })
  const found = pick(figures, 'mae', 'tone')
  expect(found?.value).toBeCloseTo(0.2, 6)
  expect(found?.interval?.low).toBeCloseTo(0.1, 6)
  expect(found?.interval?.high).toBeCloseTo(0.6, 6)
  expect(found?.n).toBe(3)
})

describe('gates', () => {
  it('the error gate asks for less than the best weaker method', () => {
    expect(status('error', results(0.14, 1))).toBe('pass')
    expect(status('error', results(0.16, 1))).toBe('fail')
  })

  it('the error gate asks nothing of doing nothing', () => {
    const [error] = gatesOf({
      method: 'identity',
      domains: ['A'],
      figures: [],
      lesions: [],
      scans: { tested: 1, refused: [] },
    })
    expect(error?.status).toBe('not-evaluated')
  })

  it.each([
    ['histogram', 'zscore'],
    ['tone', 'zscore'],
    ['local-tone', 'zscore, histogram, tone'],
  ])('the error gate holds %s against %s', (method, rivals) => {
    const figures = ['zscore', 'histogram', 'tone', method].map(
      (name, i): Figure => ({
        domain: 'A',
        method: name,
        metric: 'mae',
        value: 0.1 - 0.01 * i,
        unit: 'range',
        n: 1,
      }),
    )
    const scans = { tested: 1, refused: [] }
    const [error] = gatesOf({ method, domains: ['A'], figures, lesions: [], scans })
    expect(error?.criterion).toContain(`of a lower rung (${rivals}) on`)
  })

  it('the lesion gate takes the median of what the source can show, and says how many it cannot', () => {
    const kept = [0.85, 0.95, 1.05].map((k, i) => lesion(i, k))
    const faded = [0.5, 0.6, 0.95].map((k, i) => lesion(i, k))
    const hidden = [3, 4, 5].map((i) => lesion(i, 0.1, false))
    expect(status('lesions', results(0.1, 1, kept), kept)).toBe('pass')
    expect(status('lesions', results(0.1, 1, faded), faded)).toBe('fail')
    const all = [...kept, ...hidden]
    expect(status('lesions', results(0.1, 1, all), all)).toBe('pass')
    expect(gates(results(0.1, 1, all), all).map(({ finding }) => finding)).toContainEqual(
      expect.stringContaining('and 3 that the source cannot show'),
    )
  })

  it('without truth the lesion gate is not evaluated, which is not passing', () => {
    expect(status('lesions', results(0.1, 1))).toBe('not-evaluated')
  })

  it('more than 1 in 20 refused scans is a miss, with the reasons', () => {
    const gate = gatesOf({
      method: 'tone',
      domains: [],
      figures: [],
      lesions: [],
      scans: { tested: 18, refused: ['s9: cropped'] },
    }).find(({ id }) => id === 'refusals')
    expect(gate && isMissed(gate)).toBe(true)
    expect(gate?.finding).toBe('1 of 19 refused. s9: cropped')
  })
})

describe('separation of tissues, harmonized over target', () => {
  const separation = (
    method: string,
    tissues: readonly [number, number],
    fisher: number,
    voxels: number,
    session = '1',
  ): Separation => ({
    subject: 's1',
    domain: 'A',
    session,
    method,
    tissues,
    voxels,
    fisher,
    targetFisher: 10,
  })
  const of = (separations: readonly Separation[]) =>
    figuresOf({
      domain: 'A',
      method: 'local-tone',
      pairs: [row('local-tone', 0.1, 1)],
      lesions: [],
      separations,
      rescans: { target: [], source: [] },
      familyOf: (subject) => subject,
    })

  it('is the geometric mean over pairs of tissues by their voxels: (0.8^3 x 1.25)^(1/4) = 0.8^(1/2)', () => {
    const figures = of([
      separation('local-tone', [1, 2], 8, 300),
      separation('local-tone', [2, 3], 12.5, 100),
    ])
    expect(pick(figures, 'fisher-ratio')?.value).toBeCloseTo(Math.sqrt(0.8), 12)
    expect(pick(figures, 'fisher-ratio')?.note).toMatch(/tissues (1 and 2, 0\.80|2 and 3, 1\.25)/)
  })

  it('is the median over scans', () => {
    const figures = of([7, 9, 10].map((fisher, k) => separation('local-tone', [1, 2], fisher, 50, String(k))))
    expect(pick(figures, 'fisher-ratio')?.value).toBeCloseTo(0.9, 12)
  })

  it('passes from 0.9 to 1.1 or up to the source, and fails on both sides', () => {
    const gate = (after: number, source: number) =>
      status(
        'tissues',
        of([separation('local-tone', [1, 2], after, 9), separation('identity', [1, 2], source, 9)]),
      )
    expect([gate(9.5, 10), gate(10.9, 10), gate(7, 7.5), gate(12, 11.5)]).toEqual([
      'pass',
      'pass',
      'pass',
      'pass',
    ])
    expect([gate(8.9, 10), gate(11.2, 10), gate(6, 7.5), gate(13, 11.5)]).toEqual([
      'fail',
      'fail',
      'fail',
      'fail',
    ])
    expect(status('tissues', [])).toBe('not-evaluated')
  })
})

it('gives intervals over families: relatives are drawn as one, and one family has none', () => {
  const figures = (familyOf: (subject: string) => string) =>
    figuresOf({
      domain: 'A',
      method: 'tone',
      pairs: [0.1, 0.2, 0.3, 0.6].map((mae, i) => row('tone', mae, 1, `s${i}`)),
      lesions: [],
      separations: [],
      rescans: { target: [], source: [] },
      familyOf,
    })
  const alone = pick(
    figures((subject) => subject),
    'mae',
    'tone',
  )?.confidence
  expect(alone).toMatchObject({ families: 4 })
  expect(alone?.low).toBeGreaterThanOrEqual(0.1)
  expect(alone?.high).toBeLessThanOrEqual(0.6)
  expect(alone?.low).toBeLessThan(0.25)
  expect(alone?.high).toBeGreaterThan(0.25)
  expect(
    pick(
      figures((s) => (s < 's2' ? 'a' : 'b')),
      'mae',
      'tone',
    )?.confidence,
  ).toMatchObject({ families: 2 })
  expect(
    pick(
      figures(() => 'a'),
      'mae',
      'tone',
    )?.confidence,
  ).toBeUndefined()
})
