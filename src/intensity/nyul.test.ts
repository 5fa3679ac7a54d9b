import { expect, it } from 'vitest'
import { evaluateCurve } from '../kernels/monotone.ts'
import {
  applyNyul,
  landmarkCurve,
  measureLandmarks,
  type NyulModel,
  PERCENTILES,
  poolLandmarks,
} from './nyul.ts'

const all = (n: number): Uint8Array => new Uint8Array(n).fill(1)
/** 0..100: the percentile p is p. */
const ramp = Float32Array.from({ length: 101 }, (_, i) => i)
const scale: NyulModel = { kind: 'nyul', percentiles: [10, 50, 90], landmarks: [100, 300, 400] }

it('maps landmarks to the scale and between them in straight lines; beyond to (0, 0), and with the mean slope', () => {
  const out = applyNyul(scale, ramp, all(101))
  expect([0, 5, 10, 30, 50, 70, 90, 98].map((value) => out[value])).toEqual([
    0, 50, 100, 200, 300, 350, 400, 430,
  ])
})

it('goes on with the mean slope below where intensities are not positive', () => {
  const curve = landmarkCurve(scale, { landmarks: [-40, 0, 40] })
  expect(evaluateCurve(curve, -80)).toBe(100 - (40 * 300) / 80)
})

it('takes the mean of the standard where landmarks of an image coincide', () => {
  const curve = landmarkCurve(scale, { landmarks: [10, 50, 50] })
  expect(evaluateCurve(curve, 50)).toBe(350)
})

it('stretches people to a common range before it averages, whatever their gain', () => {
  const one = measureLandmarks(ramp, all(101))
  const louder = measureLandmarks(
    ramp.map((v) => 3 * v),
    all(101),
  )
  const pooled = poolLandmarks([
    { ...one, weight: 1 },
    { ...louder, weight: 1 },
  ])
  for (const [k, p] of PERCENTILES.entries()) expect(pooled.landmarks[k]).toBeCloseTo(2 * p, 10)
})

it('weighs people equally, however often one was scanned', () => {
  const [one, two] = [{ landmarks: [0, 5, 10] }, { landmarks: [10, 15, 30] }]
  const twice = poolLandmarks([one, one, two].map((image, i) => ({ ...image, weight: i < 2 ? 0.5 : 1 })))
  expect(twice.landmarks[0]).toBe(5)
})

it('refuses an image that is one value but for a few voxels', () => {
  const x = new Float32Array(1000).fill(7)
  x[0] = 9
  expect(() => measureLandmarks(x, all(1000))).toThrow(/1 and 99 .* both 7/)
})
