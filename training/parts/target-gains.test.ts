import { expect, it } from 'vitest'
import { random } from '../../src/kernels/random.ts'
import type { LatticeScan, LatticeSubject } from './lattice-subjects.ts'
import { withoutGains } from './target-gains.ts'

const POINTS = 4000
const rng = random(5, 'target gains')
const scan = (image: Float32Array, mask = new Uint8Array(POINTS).fill(1)): LatticeScan => ({
  domain: 'a',
  image,
  mask,
  code: new Float32Array(1),
  bareCode: new Float32Array(1),
})
/** A head whose first stage misses a factor of 1.1 in everybody; its target scans have the gains given. */
function person(name: string, ...gains: readonly [number, ...number[]]): LatticeSubject {
  const truth = Float32Array.from({ length: POINTS }, () => rng.between(0.2, 1.2))
  const noisy = (gain: number): Float32Array => truth.map((value) => gain * value * (1 + 0.02 * rng.normal()))
  const [first, ...others] = gains.map((gain) => scan(noisy(gain))) as [LatticeScan, ...LatticeScan[]]
  return { subject: name, targets: [first, ...others], sources: [scan(noisy(1 / 1.1)), scan(noisy(1 / 1.1))] }
}
const tissueOf = ({ image }: LatticeScan): number =>
  image.filter((value) => value > 0.3).reduce((sum, value) => sum + value, 0)

it('frees target scans of their gains, but not of what everybody shares', () => {
  const people = [person('one', 1.06, 0.98), person('two', 0.9), person('three', 1.02)]
  const meanGain = (1.06 * 0.98 * 0.9 * 1.02) ** (1 / 4)
  for (const { targets, sources } of withoutGains(people))
    for (const target of targets) {
      const ratio = tissueOf(target) / tissueOf(sources[0] as LatticeScan)
      expect(ratio / (1.1 * meanGain)).toBeGreaterThan(0.98)
      expect(ratio / (1.1 * meanGain)).toBeLessThan(1.02)
    }
})

it('leaves scans as they are that share no tissue with a source, and those of one person', () => {
  const apart = { ...person('one', 1.3), sources: [] }
  const dark = { ...person('two', 1.2), sources: [scan(new Float32Array(POINTS), new Uint8Array(POINTS))] }
  for (const subject of [apart, dark]) {
    const [found] = withoutGains([subject, person('three', 1)])
    expect(found?.targets[0].image).toEqual(subject.targets[0].image)
  }
  const alone = person('alone', 1.3)
  const [found] = withoutGains([alone])
  const size = Math.max(...alone.targets[0].image)
  for (let i = 0; i < POINTS; i += 97)
    expect(found?.targets[0].image[i]).toBeCloseTo(alone.targets[0].image[i] as number, 5 - Math.log10(size))
})
