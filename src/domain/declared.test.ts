import { describe, expect, it } from 'vitest'
import { declaredOf } from './declared.ts'

const named = (name: string) => declaredOf({ name })
const beside = (sidecar: Record<string, unknown>) => declaredOf({ name: 'x.nii.gz', sidecar })

describe('the name of a file', () => {
  it.each([
    ['sub-01_T1w.nii.gz', 'T1w'],
    ['study1_T1W.nii.gz', 'T1w'],
    ['FLAIR.nii.gz', 'FLAIR'],
    ['IXI012-HH-1211-T1_ds.nii.gz', 'T1w'],
    ['sub-2_acq-T2prep_T1w.nii', 'T1w'],
    ['sub-2_T2starw.nii', 'T2starw'],
    ['sub-T1000_run-1.nii', undefined],
    ['scan.nii', undefined],
  ])('%s says %s', (name, contrast) => {
    expect(named(name).preparation.contrast).toBe(contrast)
  })

  it.each(['T1POST.nii.gz', 'sub-1_ce-gadolinium_T1w.nii.gz', 'BraTS_001_t1ce.nii.gz', 'p1_T1Gd.nii'])(
    '%s says that there is contrast agent',
    (name) => {
      expect(named(name).preparation).toMatchObject({ contrast: 'T1w', contrastAgent: 'yes' })
    },
  )

  it.each([
    ['sub-1_part-phase_T1w.nii', 'phase'],
    ['sub-1_part-real_T1w.nii', 'real or imaginary part'],
    ['sub-1_T1map.nii.gz', 'parametric map'],
    ['sub-1_desc-tissue_dseg.nii.gz', 'label map'],
    ['sub-1_T1w.nii.gz', undefined],
  ])('%s is a %s', (name, kind) => {
    expect(named(name).kind).toBe(kind)
  })

  it('says the space', () => {
    expect(named('s_space-MNI152NLin2009cAsym_desc-brain_T1w.nii').preparation).toMatchObject({
      space: 'MNI',
      skullStripped: 'yes',
    })
  })
})

describe('a sidecar', () => {
  it('of Siemens says whether it was normalized and undistorted', () => {
    const siemens = { Manufacturer: 'Siemens', ImageType: ['ORIGINAL', 'PRIMARY', 'M', 'ND'] }
    expect(beside(siemens).preparation).toEqual({ prescanNormalized: 'no', distortionCorrected: 'none' })
    const normalized = { ...siemens, ImageType: ['ORIGINAL', 'PRIMARY', 'M', 'NORM', 'DIS3D', 'DIS2D'] }
    expect(beside(normalized).preparation).toEqual({ prescanNormalized: 'yes', distortionCorrected: '3D' })
  })

  it('of others says nothing by silence', () => {
    const philips = { Manufacturer: 'Philips', ImageType: ['ORIGINAL', 'PRIMARY', 'M', 'FFE', 'M', 'FFE'] }
    expect(beside(philips)).toEqual({
      preparation: {},
      kind: 'magnitude',
      harmonized: false,
      acquisition: {},
    })
  })

  it.each([
    [['ORIGINAL', 'PRIMARY', 'P', 'FFE'], 'phase'],
    [['ORIGINAL', 'PRIMARY', 'PHASE MAP'], 'phase'],
    ['ORIGINAL\\PRIMARY\\I', 'real or imaginary part'],
    [['DERIVED', 'PRIMARY', 'T1 MAP'], 'parametric map'],
    [['DERIVED', 'SECONDARY', 'ADC'], 'parametric map'],
    [['ORIGINAL', 'PRIMARY', 'M'], 'magnitude'],
  ])('with image type %j is of a %s', (ImageType, kind) => {
    expect(beside({ ImageType }).kind).toBe(kind)
  })

  it('says contrast agent, skull stripping, and what attune itself reads', () => {
    expect(beside({ ContrastBolusIngredient: 'GADOLINIUM' }).preparation.contrastAgent).toBe('yes')
    expect(beside({ ContrastBolusAgent: 'none' }).preparation.contrastAgent).toBe('no')
    expect(beside({ ContrastBolusAgent: '' }).preparation.contrastAgent).toBeUndefined()
    expect(beside({ SkullStripped: true }).preparation.skullStripped).toBe('yes')
    expect(beside({ Preparation: 'bias-corrected,not-defaced' }).preparation).toEqual({
      biasCorrected: 'yes',
      defaced: 'no',
    })
  })

  it('that is the record of a harmonization, or holds one, says so', () => {
    expect(beside({ schema: 'attune-record/1' }).harmonized).toBe(true)
    expect(beside({ Harmonization: { schema: 'attune-record/1' } }).harmonized).toBe(true)
    expect(beside({ schema: 'other/1' }).harmonized).toBe(false)
    expect(beside({ schema: 'attune-record/1', outcome: 'passed-through' }).harmonized).toBe(false)
    expect(beside({ schema: 'attune-record/1', harmonizer: { method: 'identity' } }).harmonized).toBe(false)
  })
})

it('a header says the space and statistics, and what is said nearer to the image counts', () => {
  const codes = { intent: 0, sform: 4, qform: 1 }
  expect(declaredOf({ name: 'x.nii', codes }).preparation.space).toBe('MNI')
  expect(declaredOf({ name: 'x.nii', codes: { ...codes, sform: 0 } }).preparation.space).toBe('scanner')
  expect(declaredOf({ name: 'x.nii', codes: { ...codes, sform: 2 } }).preparation.space).toBeUndefined()
  expect(declaredOf({ name: 'x.nii', codes: { ...codes, intent: 1002 } }).kind).toBe('label map')
  expect(declaredOf({ name: 'x_space-orig_T1w.nii', codes }).preparation.space).toBe('scanner')
})
