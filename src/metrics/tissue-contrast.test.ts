import { expect, it } from 'vitest'
import { random } from '../kernels/random.ts'
import { tissueContrast } from './tissue-contrast.ts'

/** A brain-like mixture: 12 % fluid at 100, 48 % grey matter at 300, 40 % white matter at 450. */
function mixture(n = 30_000): Float32Array {
  const rng = random(2, 'tissue contrast test')
  return Float32Array.from({ length: n }, (_, i) => {
    const place = (i % 100) / 100
    return (place < 0.12 ? 100 : place < 0.6 ? 300 : 450) + 15 * rng.normal()
  })
}
const mask = new Uint8Array(30_000).fill(1)

it('finds the two tissues that fill the mask: 2 (450 - 300) / 750 = 0.4', () => {
  const { low, high, contrast } = tissueContrast(mixture(), mask)
  expect(low).toBeCloseTo(300, -1)
  expect(high).toBeCloseTo(450, -1)
  expect(contrast).toBeCloseTo(0.4, 2)
})

it('does not depend on gain, and does on offset', () => {
  const x = mixture()
  const { contrast } = tissueContrast(x, mask)
  expect(
    tissueContrast(
      x.map((v) => 4 * v),
      mask,
    ).contrast,
  ).toBeCloseTo(contrast, 3)
  expect(
    tissueContrast(
      x.map((v) => v + 300),
      mask,
    ).contrast,
  ).toBeLessThan(0.7 * contrast)
})

it('is not moved by a few extreme voxels', () => {
  const x = mixture()
  const { contrast } = tissueContrast(x, mask)
  x.fill(1e5, 0, 100)
  expect(tissueContrast(x, mask).contrast).toBeCloseTo(contrast, 1)
})

it('has no value for a constant image or an empty mask', () => {
  expect(tissueContrast(new Float32Array(100).fill(7), new Uint8Array(100).fill(1)).contrast).toBeNaN()
  expect(tissueContrast(mixture(), new Uint8Array(30_000)).contrast).toBeNaN()
})
