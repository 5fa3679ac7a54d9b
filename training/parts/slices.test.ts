import { expect, it } from 'vitest'
import { LATTICE } from '../../src/kernels/lattice.ts'
import { random } from '../../src/kernels/random.ts'
import type { LatticeScan, LatticeSubject } from './lattice-subjects.ts'
import { drawBatch, slicesOf } from './slices.ts'

/** A scan whose every voxel is `level`; its code is 1 with, 0 without a header. */
const scan = (domain: string, level: number): LatticeScan => ({
  domain,
  image: new Float32Array(LATTICE.points).fill(level),
  mask: new Uint8Array(LATTICE.points).fill(1),
  code: Float32Array.of(1),
  bareCode: Float32Array.of(0),
})
const person = (subject: string, goal: number): LatticeSubject => ({
  subject,
  targets: [scan('target', goal)],
  sources: [scan('b', goal + 1), scan('c', goal + 2)],
})
const slices = slicesOf([person('one', 10), person('two', 20)], 'cohort.tsv')
const batches = Array.from({ length: 40 }, (_, step) =>
  drawBatch(slices, { batch: 4, identity: 0.1 }, random(3, `slices/${step}`)),
)

it('shows two scans of one person beside the goal of that person', () => {
  for (const { shape, slices: seen, goal } of batches) {
    const size = shape[1] * shape[2]
    for (let pair = 0; pair < shape[0] / 2; pair++) {
      const [first, second] = [2 * pair, 2 * pair + 1]
      const wanted = goal[first * size] as number
      expect(goal[second * size]).toBe(wanted)
      const levels = [first, second].map((k) => (seen[k * size * 3] as number) - wanted)
      // two scanners, or a scanner and the target itself
      expect(new Set(levels).size).toBe(2)
      for (const level of levels) expect([0, 1, 2]).toContain(level)
    }
  }
})

it('hides the header of about half of the scans', () => {
  const told = batches.flatMap(({ codes }) => codes.map(([value]) => value as number))
  const share = told.reduce((sum, value) => sum + value, 0) / told.length
  // 160 draws of one half: five standard deviations
  expect(Math.abs(share - 0.5)).toBeLessThan(5 * Math.sqrt(0.25 / told.length))
})
