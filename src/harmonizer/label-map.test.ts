import { expect, it } from 'vitest'
import { random } from '../kernels/random.ts'
import { checkLabelMap } from './label-map.ts'

const shape = [8, 8, 8] as const
const mask = new Uint8Array(512).fill(1)

it('fails where half of the neighbours are equal, and says so', () => {
  // runs of two equal values: of the 7 neighbours in a row of 8, 4 are equal
  const x = Float32Array.from({ length: 512 }, (_, i) => Math.floor(i / 2))
  expect(checkLabelMap(x, shape, mask)).toMatchObject({
    status: 'failed',
    message: expect.stringMatching(/^57 %.*labels/),
  })
})
it('passes 8-bit images with noise, and counts only tissue', () => {
  const rng = random(1)
  const x = Float32Array.from({ length: 512 }, () => Math.round(100 + 5 * rng.normal()))
  expect(checkLabelMap(x, shape, mask).status).toBe('passed')
  const air = x.map((value, i) => (i < 448 ? 0 : value))
  const tissue = mask.map((_, i) => (i < 448 ? 0 : 1))
  expect(checkLabelMap(air, shape, tissue).status).toBe('passed')
  expect(checkLabelMap(air, shape, mask).status).toBe('failed')
})
