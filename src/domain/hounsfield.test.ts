import { expect, it } from 'vitest'
import { head } from '../../test/head.ts'
import { toFloat32, UNSCALED } from '../volume/volume.ts'
import { hounsfieldLike } from './hounsfield.ts'

/** Values with how often each occurs. */
const unitOf = (...parts: readonly (readonly [value: number, n: number])[]): string | undefined => {
  const data = Float32Array.from(parts.flatMap(([value, n]) => Array.from({ length: n }, () => value)))
  return hounsfieldLike({ data, scale: UNSCALED })?.unit
}

it('knows air beside soft tissue, painted borders or not', () => {
  expect(unitOf([-1000, 10], [40, 90])).toBe('HU')
  expect(unitOf([-3024, 500], [-1000, 10], [40, 90])).toBe('HU')
})

it('reads stored samples with their slope and intercept', () => {
  const data = Int16Array.from([24, 24, 1064, 1064, 1064])
  expect(hounsfieldLike({ data, scale: { slope: 1, intercept: -1024 } })?.unit).toBe('HU')
  expect(hounsfieldLike({ data, scale: UNSCALED })).toBeUndefined()
})

it('takes neither shifted MR images nor images without air or without tissue for CT', () => {
  expect(unitOf([40, 100])).toBeUndefined()
  expect(unitOf([-1000, 100])).toBeUndefined()
  expect(unitOf([-2, 50], [0, 100], [3, 50])).toBeUndefined()
  expect(unitOf([Number.NaN, 5])).toBeUndefined()
  const { data } = head()
  expect(hounsfieldLike({ data, scale: UNSCALED })).toBeUndefined()
  const shifted = toFloat32(head()).map((value) => value - 500)
  expect(hounsfieldLike({ data: shifted, scale: UNSCALED })).toBeUndefined()
})
