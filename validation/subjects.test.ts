import { describe, expect, it } from 'vitest'
import type { Cohort, Scan } from '../src/cohort/cohort.ts'
import { chooseSubjects } from './subjects.ts'

const scan = (subject: string, family = 'n/a'): Scan => ({
  subject,
  domain: 'A',
  session: '1',
  image: `/${subject}.nii`,
  truth: {},
  covariates: { family },
})
const cohort: Cohort = {
  source: 'cohort.tsv',
  scans: [scan('ann', 'f1'), scan('bob', 'f1'), scan('eve', 'f2'), scan('kim'), scan('lee')],
}

describe('test subjects', () => {
  it('are those that training has not seen, nor their family', () => {
    expect(chooseSubjects(cohort, ['ann'], {})).toEqual({
      kind: 'held-out',
      subjects: ['eve', 'kim', 'lee'],
      leftOut: ['ann', 'bob'],
    })
  })

  it('without a family are not related to each other', () => {
    expect(chooseSubjects(cohort, ['kim'], {}).subjects).toContain('lee')
  })

  it('cannot be named when training has seen them or a relative', () => {
    expect(() => chooseSubjects(cohort, ['ann'], { wanted: ['bob', 'eve'] })).toThrow(
      /trained on bob.*--within-subject/s,
    )
    expect(() => chooseSubjects(cohort, ['ann', 'eve', 'kim', 'lee'], {})).toThrow(/memory/)
    expect(() => chooseSubjects(cohort, [], { wanted: ['zoe'] })).toThrow(/no subject zoe/)
  })

  it('are the training subjects themselves with --within-subject, labelled so', () => {
    expect(chooseSubjects(cohort, ['ann', 'eve'], { withinSubject: true })).toEqual({
      kind: 'within-subject',
      subjects: ['ann', 'eve'],
      leftOut: [],
    })
    expect(() => chooseSubjects(cohort, ['ann'], { wanted: ['eve'], withinSubject: true })).toThrow(
      /Leave out/,
    )
  })
})
