import { describe, expect, it } from 'vitest'
import { gaussianSmooth } from '../kernels/gaussian.ts'
import { random } from '../kernels/random.ts'
import { type Shape, toFloat32, type Volume, volumeOf } from '../volume/volume.ts'
import { type AtrophyTest, atrophyTest } from './atrophy.ts'
import { atrophyKept } from './gates.ts'

const n = 56
const shape: Shape = [n, n, n]
const grid = { shape, affine: [2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1] }
const radius = (i: number, x: number, y: number, z: number): number =>
  Math.hypot((i % n) - x, (Math.floor(i / n) % n) - y, Math.floor(i / n ** 2) - z)
const mask = Uint8Array.from({ length: n ** 3 }, (_, i) => (radius(i, 27, 28, 28) < 25 ? 1 : 0))
/** White matter (3) with a ventricle (1) of 11.5 ml in the middle, and fluid (1) at the surface. */
const labels = mask.map((inside, i) =>
  inside === 0 ? 0 : radius(i, 27, 28, 28) > 22 || radius(i, 27, 28, 28) < 7 ? 1 : 3,
)
const rng = random(3, 'atrophy')
/** As sharp as a scanner makes it, with noise. */
const clean = gaussianSmooth(
  Float32Array.from(labels, (label) => (label === 0 ? 0 : label === 1 ? 60 : 200)),
  shape,
  [0.8, 0.8, 0.8],
)
const scan = volumeOf(
  grid,
  clean.map((value) => value + 6 * rng.normal()),
)
const test = atrophyTest(scan, labels, mask) as AtrophyTest
const keptBy = (apply: (x: Float32Array, visit: Volume) => Float32Array): readonly number[] =>
  test.trials.map(({ earlier, later, kept }) => {
    const output = (visit: Volume): Float32Array => apply(toFloat32(visit), visit)
    return kept(output(earlier), output(later), output(scan))
  })

/** Evens out a coil: a gain from 1/4 to 4 over the image. */
const evened = (x: Float32Array): Float32Array => x.map((value, i) => value * 4 ** (((i % n) / n) * 2 - 1))

describe('a small loss of volume', () => {
  it('is 1 of what one mapping shows where that varies over space, whatever one curve would show', () => {
    for (const { earlier, later, kept } of test.trials) {
      const [from, to] = [evened(toFloat32(earlier)), evened(toFloat32(later))] as const
      expect(kept(from, to, evened(toFloat32(scan)), [from, to])).toBeCloseTo(1, 9)
      expect(Math.abs(kept(from, to, evened(toFloat32(scan))) - 1)).toBeGreaterThan(0.01)
      const half = to.map((value, i) => (value + from[i]!) / 2)
      expect(kept(from, half, evened(toFloat32(scan)), [from, to])).toBeCloseTo(0.5, 6)
    }
  })

  it('is put into the ventricle, not into what lies at the surface', () => {
    expect(test.tissue).toBe(1)
    // 4/3 pi 14^3 mm3, less what voxels at the border lack
    expect(test.regionMl).toBeGreaterThan(10.5)
    expect(test.regionMl).toBeLessThan(11.6)
    expect(test.trials.map(({ percent }) => percent)).toEqual([1, 5])
  })

  it('changes the fluid that the image shows by as much', () => {
    const [, trial] = test.trials
    const fluid = ({ data }: Volume): number =>
      Array.from(data).reduce(
        (sum, value, i) => sum + (radius(i, 27, 28, 28) < 14 ? (200 - value) / 140 : 0),
        0,
      )
    const ml = 0.008 * (fluid(trial!.earlier) - fluid(trial!.later))
    expect(Math.abs(ml / (0.05 * test.regionMl) - 1)).toBeLessThan(0.05)
  })

  it.each<[string, (x: Float32Array) => Float32Array, number]>([
    ['nothing', (x) => x, 1],
    ['a gain and an offset', (x) => x.map((v) => 3 * v + 100), 1],
    ['a curve', (x) => x.map((v) => 2 * Math.sqrt(300 * Math.max(0, v))), 1],
    ['reversed contrast', (x) => x.map((v) => 300 - v), 1],
    ['an output that knows only the scan as it came', () => toFloat32(scan), 0],
    ['half of that', (x) => x.map((v, i) => 0.5 * v + 0.5 * (scan.data[i] as number)), 0.5],
    ['an exaggeration', (x) => x.map((v, i) => 1.3 * v - 0.3 * (scan.data[i] as number)), 1.3],
  ])('after %s', (_, apply, expected) => {
    for (const kept of keptBy(apply)) expect(Math.abs(kept - expected)).toBeLessThan(0.05)
  })

  it('is not taken for kept where a new gain for each visit hides it', () => {
    let visits = 0
    const kept = keptBy(() => {
      const gain = 1 + 0.01 * visits++
      return toFloat32(scan).map((v) => v * gain)
    })
    expect(kept.some(atrophyKept)).toBe(false)
  })

  it('is not tried where no tissue has a region deep and large enough', () => {
    const thin = labels.map((label, i) => (radius(i, 27, 28, 28) < 7 ? 3 : label))
    expect(
      atrophyTest(
        scan,
        thin.map((label) => (label === 3 ? 0 : label)),
        mask,
      ),
    ).toBeUndefined()
  })
})
