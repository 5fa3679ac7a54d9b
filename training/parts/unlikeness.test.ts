import { expect, it } from 'vitest'
import { random } from '../../src/kernels/random.ts'
import { likenessOf, unlikeness } from './unlikeness.ts'

const SIZE = 40
/** Eight directions in which scans vary by 1, five features along each; hardly anything beside them. */
function scan(seed: number): Float32Array {
  const rng = random(seed, 'scan')
  const drawn = Array.from({ length: 8 }, () => rng.normal())
  return Float32Array.from({ length: SIZE }, (_, f) => drawn[f % 8]! + 0.1 * rng.normal() + f)
}

const likeness = likenessOf(Array.from({ length: 400 }, (_, k) => scan(k)))

it('is near the root of 2 for scans like those of training: one for the axes, one for what lies beside them', () => {
  const fresh = Array.from({ length: 300 }, (_, k) => unlikeness(scan(1000 + k), likeness) ** 2)
  const mean = fresh.reduce((sum, value) => sum + value, 0) / fresh.length
  expect(mean).toBeGreaterThan(1.8)
  expect(mean).toBeLessThan(2.2)
})

it('grows with what scans of training never show: features that part, or all of them far away', () => {
  const parted = scan(1).map((value, f) => value + (f < 8 ? 1.5 : f < 16 ? -1.5 : 0))
  const far = scan(1).map((value) => value + 8)
  expect(unlikeness(scan(1), likeness)).toBeLessThan(2)
  expect(unlikeness(parted, likeness)).toBeGreaterThan(3)
  expect(unlikeness(far, likeness)).toBeGreaterThan(3)
})

it('does not depend on the order of scans', () => {
  const reversed = likenessOf(Array.from({ length: 400 }, (_, k) => scan(399 - k)))
  expect(unlikeness(scan(7), reversed)).toBeCloseTo(unlikeness(scan(7), likeness), 4)
})
