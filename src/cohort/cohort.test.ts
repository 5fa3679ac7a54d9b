import { expect, it } from 'vitest'
import { type Cohort, pairsOf, rescansOf, type Scan } from './cohort.ts'

const scan = (subject: string, domain: string, session = '1'): Scan => ({
  subject,
  domain,
  session,
  image: `${subject}${domain}${session}.nii`,
  truth: {},
  covariates: {},
})
const cohort: Cohort = {
  source: 'cohort.tsv',
  scans: [
    scan('2', 'b'),
    scan('2', 't'),
    scan('1', 't', '2'),
    scan('1', 'a'),
    scan('1', 't', '1'),
    scan('1', 'b'),
    scan('3', 'a'),
  ],
}

it('pairs are every source with one target of the subject, rescans in turn, in the order of the manifest', () => {
  expect(pairsOf(cohort, 't').map(({ source, target }) => [source.image, target.image])).toEqual([
    ['2b1.nii', '2t1.nii'],
    ['1a1.nii', '1t2.nii'],
    ['1b1.nii', '1t2.nii'],
  ])
  const rescanned = { ...cohort, scans: [...cohort.scans, scan('1', 'a', '2'), scan('1', 'a', '3')] }
  const ofA = pairsOf(rescanned, 't').filter(({ source }) => source.domain === 'a')
  expect(ofA.map(({ source, target }) => [source.image, target.image])).toEqual([
    ['1a1.nii', '1t2.nii'],
    ['1a2.nii', '1t1.nii'],
    ['1a3.nii', '1t2.nii'],
  ])
  expect(pairsOf(cohort, 'elsewhere')).toEqual([])
})

it('rescans are the scans of one subject on one domain, two by two', () => {
  expect(rescansOf(cohort, 't').map((pair) => pair.map(({ image }) => image))).toEqual([
    ['1t2.nii', '1t1.nii'],
  ])
  expect(rescansOf(cohort, 'a')).toEqual([])
})
