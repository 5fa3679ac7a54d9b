import { expect, it } from 'vitest'
import { random } from '../kernels/random.ts'
import type { Shape } from '../volume/volume.ts'
import { SCAN_FEATURES, scanFeatures } from './scan-features.ts'

const shape: Shape = [32, 32, 32]
const mask = new Uint8Array(32 ** 3).fill(1)
const rng = random(2, 'features')
const noise = Float32Array.from(mask, () => 1000 + 50 * rng.normal())
const of = (x: Float32Array): Record<string, number> =>
  Object.fromEntries([...scanFeatures(x, shape, mask, [1, 1, 1])].map((v, i) => [SCAN_FEATURES[i] ?? '', v]))

it('of normal noise, mean 1000 and SD 50, are those of the normal distribution', () => {
  const found = of(noise)
  expect(Object.keys(found)).toHaveLength(SCAN_FEATURES.length)
  expect(found['mean']! / 1000).toBeCloseTo(1, 2)
  expect(found['SD']! / 50).toBeCloseTo(1, 1)
  expect(found['skewness']).toBeCloseTo(0, 1)
  expect(found['kurtosis']).toBeCloseTo(3, 0)
  expect(found['log noise SD']).toBeCloseTo(Math.log(50), 1)
  expect(found['percentile 95']! / (1000 + 1.645 * 50)).toBeCloseTo(1, 2)
  // The mean absolute difference of two normals is 2 SD / sqrt(pi), the interquartile range 1.349 SD.
  expect(found['mean step between neighbours over interquartile range']).toBeCloseTo(1.1284 / 1.349, 1)
})

it('with gain 2, double what has the unit of the image, and keep what has none', () => {
  const [plain, doubled] = [of(noise), of(noise.map((v) => 2 * v))]
  for (const name of ['percentile 1', 'percentile 50', 'mean', 'SD'])
    expect(doubled[name]! / plain[name]!).toBeCloseTo(2, 4)
  for (const name of ['skewness', 'kurtosis', 'log noise SD over interquartile range', 'smoothness, mm'])
    expect(doubled[name]).toBeCloseTo(plain[name]!, 3)
  expect(doubled['log noise SD']! - plain['log noise SD']!).toBeCloseTo(Math.LN2, 3)
})
