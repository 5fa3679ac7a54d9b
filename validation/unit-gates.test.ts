import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { UnitResult } from '../src/evidence/evidence.ts'
import { writeNifti } from '../src/formats/nifti/write.ts'
import { type Grid, volumeOf } from '../src/volume/volume.ts'
import { temporaryFolder } from '../test/fixtures/nifti.ts'
import { unitGates } from './unit-gates.ts'
import { unitResult } from './unit-scores.ts'

/** 40 x 40 x 8 voxels of 3 mm: left half one tissue, right half another. */
const grid: Grid = { shape: [40, 40, 8], affine: [3, 0, 0, 0, 0, 3, 0, 0, 0, 0, 3, 0, 0, 0, 0, 1] }
const count = 40 * 40 * 8
const halves = (left: number, right: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => (i % 40 < 20 ? left : right))
const folder = await temporaryFolder()
const tissue = join(folder, 'tissue.nii')
await writeNifti(tissue, volumeOf(grid, Uint8Array.from(halves(1, 2))))
const scan = (domain: string) => ({
  ...{ subject: 'p', domain, session: '1', image: 'p.nii', covariates: {} },
  truth: { tissue },
})
const pair = { subject: 'p', source: scan('a'), target: scan('t') }
const mask = new Uint8Array(count).fill(1)
const measure = (unit: 'HU' | 'SUVbw', source: Float32Array, after: Float32Array): Promise<UnitResult> =>
  unitResult(unit, pair, { grid, ownMask: mask, source }, after)
const status = (results: readonly UnitResult[]): Readonly<Record<string, string>> =>
  Object.fromEntries(unitGates(results).map((gate) => [gate.id, gate.status]))

it('a CT may move by 2 HU in its tissues, by nothing in its air', async () => {
  const ct = halves(-1000, 60)
  expect(status([await measure('HU', ct, halves(-1000, 61.9))])).toEqual({
    regions: 'pass',
    extremes: 'pass',
  })
  expect(status([await measure('HU', ct, halves(-1000, 62.1))])).toMatchObject({ regions: 'fail' })
  const air = await measure('HU', ct, halves(-1000.5, 60))
  expect(status([air])).toEqual({ regions: 'pass', extremes: 'fail' })
  expect(air.extremes).toEqual({ voxels: count / 2, changed: count / 2 })
  expect(air.regions.map(({ name }) => name)).toEqual(['air', 'soft tissue'])
})

it('does not count what lies near a border, where kernels differ by right', async () => {
  const ct = halves(-100, 60)
  // the columns beside the border, 1.5 to 7.5 mm from it
  const sharper = ct.map((value, i) => (i % 40 > 16 && i % 40 < 23 ? value + 30 : value))
  expect(status([await measure('HU', ct, sharper)])).toMatchObject({ regions: 'pass' })
})

it('a PET may move by 2 % in its regions and by 0.5 % in sum, and not at all above 40', async () => {
  const pet = halves(1, 3)
  expect(status([await measure('SUVbw', pet, halves(1.01, 2.99))])).toMatchObject({
    regions: 'pass',
    activity: 'pass',
    extremes: 'not-evaluated',
  })
  expect(status([await measure('SUVbw', pet, halves(1.03, 2.97))])).toMatchObject({
    regions: 'fail',
    activity: 'pass',
  })
  expect(status([await measure('SUVbw', pet, halves(1.015, 3.02))])).toMatchObject({
    regions: 'pass',
    activity: 'fail',
  })
  const hot = halves(1, 41)
  expect(status([await measure('SUVbw', hot, halves(1, 41.01))])).toMatchObject({ extremes: 'fail' })
  const { suv } = await measure('SUVbw', pet, halves(1, 3.3))
  expect(suv?.max.after).toBeCloseTo(3.3, 5)
  expect(suv?.peak).toMatchObject({ before: expect.closeTo(3, 5), after: expect.closeTo(3.3, 5) })
})

it('names the worst scan, and what could not be judged', async () => {
  const good = await measure('HU', halves(-1000, 60), halves(-1000, 60))
  const bad = { ...(await measure('HU', halves(-1000, 60), halves(-1000, 55))), domain: 'b' }
  expect(unitGates([good, bad])[0]?.finding).toMatch(
    /At most 5\.00 HU \(soft tissue; p, b\); 4 means of air, soft tissue/,
  )
  expect(unitGates([{ ...good, unit: 'SUVbw', regions: [] }])[0]).toMatchObject({
    status: 'not-evaluated',
    finding: expect.stringMatching(/no tissue map/),
  })
  expect(unitGates([])).toEqual([])
})
