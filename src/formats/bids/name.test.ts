import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatBidsName, isMoreGeneral, parseBidsName } from './name.ts'

describe('parseBidsName', () => {
  it('reads entities, suffix and extension', () => {
    expect(parseBidsName('sub-01_ses-A_acq-mprage_run-2_T1w.nii.gz')).toEqual({
      entities: { sub: '01', ses: 'A', acq: 'mprage', run: '2' },
      suffix: 'T1w',
      extension: '.nii.gz',
    })
    expect(parseBidsName('T1w.json')).toEqual({ entities: {}, suffix: 'T1w', extension: '.json' })
    expect(parseBidsName('participants.tsv')?.suffix).toBe('participants')
  })
  it.each([
    'sub-01_T1w', // no extension
    'sub-01.nii.gz', // no suffix
    'sub-01_ses-1-2_T1w.nii.gz', // a hyphen in a label
    'sub-01_sub-02_T1w.nii', // an entity twice
    'sub-_T1w.nii',
    'IXI012-HH-1211-T1.nii.gz',
    '_T1w.nii',
    '.bidsignore',
    '',
  ])('%s is no name of BIDS', (name) => {
    expect(parseBidsName(name)).toBeUndefined()
  })
})

describe('formatBidsName', () => {
  it('puts entities in the order of the standard, and those it does not know before desc', () => {
    const entities = {
      desc: 'harmonized',
      run: '1',
      odd: 'x',
      sub: '01',
      space: 'T1w',
      ses: 'A',
      acq: 'fast',
    }
    expect(formatBidsName({ entities, suffix: 'T1w', extension: '.nii.gz' })).toBe(
      'sub-01_ses-A_acq-fast_run-1_space-T1w_odd-x_desc-harmonized_T1w.nii.gz',
    )
  })
  it('gives back what parsing takes apart', () => {
    const label = fc.stringMatching(/^[A-Za-z0-9]{1,6}$/)
    const entities = fc.dictionary(fc.constantFrom('sub', 'ses', 'acq', 'run', 'desc', 'odd', 'res'), label)
    const name = fc.record({ entities, suffix: label, extension: fc.constantFrom('.nii', '.nii.gz', '.tsv') })
    fc.assert(
      fc.property(name, (whole) => {
        expect(parseBidsName(formatBidsName(whole))).toEqual({ ...whole, entities: { ...whole.entities } })
      }),
    )
  })
})

it('a name is more general when it says nothing else', () => {
  const [general, special, other] = ['sub-01_T1w.json', 'sub-01_run-1_T1w.json', 'sub-02_run-1_T1w.json'].map(
    (name) => parseBidsName(name)!,
  )
  expect(isMoreGeneral(general!, special!)).toBe(true)
  expect(isMoreGeneral(special!, general!)).toBe(false)
  expect(isMoreGeneral(general!, other!)).toBe(false)
})
