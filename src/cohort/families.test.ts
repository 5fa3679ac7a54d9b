import { expect, it } from 'vitest'
import type { Cohort } from './cohort.ts'
import { familyGroups, withFamilies } from './families.ts'

const rows = [
  ['b', 'x'],
  ['a', 'x'],
  ['c', ''],
  ['d', 'n/a'],
  ['e', undefined],
  ['f', 'y'],
] as const
const cohort: Cohort = {
  source: 'cohort.tsv',
  scans: rows.map(([subject, family]) => ({
    subject,
    domain: 'd',
    session: '1',
    image: `${subject}.nii`,
    truth: {},
    covariates: family === undefined ? {} : { family },
  })),
}

it('puts relatives together, and takes an empty cell for no relation', () => {
  const groups = familyGroups(cohort, ['f', 'e', 'd', 'c', 'b', 'a'])
  expect(groups).toEqual([['a', 'b'], ['c'], ['d'], ['e'], ['f']])
})

it('finds relatives of the subjects named', () => {
  expect([...withFamilies(cohort, ['a', 'c'])].sort()).toEqual(['a', 'b', 'c'])
})
