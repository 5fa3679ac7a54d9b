import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { foregroundMask } from '../../src/volume/mask.ts'
import { toFloat32, volumeOf } from '../../src/volume/volume.ts'
import { temporaryFolder } from '../../test/fixtures/nifti.ts'
import { head } from '../../test/head.ts'
import { BINS, DECILES, readExample, toneExample, writeExample } from './tone-examples.ts'

const folder = await temporaryFolder()
const seen = head({ noise: 0, voxel: 4 })
const image = volumeOf(seen, toFloat32(seen))
const values = toFloat32(image)
const LEVEL = Math.max(...values) / 1.5
/** Of half of the head the truth is a fifth brighter. */
const target = values.map((value, v) => (v % 2 === 0 ? 1.2 * value : value))
const mask = foregroundMask(image)
const brain = mask.map((inside, v) => (v > mask.length / 2 ? inside : 0))
const example = toneExample({ image, expected: values, target, mask, brain }, LEVEL)
const row = (part: number, bin: number): Float32Array =>
  example.table.subarray((part * BINS + bin) * (2 + DECILES), (part * BINS + bin + 1) * (2 + DECILES))

it.each([
  ['head', 0, mask],
  ['brain', 1, brain],
])('of the %s says what each bin of intensity should become', (_, part, place) => {
  let shares = 0
  let rows = 0
  for (let bin = 0; bin < BINS; bin++) {
    const [share = 0, mean = 0, ...truth] = row(part, bin)
    shares += share
    if (share === 0) continue
    rows++
    expect(truth).toHaveLength(DECILES)
    // half of the voxels of a bin at its intensity, half a fifth above
    expect(truth[1]! / mean).toBeCloseTo(1, 0)
    expect(truth[8]! / truth[1]!).toBeGreaterThan(1.15)
    expect([...truth].sort((x, y) => x - y)).toEqual(truth)
  }
  expect(rows).toBeGreaterThan(5)
  const counted = values.filter((value, v) => place[v] === 1 && value > 0).length
  // bins of a few voxels are left out
  expect(shares).toBeLessThanOrEqual(1 + 1e-5)
  expect(shares).toBeGreaterThan(1 - (BINS * 20) / counted)
})

it('is the same when it is read again, and none of another key', async () => {
  const path = join(folder, 'scan.json')
  await writeExample(path, 'mine', example)
  expect(await readExample(path, 'mine')).toEqual(example)
  expect(await readExample(path, 'yours')).toBeUndefined()
  expect(await readExample(join(folder, 'none.json'), 'mine')).toBeUndefined()
  await writeFile(path, '{"key": "mine", "feat')
  expect(await readExample(path, 'mine')).toBeUndefined()
})
