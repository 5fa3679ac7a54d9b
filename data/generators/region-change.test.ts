import { expect, it } from 'vitest'
import type { Individual } from './anatomy.ts'
import { displacementAt } from './deformation.ts'
import { CHANGE_TOLERANCE, changeRegions, isRegionName } from './region-change.ts'

/** White matter in a cube of fluid, with a ball of hippocampus of 14 mm radius in its centre; 1 mm voxels. */
const n = 96
const radius = (i: number): number =>
  Math.hypot(...[i % n, Math.floor(i / n) % n, Math.floor(i / n ** 2)].map((p) => p + 0.5 - n / 2))
const labels = Uint8Array.from({ length: n ** 3 }, (_, i) => {
  const r = radius(i)
  return r < 14 ? 17 : r < 22 ? 24 : r < 42 ? 2 : 24
})
const nodes = 33
const head = {
  anatomy: { name: 'synthseg-01', shape: [n, n, n], labels },
  linear: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  flow: {
    shape: [nodes, nodes, nodes],
    spacingMm: 4,
    along: [0, 1, 2].map(() => new Float32Array(nodes ** 3)),
  },
  smallestJacobian: 1,
} as unknown as Individual

it.each([-20, 15])('a ball changes by %i %% in volume, and its radius by the cube root', (percent) => {
  const { individual, measured } = changeRegions(head, [{ region: 'hippocampus', percent }])
  const tolerance = Math.max(CHANGE_TOLERANCE.absolute, CHANGE_TOLERANCE.relative * Math.abs(percent))
  expect(measured[0]!.beforeMl / ((4 / 3) * Math.PI * 1.4 ** 3)).toBeCloseTo(1, 2)
  expect(Math.abs(measured[0]!.measuredPercent - percent)).toBeLessThan(tolerance)
  expect(individual.smallestJacobian).toBeGreaterThan(0)
  // the new border goes back to the old one
  const border = 14 * Math.cbrt(1 + percent / 100)
  for (const direction of [0, 1, 2]) {
    const point = [0, 0, 0]
    point[direction] = border
    const [u] = [displacementAt(individual.flow, point as unknown as readonly [number, number, number])]
    expect(Math.abs(border + u[direction as 0 | 1 | 2] - 14)).toBeLessThan(0.3)
  }
})
it('a ball of tissue given by its centre changes as asked', () => {
  const region = { centreMm: [0, 0, 0], radiusMm: 10 } as const
  const { measured } = changeRegions(head, [{ region, percent: -15 }])
  expect(Math.abs(measured[0]!.measuredPercent + 15)).toBeLessThan(0.35)
})
it('no change leaves the head as it is', () => {
  expect(changeRegions(head, []).individual).toBe(head)
})
it('refuses a region that the anatomy does not have, by name, and knows its regions', () => {
  expect(() => changeRegions(head, [{ region: 'thalamus', percent: -5 }])).toThrow(
    /synthseg-01 has no thalamus/,
  )
  expect(isRegionName('ventricles')).toBe(true)
  expect(isRegionName('liver')).toBe(false)
})
