import { describe, expect, it } from 'vitest'
import { MANIFEST_SCHEMA, type Manifest } from '../src/harmonizer/manifest.ts'
import { sampleModel } from '../test/local-tone-oracle.ts'
import { modelCard } from './card.ts'

const model = sampleModel(4, ['a', 'b'])
const manifest: Omit<Manifest, 'files'> = {
  schema: MANIFEST_SCHEMA,
  rung: 4,
  sources: ['a'],
  target: 'b',
  steps: [{ ...model, bounds: { slopeRatio: 4, perMm: 0.07 / 6.261 } }],
  guards: {},
  training: {
    cohort: { name: 'cohort.tsv', sha256: '0'.repeat(64) },
    subjects: ['s1'],
    pairs: 1,
    seed: 1,
    engine: 'wasm (4.22.0)',
    options: { changePerMm: 0.07 },
  },
  versions: { attune: '0.1.0' },
}
const bounds = (card: string): string => card.split('\n').find((line) => line.startsWith('Bounds'))!

describe('the card', () => {
  it('gives the bound over space in both units, with digits that people read', () => {
    expect(bounds(modelCard('to-b', manifest))).toBe(
      'Bounds: local slope between 1/4 and 4 times the global slope; change over space at most 1.12 % of the reference scale per mm (chosen as 7 % of its tissue median).',
    )
  })

  it('gives it in the unit of the model where the manifest does not say how it was chosen', () => {
    const silent = { ...manifest, training: { ...manifest.training, options: {} } }
    expect(bounds(modelCard('to-b', silent))).toMatch(/1\.12 % of the reference scale per mm\.$/)
  })

  it('says where the curves start, and what is accepted for that', () => {
    const start = { name: 'universal-t1w', sha256: 'f'.repeat(64) }
    const card = modelCard('to-b', { ...manifest, training: { ...manifest.training, start } })
    expect(card).toMatch(/start from `universal-t1w`.*f{64}/)
    expect(card).toMatch(/that `universal-t1w` was trained on are accepted too/)
    expect(modelCard('to-b', manifest)).not.toContain('universal-t1w')
  })

  it('has no bounds for methods without, and warns of a single subject', () => {
    const plain = modelCard('to-b', { ...manifest, rung: 0, steps: [{ kind: 'identity' }] })
    expect(plain).not.toContain('Bounds')
    expect(plain).toContain('Trained on 1 subject: ')
  })
})
