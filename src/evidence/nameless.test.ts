import { describe, expect, it } from 'vitest'
import { type Evidence, NOT_TESTED } from './evidence.ts'
import { withoutNames } from './nameless.ts'

const hash = 'abcdef'.padEnd(64, '0')
const evidenceOf = (people: readonly [string, string], finding: string): Evidence => ({
  schema: 'attune-evidence/1',
  title: 'A to B',
  harmonizer: {
    ...{ name: 'b', method: 'tone', target: 'B', sources: ['A'] },
    trainingSubjects: ['trained'],
    manifestSha256: hash,
  },
  design: {
    ...{ kind: 'held-out', subjects: people, domains: ['A'], grid: 'source', mask: 'given' },
    range: { low: 0, high: 10, meaning: 'percentiles' },
    rescan: 'none',
  },
  gates: [{ id: 'refusals', title: 'Refusals', status: 'fail', criterion: 'few', finding }],
  figures: [{ domain: 'A', method: 'tone', metric: 'mae', value: 0.1, unit: 'range', n: 2 }],
  pairs: people.map((subject) => ({
    ...{ subject, domain: 'A', sourceSession: '20240131', targetSession: '20240202' },
    ...{ method: 'tone', voxels: 9, mae: 0.1, ssim: 0.9 },
  })),
  consistency: [{ subject: people[0], domain: 'A', sessions: ['20240131', '20240202'], before: 1, after: 1 }],
  identification: { subjects: 2, results: [] },
  ...{ lesions: [], pictures: [], histograms: [], curves: [] },
  limits: [`${NOT_TESTED}: relative.`, 'Few people.'],
  provenance: {
    ...{ attune: '0.1.0', node: '20', command: 'attune validate /home/x/clinic.tsv', date: '2026-01-01' },
    cohort: { name: 'clinic.tsv', sha256: hash },
    inputs: [
      {
        ...{ subject: people[1], domain: 'A', session: '20240131' },
        ...{ name: `${people[1]}.nii`, sha256: hash },
      },
    ],
    versions: {},
  },
})

describe('evidence without names', () => {
  const evidence = evidenceOf(['Muster (Max)', 'Erika'], 'Erika, A: median is 3.\nMuster (Max), A: cut off.')
  const nameless = withoutNames(evidence)

  it('names neither people, visits, files nor folders, wherever they stand', () => {
    for (const name of [
      'Muster',
      'Erika',
      'trained"',
      'relative.',
      '20240131',
      '20240202',
      'clinic',
      '/home',
      '.nii',
    ])
      expect(JSON.stringify(nameless)).not.toContain(name)
    expect(nameless.gates[0]?.finding).toBe('person-1, A: median is 3.\nperson-2, A: cut off.')
    expect(nameless.design.subjects).toEqual(['person-2', 'person-1'])
    expect(nameless.pairs.map(({ subject }) => subject)).toEqual(['person-2', 'person-1'])
    expect(nameless.consistency?.[0]?.sessions).toEqual(['visit-1', 'visit-2'])
    expect(nameless.provenance.inputs[0]).toMatchObject({ subject: 'person-1', name: 'abcdef000000' })
  })

  it('keeps every figure and every count', () => {
    expect(nameless.figures).toEqual(evidence.figures)
    expect(nameless.identification).toEqual(evidence.identification)
    expect(nameless.harmonizer.manifestSha256).toBe(hash)
  })

  it('does not take numbers for people who are called by one', () => {
    const { gates } = withoutNames(evidenceOf(['1', '20'], '1, A: 20 of 1, at most 0.20, A: 1.1, A; s1, A'))
    expect(gates[0]?.finding).toBe('person-1, A: 20 of 1, at most 0.20, A: 1.1, A; s1, A')
  })
})
