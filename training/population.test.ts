import { expect, it } from 'vitest'
import { UnfittableError } from '../src/errors.ts'
import type { Method } from '../src/harmonizer/method.ts'
import { collectorsOf, modelsOf } from './population.ts'

/** Two values: enough for gain and offset, too few for three tissues. */
const x = Float32Array.from({ length: 400 }, (_, i) => (i % 2 === 0 ? 100 : 200))
const mask = new Uint8Array(400).fill(1)
const learn = (wanted: Method): readonly string[] => {
  const collectors = collectorsOf({ peak: 'last', tissue: 'bright' }, wanted)
  for (const { add } of collectors.values()) add(x, mask, 1)
  return modelsOf(collectors, wanted).map(({ kind }) => kind)
}

it('leaves out what cannot be fitted to the images, so that a comparison never stops a training', () => {
  const kinds = learn('tone')
  expect(kinds).toContain('zscore')
  expect(kinds).not.toContain('fcm')
  expect(kinds).not.toContain('lsq')
})

it('refuses when it is the wanted method that cannot be fitted', () => {
  expect(() => learn('fcm')).toThrow(UnfittableError)
})
