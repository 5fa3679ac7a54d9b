import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { contrastIn } from './contrast-name.ts'
import { CONTRASTS } from './preparation.ts'
import { translatedName } from './translation.ts'

describe('the name of a translated image', () => {
  it.each([
    ['sub-01_PDw.nii.gz', 'sub-01_desc-translated_T2w.nii.gz'],
    ['sub-01_ses-B_acq-fast_PDw.nii', 'sub-01_ses-B_acq-fast_desc-translated_T2w.nii'],
    ['sub-01_desc-preproc_PDw.nii.gz', 'sub-01_desc-preprocTranslated_T2w.nii.gz'],
    ['IXI012-HH-1211-PD_ds.nii.gz', 'IXI012-HH-1211-desc-translated_T2w_ds.nii.gz'],
    ['PD.nii.gz', 'desc-translated_T2w.nii.gz'],
    // The contrast of a space is not that of the image: the last word counts.
    ['sub-01_space-T1w_PDw.nii.gz', 'sub-01_space-T1w_desc-translated_T2w.nii.gz'],
    ['scan7.nii.gz', 'scan7.nii.gz'],
  ])('%s becomes %s', (name, translated) => {
    expect(translatedName(name, { from: 'PDw', to: 'T2w' })).toBe(translated)
  })

  it('says the new contrast, and is no longer that of its source, for every name with a contrast', () => {
    const word = fc.stringMatching(/^[A-Za-z0-9]{1,6}$/)
    fc.assert(
      fc.property(
        fc.array(word, { maxLength: 3 }),
        fc.constantFrom(...CONTRASTS),
        fc.constantFrom(...CONTRASTS),
        fc.constantFrom('.nii', '.nii.gz'),
        (words, from, to, ending) => {
          const name = `${[...words, from].join('_')}${ending}`
          const translated = translatedName(name, { from, to })
          expect(contrastIn(translated)?.contrast).toBe(to)
          expect(translated).not.toBe(name)
          expect(translated.endsWith(ending)).toBe(true)
        },
      ),
    )
  })
})
