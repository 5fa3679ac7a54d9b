import { describe, expect, it } from 'vitest'
import { random } from '../../src/kernels/random.ts'
import { recompose } from './composition.ts'
import { COARSE, featureCount } from './features.ts'

const KNOTS = [0, 0.2, 0.45, 0.7, 1, 1.3] as const
const BINS = KNOTS.length
const CHANNELS = featureCount(BINS, 1)

/** A voxel that is half full everywhere, with as much of each bin; the first voxel is empty, the second full. */
function head(): Float32Array {
  const [nr, na, ns] = COARSE
  const features = new Float32Array(nr * na * ns * CHANNELS)
  for (let voxel = 0, base = 0; base < features.length; voxel++, base += CHANNELS) {
    const filled = voxel === 0 ? 0 : voxel === 1 ? 1 : 0.5
    features.fill(filled / BINS, base, base + BINS)
    features[base + BINS] = filled
    const [r, a, s] = [Math.floor(voxel / (na * ns)), Math.floor(voxel / ns) % na, voxel % ns]
    for (const [axis, [at, n]] of (
      [
        [r, nr],
        [a, na],
        [s, ns],
      ] as const
    ).entries())
      features[base + BINS + 1 + axis] = ((at + 0.5) / n) * 2 - 1
    features[base + BINS + 4] = 1
  }
  return features
}

function recomposed(sd: number, seed: number): Float32Array {
  const features = head()
  recompose(features, CHANNELS, KNOTS, sd, random(seed, 'composition'))
  return features
}

describe('heads of another composition', () => {
  it('stay what they are for a standard deviation of 0, and draw nothing', () => {
    const rng = random(1, 'composition')
    const features = head()
    recompose(features, CHANNELS, KNOTS, 0, rng)
    expect(features).toEqual(head())
    expect(rng.uniform()).toBe(random(1, 'composition').uniform())
  })

  it('keep empty voxels empty, full ones at most full, and the mask as the sum of the bins; places and domains are not touched', () => {
    for (let seed = 0; seed < 10; seed++) {
      const features = recomposed(1, seed)
      const before = head()
      for (let base = 0; base < features.length; base += CHANNELS) {
        const bins = features.subarray(base, base + BINS)
        const sum = bins.reduce((total, share) => total + share, 0)
        expect(bins.every((share, k) => share > 0 === before[base + k]! > 0)).toBe(true)
        expect(features[base + BINS]).toBeCloseTo(sum, 5)
        expect(sum).toBeLessThanOrEqual(1 + 1e-5)
        const rest = features.subarray(base + BINS + 1, base + CHANNELS)
        expect(rest).toEqual(before.subarray(base + BINS + 1, base + CHANNELS))
      }
    }
  })

  it('have factors whose logarithm has the standard deviation that was asked for, and differs little between neighbours', () => {
    const sd = 0.1
    const squares: number[] = []
    const steps: number[] = []
    const before = head()
    for (let seed = 0; seed < 200; seed++) {
      const features = recomposed(sd, seed)
      const log = (voxel: number, k: number): number =>
        Math.log(features[voxel * CHANNELS + k]! / before[voxel * CHANNELS + k]!)
      for (let voxel = 7; voxel < COARSE[0] * COARSE[1] * COARSE[2] - 1; voxel += 331)
        for (let k = 0; k < BINS; k++) {
          squares.push(log(voxel, k) ** 2)
          if (voxel % COARSE[2] < COARSE[2] - 1) steps.push(Math.abs(log(voxel + 1, k) - log(voxel, k)))
        }
    }
    const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length
    expect(Math.sqrt(mean(squares))).toBeGreaterThan(0.9 * sd)
    expect(Math.sqrt(mean(squares))).toBeLessThan(1.1 * sd)
    expect(mean(steps)).toBeLessThan(0.15 * sd)
  })
})
