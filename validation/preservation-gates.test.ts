import { describe, expect, it } from 'vitest'
import type { Figure, Gate, Metric } from '../src/evidence/evidence.ts'
import { preservationGates } from './preservation-gates.ts'

const figure = (metric: Metric, value: number, change: Partial<Figure> = {}): Figure => ({
  ...{ domain: 'A', method: 'local-tone', metric, value, unit: '1', n: 4 },
  ...change,
})
const gate = (id: string, ...figures: readonly Figure[]): Gate => {
  const scans = { tested: 4, refused: [] }
  const input = { method: 'local-tone', target: 'T', domains: ['A', 'B'], figures, lesions: [], scans }
  return preservationGates(input).find((found) => found.id === id) as Gate
}
const change = (value: number): Figure => figure('reference-change', value, { domain: 'T' })
const rescan = figure('mae', 0.02, { method: 'rescan-target' })

it('edges are reported, not judged, for a mapping that varies over space', () => {
  expect(gate('edges', figure('new-edges', 2))).toMatchObject({
    status: 'not-evaluated',
    finding: 'Reported, not judged: A: 2.00.',
  })
})

describe('reference images', () => {
  it('may change by what two scans of one person differ by', () => {
    expect(gate('identity', change(0.02), rescan).status).toBe('pass')
    expect(gate('identity', change(0.021), rescan)).toMatchObject({
      status: 'fail',
      finding: 'T: 2.10 % of the range, rescans 2.00 %.',
    })
  })

  it('cannot be judged without rescans, unless they pass through', () => {
    expect(gate('identity', change(0.02)).status).toBe('not-evaluated')
    expect(gate('identity', change(0))).toMatchObject({
      status: 'pass',
      finding: expect.stringContaining('pass through unchanged'),
    })
    expect(gate('identity').status).toBe('not-evaluated')
  })
})

it.each<[string, Metric, readonly number[], readonly number[]]>([
  ['atrophy', 'atrophy-kept', [0.9, 1, 1.1], [0.89, 1.11, -1]],
  ['consistency', 'consistency', [0.7, 1.05], [1.06]],
])('%s: one scanner that misses is enough', (id, metric, good, bad) => {
  const onB = (value: number): Figure => figure(metric, value, { domain: 'B' })
  for (const value of good) expect(gate(id, figure(metric, 1), onB(value)).status).toBe('pass')
  for (const value of bad) expect(gate(id, figure(metric, 1), onB(value)).status).toBe('fail')
  expect(gate(id).status).toBe('not-evaluated')
})
