import { describe, expect, it } from 'vitest'
import type { Evidence } from './evidence.ts'
import { parseEvidence } from './schema.ts'

const hash = 'a'.repeat(64)
const evidence: Evidence = {
  schema: 'attune-evidence/1',
  title: 'A to B',
  harmonizer: {
    name: 'b',
    method: 'tone',
    target: 'B',
    sources: ['A'],
    trainingSubjects: ['s1'],
    manifestSha256: hash,
  },
  design: {
    kind: 'held-out',
    subjects: ['s2'],
    domains: ['A'],
    grid: 'source',
    mask: 'given',
    range: { low: 0, high: 10, meaning: 'percentiles' },
    rescan: 'none',
  },
  gates: [{ id: 'error', title: 'Error', status: 'pass', criterion: 'less', finding: 'is less' }],
  figures: [
    {
      domain: 'A',
      method: 'tone',
      metric: 'mae',
      value: 0.1,
      unit: 'range',
      n: 2,
      interval: { kind: 'range', low: 0.05, high: 0.2 },
    },
    { domain: 'A', method: 'tone', metric: 'removable-share', unit: '1', n: 0, note: 'no rescans' },
  ],
  pairs: [
    {
      subject: 's2',
      domain: 'A',
      sourceSession: '1',
      targetSession: '1',
      method: 'tone',
      voxels: 9,
      mae: 0.1,
      ssim: 0.9,
    },
  ],
  lesions: [
    {
      subject: 's2',
      domain: 'A',
      lesion: 1,
      volumeMm3: 60,
      measured: 'core',
      sourceCnr: 2,
      visible: true,
      kept: { tone: 0.9 },
    },
  ],
  pictures: [],
  histograms: [],
  curves: [],
  provenance: {
    attune: '0.1.0',
    node: '20',
    command: 'attune validate',
    date: '2026-01-01',
    cohort: { name: 'cohort.tsv', sha256: hash },
    inputs: [],
    versions: {},
  },
  limits: [],
}

describe('evidence', () => {
  it('survives a file', () => {
    expect(parseEvidence(JSON.parse(JSON.stringify(evidence)), 'evidence.json')).toEqual(evidence)
  })

  it('of another version, with a misspelt key or a wrong value is refused by place', () => {
    const cases = [
      [{ ...evidence, schema: 'attune-evidence/2' }, /schema/],
      [{ ...evidence, gate: [] }, /gate/],
      [{ ...evidence, harmonizer: { ...evidence.harmonizer, manifestSha256: 'abc' } }, /manifestSha256/],
      [{ ...evidence, figures: [{ ...evidence.figures[0], value: Number.NaN }] }, /figures\[0\]\.value/],
      ['text', /expected object/i],
    ] as const
    for (const [input, message] of cases) {
      expect(() => parseEvidence(input, 'e.json')).toThrow(message)
      expect(() => parseEvidence(input, 'e.json')).toThrow(/e\.json is not attune-evidence\/1/)
    }
  })
})
