import { expect, it } from 'vitest'
import type { Shape } from '../volume/volume.ts'
import { lesionContrast, lesionPlaces } from './lesion-contrast.ts'

const shape: Shape = [40, 40, 40]
const size = 40 ** 3
const mask = new Uint8Array(size).fill(1)
const voxelMm = [1, 1, 1] as const
const distance = (i: number, [a, b, c]: readonly [number, number, number]): number =>
  Math.hypot((i % 40) - a, (Math.floor(i / 40) % 40) - b, Math.floor(i / 1600) - c)
const ball = (center: readonly [number, number, number], radius: number, label = 1): Float32Array =>
  Float32Array.from({ length: size }, (_, i) => (distance(i, center) <= radius ? label : 0))

it('measures inside minus around: a lesion of 150 in tissue of 100 has contrast 50, -50 when dark', () => {
  const lesions = ball([20, 20, 20], 4)
  const { places } = lesionPlaces({ shape, voxelMm, lesions, mask })
  expect(places).toHaveLength(1)
  expect(places[0]!.measured).toBe('eroded')
  expect(
    lesionContrast(
      lesions.map((v) => 100 + 50 * v),
      places[0]!,
    ),
  ).toBe(50)
  expect(
    lesionContrast(
      lesions.map((v) => 100 - 50 * v),
      places[0]!,
    ),
  ).toBe(-50)
})

it('takes a shell from 2 to 6 mm, by brute force', () => {
  const lesions = ball([20, 20, 20], 2.4)
  const inside = [...lesions.keys()].filter((i) => lesions[i] === 1)
  const at = (i: number): [number, number, number] => [i % 40, Math.floor(i / 40) % 40, Math.floor(i / 1600)]
  const expected = [...lesions.keys()].filter((i) => {
    const nearest = Math.min(...inside.map((j) => distance(i, at(j))))
    return nearest >= 2 && nearest <= 6
  })
  const { places } = lesionPlaces({ shape, voxelMm, lesions, mask })
  expect([...places[0]!.shell]).toEqual(expected)
})

it('keeps the shell in the tissue that is most frequent there, away from other lesions', () => {
  const lesions = ball([20, 20, 20], 4).map((v, i) => v || (distance(i, [28, 20, 20]) <= 2.5 ? 2 : 0))
  const tissue = Float32Array.from({ length: size }, (_, i) => (i % 40 < 18 ? 1 : 2))
  const { places } = lesionPlaces({ shape, voxelMm, lesions, tissue, mask })
  const { shell } = places[0]!
  expect([...shell].every((i) => tissue[i] === 2)).toBe(true)
  expect([...shell].every((i) => distance(i, [28, 20, 20]) > 2.5 + 1)).toBe(true)
})

it('leaves out lesions of 50 mm3 or less, and takes the core where erosion leaves nothing', () => {
  const small = ball([20, 20, 20], 2)
  expect(lesionPlaces({ shape, voxelMm, lesions: small, mask }).places).toHaveLength(0)
  const sheet = Float32Array.from({ length: size }, (_, i) => {
    const [x, y, z] = [i % 40, Math.floor(i / 40) % 40, Math.floor(i / 1600)]
    return z === 20 && x >= 15 && x < 25 && y >= 15 && y < 25 ? 1 : 0
  })
  const { places } = lesionPlaces({ shape, voxelMm, lesions: sheet, mask })
  expect(places[0]!.measured).toBe('core')
  expect(places[0]!.volumeMm3).toBe(100)
  expect(
    lesionContrast(
      sheet.map((v) => 10 + 5 * v),
      places[0]!,
    ),
  ).toBeCloseTo(5, 9)
})

it('counts lesions without tissue around them instead of dropping them silently', () => {
  const lesions = ball([20, 20, 20], 4)
  const only = Uint8Array.from(lesions)
  expect(lesionPlaces({ shape, voxelMm, lesions, mask: only })).toEqual({ places: [], unmeasured: 1 })
})
