import { expect, it } from 'vitest'
import { volumeOf } from '../../src/volume/volume.ts'
import { tissueIndex } from './labels.ts'
import type { TissueMap } from './sampling.ts'
import { brainMask, defacedMask, tissueMask, VARIANTS, variantOf } from './variants.ts'

/** A brain of 30 mm radius inside a shell of skin from 36 to 40 mm, 2 mm voxels. */
const n = 45
const at = (v: number): number[] =>
  [v % n, Math.floor(v / n) % n, Math.floor(v / n ** 2)].map((p) => 2 * (p - 22))
const tissue: number[] = []
const start = new Uint32Array(n ** 3 + 1)
for (let v = 0; v < n ** 3; v++) {
  start[v] = tissue.length
  const r = Math.hypot(...at(v))
  if (r < 30) tissue.push(tissueIndex('white-matter'))
  else if (r > 36 && r < 40) tissue.push(tissueIndex('skin'))
}
start[n ** 3] = tissue.length
const map: TissueMap = {
  shape: [n, n, n],
  affine: [2, 0, 0, -44, 0, 2, 0, -44, 0, 0, 2, -44, 0, 0, 0, 1],
  start,
  tissue: Uint8Array.from(tissue),
  fraction: new Float32Array(tissue.length).fill(1),
  lesions: new Uint8Array(n ** 3),
  extentMm: [90, 90, 90],
}
const image = volumeOf(map, new Int16Array(n ** 3).fill(7))

it('skull-stripped keeps the brain and nothing of the skin', () => {
  const brain = brainMask(map)
  for (let v = 0; v < n ** 3; v++) {
    const r = Math.hypot(...at(v))
    if (r > 31) expect(brain[v]).toBe(0)
    if (r < 27) expect(brain[v]).toBe(1)
  }
})
it('zero-background has exactly 0 where there is no tissue and the image elsewhere', () => {
  const { data } = variantOf(image, map, 'zero-background')
  for (let v = 0; v < n ** 3; v++) expect(data[v]).toBe(start[v + 1]! > start[v]! ? 7 : 0)
})
it('defaced takes nothing of the brain, and what lies far in front and below', () => {
  const keep = defacedMask(map)
  for (let v = 0; v < n ** 3; v++) {
    const [, y, z] = at(v) as [number, number, number]
    const forward = (y - z) / Math.SQRT2
    if (Math.hypot(...at(v)) < 30) expect(keep[v]).toBe(1)
    if (forward > 43) expect(keep[v]).toBe(0)
    if (forward < 38) expect(keep[v]).toBe(1)
  }
})
it('variants keep dtype and grid; whole is the image itself', () => {
  for (const variant of VARIANTS) expect(variantOf(image, map, variant).data).toBeInstanceOf(Int16Array)
  expect(variantOf(image, map, 'whole')).toBe(image)
  expect(tissueMask(map).reduce((sum, v) => sum + v, 0)).toBe(tissue.length)
})
