import { describe, expect, it } from 'vitest'
import type { Cohort } from '../src/cohort/cohort.ts'
import { foldsOf } from './folds.ts'

/** `visits`: subject to the scanners visited; `t` is the target. */
function cohortOf(
  visits: Readonly<Record<string, string>>,
  families: Readonly<Record<string, string>> = {},
): Cohort {
  const scans = Object.entries(visits).flatMap(([subject, domains]) =>
    [...domains].map((domain) => ({
      subject,
      domain,
      session: '1',
      image: `${subject}${domain}.nii`,
      truth: {},
      covariates: families[subject] === undefined ? {} : { family: families[subject] },
    })),
  )
  return { source: 'cohort.tsv', scans }
}
const scored = ({ folds }: ReturnType<typeof foldsOf>) =>
  folds.flatMap((fold) => fold.scored.map(({ subject, source }) => subject + source.domain)).sort()

describe('leaving travelers out', () => {
  it('is once each up to five, then several at a time, and everyone exactly once', () => {
    const everyone = Object.fromEntries([...'123456789'].map((name) => [name, 'at']))
    const three = foldsOf(cohortOf({ 1: 'at', 2: 'at', 3: 'at' }), 't')
    expect(three.folds.map(({ held }) => held)).toEqual([['1'], ['2'], ['3']])
    const nine = foldsOf(cohortOf(everyone), 't')
    expect(nine.folds).toHaveLength(5)
    expect(nine.folds.flatMap(({ held }) => held).sort()).toEqual([...'123456789'])
    expect(scored(nine)).toHaveLength(9)
    expect(nine.travelers).toBe(9)
  })

  it('keeps relatives in one fold, and counts them as one', () => {
    const found = foldsOf(cohortOf({ 1: 'at', 2: 'at', 3: 'at' }, { 1: 'x', 3: 'x' }), 't')
    expect(found.folds.map(({ held }) => held)).toEqual([['1', '3'], ['2']])
    expect(found.travelers).toBe(2)
    expect(found.groupOf('1')).toBe(found.groupOf('3'))
  })

  it('leaves out only people with a pair', () => {
    const found = foldsOf(cohortOf({ 1: 'at', 2: 'at', 3: 't', 4: 'a' }), 't')
    expect(found.folds.flatMap(({ held }) => held)).toEqual(['1', '2'])
  })

  it('is not possible with one traveler, nor where relatives are all there are', () => {
    for (const cohort of [
      cohortOf({ 1: 'at', 2: 't' }),
      cohortOf({ 1: 'at', 2: 'at' }, { 1: 'x', 2: 'x' }),
    ]) {
      const found = foldsOf(cohort, 't')
      expect(found).toMatchObject({ kind: 'within-subject', travelers: 1, folds: [{ held: [] }] })
    }
  })

  it('is not possible where one person alone links a scanner, though others link another', () => {
    expect(foldsOf(cohortOf({ 1: 'abt', 2: 'at', 3: 'at' }), 't').kind).toBe('within-subject')
  })

  it('scores both of two people who alone link a scanner, by putting them into different folds', () => {
    const visits = Object.fromEntries([...'1234567'].map((name) => [name, 'at']))
    const found = foldsOf(cohortOf({ ...visits, 8: 'bt', 9: 'bt' }), 't')
    expect(found.kind).toBe('leave-one-out')
    expect(scored(found)).toHaveLength(9)
    expect(found.travelers).toBe(2)
  })
})
