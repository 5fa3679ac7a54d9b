import { describe, expect, it } from 'vitest'
import { densityOf, peakOf, scottBandwidth } from './density.ts'
import { type Histogram, histogramOf } from './histogram.ts'
import { random } from './random.ts'

const counted = (x: Float32Array): Histogram => histogramOf(x, new Uint8Array(x.length).fill(1))

/** Normal tissues: mean, SD, number of voxels. */
function tissues(...parts: readonly (readonly [mean: number, sd: number, n: number])[]): Float32Array {
  const rng = random(5)
  return Float32Array.from(
    parts.flatMap(([mean, sd, n]) => Array.from({ length: n }, () => mean + sd * rng.normal())),
  )
}

it('is the sum of Gaussians at the values, as the definition has it', () => {
  const x = Float32Array.of(10, 11, 11, 17, 30)
  const bandwidth = 1.5
  const { low, step, values } = densityOf(counted(x), bandwidth)
  const exact = values.map((_, i) =>
    x.reduce((sum, v) => sum + Math.exp(-0.5 * ((low + i * step - v) / bandwidth) ** 2), 0),
  )
  for (const [i, value] of values.entries()) expect(Math.abs(value - exact[i]!)).toBeLessThan(0.005)
})

it("follows Scott's rule: SD 2, n = 8: 2 * 8^(-1/5)", () => {
  expect(scottBandwidth(counted(Float32Array.of(2, 4, 4, 4, 5, 5, 7, 9)))).toBeCloseTo(2 * 8 ** -0.2, 12)
})

describe('peaks', () => {
  const x = tissues([100, 10, 6000], [300, 20, 20_000], [450, 15, 12_000])
  const density = densityOf(counted(x), 5)

  it('are found from the dark end, from the bright end, and by height', () => {
    expect(Math.abs(peakOf(density, 'first') - 100)).toBeLessThan(2)
    expect(Math.abs(peakOf(density, 'last') - 450)).toBeLessThan(2)
    expect(Math.abs(peakOf(density, 'largest') - 300)).toBeLessThan(6)
  })

  it('are refined between grid points: a symmetric triple peaks in its middle', () => {
    expect(peakOf(densityOf(counted(Float32Array.of(3.3, 4.4, 4.4, 5.5)), 2), 'largest')).toBeCloseTo(4.4, 3)
  })

  it('of a rarity (below a fifth of the highest) and of chance do not count', () => {
    const rare = tissues([300, 20, 20_000], [450, 15, 12_000], [700, 15, 900])
    expect(Math.abs(peakOf(densityOf(counted(rare), 5), 'last') - 450)).toBeLessThan(2)
    // One tissue, so narrow a kernel that its density is rough: any of its chance peaks would do, the last would not.
    const rough = densityOf(counted(tissues([450, 40, 60_000])), 2)
    expect(Math.abs(peakOf(rough, 'last') - 450)).toBeLessThan(20)
  })
})
