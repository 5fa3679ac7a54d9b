import { describe, expect, it } from 'vitest'
import { ConfigError } from '../errors.ts'
import { commonPreparation, comparePreparation, firstKnown, inWords, parsePrepared } from './preparation.ts'

describe('what a user says', () => {
  it('is read word by word', () => {
    expect(
      parsePrepared(
        'bias-corrected, not-defaced,distortion-corrected:3D,space:MNI,contrast:T1w,skull-stripped',
      ),
    ).toEqual({
      contrast: 'T1w',
      skullStripped: 'yes',
      defaced: 'no',
      biasCorrected: 'yes',
      distortionCorrected: '3D',
      space: 'MNI',
    })
    expect(parsePrepared('not-distortion-corrected')).toEqual({ distortionCorrected: 'none' })
    expect(parsePrepared('')).toEqual({})
    expect(parsePrepared('n/a')).toEqual({})
  })

  it.each([
    'skullstripped',
    'skull-stripped:yes',
    'distortion-corrected',
    'distortion-corrected:4D',
    'not-space:MNI',
    'contrast:T9',
    'space',
    'defaced,not-defaced',
    'toString',
  ])('is refused when it is "%s"', (text) => {
    expect(() => parsePrepared(text)).toThrow(ConfigError)
  })
})

describe('several images', () => {
  it('have in common what is known of some and contradicted by none', () => {
    expect(
      commonPreparation([
        { skullStripped: 'yes', defaced: 'no' },
        { skullStripped: 'yes', defaced: 'yes' },
        {},
      ]),
    ).toEqual({ skullStripped: 'yes', defaced: 'mixed' })
  })
})

describe('sources', () => {
  it('are believed in their order', () => {
    expect(firstKnown({ defaced: 'no' }, { defaced: 'yes', space: 'MNI' })).toEqual({
      defaced: 'no',
      space: 'MNI',
    })
  })
})

describe('comparison with training', () => {
  it('tells differences from what is not known', () => {
    const training = { skullStripped: 'yes', defaced: 'mixed', biasCorrected: 'yes', space: 'MNI' }
    expect(comparePreparation({ skullStripped: 'no', defaced: 'no', space: 'MNI' }, training)).toEqual({
      differing: [{ field: 'skullStripped', image: 'no', training: 'yes' }],
      unknown: [{ field: 'biasCorrected', training: 'yes' }],
    })
  })

  it('takes training images of which no contrast agent is known to have none', () => {
    expect(comparePreparation({ contrastAgent: 'yes' }, {}).differing).toHaveLength(1)
    expect(comparePreparation({}, {})).toEqual({ differing: [], unknown: [] })
    expect(comparePreparation({ contrastAgent: 'yes' }, { contrastAgent: 'yes' }).differing).toEqual([])
  })

  it('reads as words', () => {
    expect(inWords('skullStripped', 'no')).toBe('not skull-stripped')
    expect(inWords('contrastAgent', 'no')).toBe('without contrast agent')
    expect(inWords('distortionCorrected', '2D')).toBe('distortion-corrected in 2D')
    expect(inWords('space', 'scanner')).toBe('in scanner space')
    expect(inWords('contrast', 'FLAIR')).toBe('FLAIR')
  })
})
