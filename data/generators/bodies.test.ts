import { expect, it } from 'vitest'
import { random } from '../../src/kernels/random.ts'
import { coresOf } from '../../src/metrics/regions.ts'
import type { Grid } from '../../src/volume/volume.ts'
import { voxelSize } from '../../src/volume/volume.ts'
import { BODY_TISSUES, drawBody, paintBody } from './bodies.ts'
import { CT_SCANNERS, PET_SCANNERS, scanBody } from './body-scanners.ts'
import { bodyGrid } from './simulate-bodies.ts'

const whole = bodyGrid(4)
const grid: Grid = { ...whole, shape: [whole.shape[0], whole.shape[1], 10] }
const body = (unit: 'HU' | 'SUVbw') => paintBody(drawBody(random(2, 'body')), grid, unit)

/** Mean and SD of each tissue away from its borders. */
function moments(
  x: Float32Array,
  labels: Uint8Array,
): Readonly<Record<string, { mean: number; sd: number }>> {
  const cores = coresOf(labels, grid.shape, voxelSize(grid), 12)
  return Object.fromEntries(
    ['muscle', 'liver'].map((name) => {
      const own = x.filter((_, i) => cores[i] === BODY_TISSUES.indexOf(name as 'liver'))
      const mean = own.reduce((sum, value) => sum + value, 0) / own.length
      return [
        name,
        { mean, sd: Math.sqrt(own.reduce((sum, value) => sum + (value - mean) ** 2, 0) / own.length) },
      ]
    }),
  )
}

it('the same seed draws the same body, another another one', () => {
  const once = body('HU').values
  expect(body('HU').values).toEqual(once)
  expect(paintBody(drawBody(random(3, 'body')), grid, 'HU').values).not.toEqual(once)
})

it.each(CT_SCANNERS)('$domain shows tissues at their HU, with its noise', (scanner) => {
  const { values, labels } = body('HU')
  const { liver, muscle } = moments(scanBody(values, grid, scanner, random(1, scanner.domain)), labels)
  // 60 and 50 HU; some hundred voxels of correlated noise leave a few HU
  expect(Math.abs(liver!.mean - 60)).toBeLessThan(5)
  expect(Math.abs(muscle!.mean - 50)).toBeLessThan(5)
  expect(liver!.sd).toBeGreaterThan(0.5 * scanner.noiseHu)
  expect(liver!.sd).toBeLessThan(1.2 * scanner.noiseHu)
})

it.each(PET_SCANNERS)('$domain keeps the activity, and has noise in proportion to it', (scanner) => {
  const { values, labels } = body('SUVbw')
  const image = scanBody(values, grid, scanner, random(1, scanner.domain))
  const { liver, muscle } = moments(image, labels)
  expect(Math.abs(liver!.mean / 2.2 - 1)).toBeLessThan(0.1)
  expect(Math.abs(liver!.sd / liver!.mean / scanner.noise - 1)).toBeLessThan(0.3)
  expect(Math.abs(muscle!.mean / 0.7 - 1)).toBeLessThan(0.1)
  expect(image.every((value) => value >= 0)).toBe(true)
})
