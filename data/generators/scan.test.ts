import { expect, it } from 'vitest'
import { random } from '../../src/kernels/random.ts'
import type { Shape } from '../../src/volume/volume.ts'
import { distanceTo } from './distance.ts'
import { fieldRowInto, receiveField, transmitField } from './fields.ts'
import { tissueIndex } from './labels.ts'
import type { TissueMap } from './sampling.ts'
import { scan, signalTables } from './scan.ts'
import { drawScanner, type Scanner, scannerLetter } from './scanner.ts'
import { signal } from './signal.ts'
import { relaxation, type TissueName } from './tissues.ts'

/** Voxels of 2 mm, each full of one tissue or of air. */
function mapOf(shape: Shape, at: (x: number, y: number, z: number) => TissueName | undefined): TissueMap {
  const voxels = shape[0] * shape[1] * shape[2]
  const start = new Uint32Array(voxels + 1)
  const tissue: number[] = []
  for (let v = 0; v < voxels; v++) {
    start[v] = tissue.length
    const name = at(v % shape[0], Math.floor(v / shape[0]) % shape[1], Math.floor(v / (shape[0] * shape[1])))
    if (name) tissue.push(tissueIndex(name))
  }
  start[voxels] = tissue.length
  const [x, y, z] = shape.map((n) => -(n - 1)) as [number, number, number]
  return {
    shape,
    affine: [2, 0, 0, x, 0, 2, 0, y, 0, 0, 2, z, 0, 0, 0, 1],
    start,
    tissue: Uint8Array.from(tissue),
    fraction: new Float32Array(tissue.length).fill(1),
    lesions: new Uint8Array(voxels),
    extentMm: shape.map((n) => 2 * n) as unknown as Shape,
  }
}
const even = (map: TissueMap) => {
  const ones = new Float32Array(map.lesions.length).fill(1)
  return { t1: ones, density: ones }
}
const still = { offset: [0, 0, 0], gain: 1, flipCalibration: 1 } as const
const base = drawScanner(random(1), 0, { voxelMm: 2, contrast: 'T1w' })
const ideal: Scanner = {
  ...base,
  whiteLevel: 10_000,
  responseExponent: 1,
  snr: 1e6,
  psfFwhmMm: [0, 0, 0],
  coil: { ...base.coil, shading: 1 },
  transmit: { centre: 1, excess: 0, tilt: [0, 0, 0] },
}
const mean = (x: ArrayLike<number>, f: (v: number) => number = (v) => v): number =>
  Array.from(x).reduce((sum, v) => sum + f(v), 0) / x.length

it('air holds Rayleigh noise: mean s sqrt(pi / 2), mean square 2 s^2', () => {
  const air = mapOf([40, 40, 40], () => undefined)
  const { data } = scan(air, even(air), { ...ideal, snr: 20 }, still, random(5))
  expect(mean(data) / (500 * Math.sqrt(Math.PI / 2))).toBeCloseTo(1, 1.7)
  expect(mean(data, (v) => v * v) / (2 * 500 ** 2)).toBeCloseTo(1, 1.5)
})
it('tissue holds Rician noise: mean square A^2 + 2 s^2, and A is the level of white matter', () => {
  const white = mapOf([40, 40, 40], () => 'white-matter')
  const { data } = scan(white, even(white), { ...ideal, snr: 20 }, still, random(6))
  expect(mean(data, (v) => v * v) / (10_000 ** 2 + 2 * 500 ** 2)).toBeCloseTo(1, 2)
  const sd = Math.sqrt(mean(data, (v) => v * v) - mean(data) ** 2)
  expect(sd / 500).toBeCloseTo(1, 1.5)
})
it('a point is spread to the stated FWHM along each axis', () => {
  const point = mapOf([25, 25, 25], (x, y, z) =>
    x === 12 && y === 12 && z === 12 ? 'white-matter' : undefined,
  )
  const psfFwhmMm = [4, 6, 5] as const
  const { data } = scan(
    point,
    even(point),
    { ...ideal, whiteLevel: 2e5, snr: 1e9, psfFwhmMm },
    still,
    random(7),
  )
  const total = mean(data)
  for (const [axis, fwhm] of psfFwhmMm.entries()) {
    const stride = [1, 25, 625][axis]!
    const variance = mean(Array.from(data, (v, i) => v * ((Math.floor(i / stride) % 25) - 12) ** 2)) / total
    expect((2.3548 * 2 * Math.sqrt(variance)) / fwhm).toBeCloseTo(1, 1.5)
  }
})
it('a response exponent bends the scale and keeps white matter and the order', () => {
  const halves = mapOf([20, 20, 20], (x) => (x < 10 ? 'white-matter' : 'grey-matter'))
  const linear = scan(halves, even(halves), ideal, still, random(8)).data
  const bent = scan(halves, even(halves), { ...ideal, responseExponent: 1.1 }, still, random(8)).data
  expect(bent[0]! / linear[0]!).toBeCloseTo(1, 2)
  expect(bent[15]! / 10_000).toBeCloseTo((linear[15]! / 10_000) ** 1.1, 3)
})
it('signalTables agree with the signal equation between their nodes', () => {
  const look = signalTables(base)
  for (const [b1, factor] of [
    [0.87, 1.013],
    [1.173, 0.94],
  ] as const) {
    const tissue = relaxation('grey-matter', base.fieldTesla)
    const exact = signal({ ...tissue, t1Ms: tissue.t1Ms * factor }, base.sequence, b1)
    expect(look(tissueIndex('grey-matter'), b1, factor) / exact).toBeCloseTo(1, 2.5)
  }
})
it('coil shading has the stated 95 / 5 ratio in the head and brightens its border; B1+ brightens its centre', () => {
  const radius = (x: number, y: number, z: number): number =>
    Math.hypot((x - 40) / 35, (y - 48) / 44, (z - 45) / 40)
  const head = mapOf([81, 97, 91], (x, y, z) => (radius(x, y, z) < 1 ? 'white-matter' : undefined))
  const inside = Uint8Array.from(head.lesions, (_, v) => head.start[v + 1]! - head.start[v]!)
  const receive = receiveField(head, inside, { ...base.coil, shading: 1.5 }, [0, 0, 0])
  const transmit = transmitField(head, { centre: 1.15, excess: 0.3, tilt: [0, 0, 0] }, [0, 0, 0], 1)
  const values: number[] = []
  const row = new Float32Array(81)
  for (let z = 0; z < 91; z++)
    for (let y = 0; y < 97; y++) {
      fieldRowInto(row, receive, y, z)
      for (let x = 0; x < 81; x++) if (radius(x, y, z) < 1) values.push(row[x]!)
    }
  values.sort((a, b) => a - b)
  const at = (q: number): number => values[Math.floor(q * (values.length - 1))]!
  expect(at(0.95) / at(0.05)).toBeCloseTo(1.5, 1)
  fieldRowInto(row, receive, 48, 45)
  expect(row[40]!).toBeLessThan(Math.min(row[8]!, row[72]!))
  fieldRowInto(row, transmit, 48, 45)
  expect(row[40]!).toBeCloseTo(1.15, 2)
  expect(row[2]!).toBeLessThan(0.95)
})
it('distanceTo equals the brute-force distance', () => {
  const shape = [7, 6, 5] as const
  const stream = random(9)
  const set = Array.from({ length: 210 }, () => stream.uniform() < 0.04)
  const place = (i: number): number[] => [i % 7, Math.floor(i / 7) % 6, Math.floor(i / 42)]
  const found = distanceTo((i) => set[i]!, shape)
  for (let i = 0; i < 210; i++) {
    const distances = set.flatMap((is, j) =>
      is ? [Math.hypot(...place(i).map((p, axis) => p - place(j)[axis]!))] : [],
    )
    expect(found[i]).toBeCloseTo(Math.min(...distances), 5)
  }
})
it('names scanners A to Z, then AA', () => {
  expect([0, 25, 26, 27, 52].map(scannerLetter)).toEqual(['A', 'Z', 'AA', 'AB', 'BA'])
})
