import { expect, it } from 'vitest'
import { readLattice } from '../../src/inference/reading.ts'
import { resample } from '../../src/spatial/resample.ts'
import { awkwardHeads } from '../../test/local-tone-volumes.ts'
import { latticeGrid } from './lattice-subjects.ts'

it.each(awkwardHeads().map((head) => [head.name, head] as const))(
  'reads at the points where apply reads: %s',
  (_, { volume, mask }) => {
    const expected = readLattice(volume, mask).image
    const found = resample(volume, latticeGrid(volume, mask), 'linear').data
    const size = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
    let [compared, worst] = [0, 0]
    for (let i = 0; i < expected.length; i++) {
      // at the border one counts what lies outside as 0 and interpolates, the other does not
      if (found[i] === 0) continue
      compared++
      worst = Math.max(worst, Math.abs(found[i]! - expected[i]!))
    }
    expect(compared).toBeGreaterThan(10_000)
    expect(worst / size).toBeLessThan(1e-4)
  },
)
