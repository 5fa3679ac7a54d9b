import { describe, expect, it } from 'vitest'
import { random } from '../kernels/random.ts'
import { applyClosedForm, UNTRAINED_MODELS } from './closed-form.ts'
import { inverseOf } from './inverse.ts'
import type { ClosedFormModel } from './method.ts'

const rng = random(5, 'inverse')
const x = Float32Array.from({ length: 9000 }, (_, i) =>
  i % 10 === 0 ? 0 : [100, 300, 500][i % 3]! + 20 * rng.normal(),
)
const mask = Uint8Array.from({ length: 9000 }, (_, i) => (i % 10 === 0 ? 0 : 1))
const models: readonly ClosedFormModel[] = [
  ...UNTRAINED_MODELS,
  { kind: 'lsq', means: [50, 100, 150] },
  { kind: 'nyul', percentiles: [1, 25, 50, 75, 99], landmarks: [10, 40, 60, 90, 120] },
  { kind: 'histogram', quantiles: Array.from({ length: 101 }, (_, k) => k + k * k) },
  { kind: 'tone', referenceScale: 200, knots: [0, 0.5, 1, 2], tones: { A: [0, 0.2, 1, 1.8] } },
]

describe.each(models.map((model) => [model.kind, model] as const))('%s', (_, model) => {
  it('is undone: the image mapped and mapped back is the image, blanked background with it', () => {
    const back = inverseOf(model, x, mask, 'A')?.(applyClosedForm(model, x, mask, 'A'))
    expect(back).toBeDefined()
    for (let i = 0; i < x.length; i++) expect(Math.abs(back![i]! - x[i]!)).toBeLessThan(0.01)
  })
})

it('there is no way back where two intensities have become one', () => {
  const flat = [10, 40, 40, 90, 120]
  const model: ClosedFormModel = { kind: 'nyul', percentiles: [1, 25, 50, 75, 99], landmarks: flat }
  expect(inverseOf(model, x, mask, 'A')).toBeUndefined()
})
