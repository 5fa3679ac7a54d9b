import { join } from 'node:path'
import { expect, it } from 'vitest'
import { temporaryFolder } from '../../test/fixtures/nifti.ts'
import { writeNifti } from '../formats/nifti/write.ts'
import type { Affine, Vector3 } from '../kernels/matrix.ts'
import { transformPoint } from '../kernels/matrix.ts'
import { type Grid, type Shape, volumeOf } from '../volume/volume.ts'
import type { Scan } from './cohort.ts'
import { loadPair, loadScan } from './images.ts'

const folder = await temporaryFolder()
const scale = (size: number, shift: Vector3): Affine => [
  size,
  0,
  0,
  shift[0],
  0,
  size,
  0,
  shift[1],
  0,
  0,
  size,
  shift[2],
  0,
  0,
  0,
  1,
]
/** A ball of radius 20 mm at the origin whose intensity rises along x, in still air. */
const ball = (p: Vector3): number => (Math.hypot(...p) < 20 ? 100 + p[0] : 0)
const whole = (): number => 1
let files = 0
const write = async (grid: Grid, f: (p: Vector3) => number): Promise<string> => {
  const [nx, ny, nz] = grid.shape
  const data = Float32Array.from({ length: nx * ny * nz }, (_, v) =>
    f(transformPoint(grid.affine, [v % nx, Math.floor(v / nx) % ny, Math.floor(v / nx / ny)])),
  )
  const path = join(folder, `${files++}.nii`)
  await writeNifti(path, volumeOf(grid, data))
  return path
}
const scan = (image: string, mask?: string): Scan => ({
  subject: '01',
  domain: 'a',
  session: '1',
  image,
  truth: {},
  covariates: {},
  ...(mask !== undefined && { mask }),
})
const pairOf = (source: Scan, target: Scan) => ({ subject: '01', source, target })
const cube = (n: number, size: number, shift: Vector3): Grid => ({
  shape: [n, n, n] as Shape,
  affine: scale(size, shift),
})
const coarse = cube(24, 2, [-24, -24, -24])

it('loadScan takes the mask given, or finds the foreground', async () => {
  const image = await write(coarse, ball)
  const half = await write(coarse, ([x]) => (x < 0 ? 0.5 : 0))
  const given = await loadScan(scan(image, half))
  expect(given.maskSource).toBe('given')
  expect(given.mask.reduce((a, b) => a + b, 0)).toBe(24 ** 3 / 2)
  const found = await loadScan(scan(image))
  expect(found.maskSource).toBe('foreground')
  const litres = (found.mask.reduce((a, b) => a + b, 0) * 8) / 1e6
  // 4/3 pi 20^3 mm3 are 0.0335 litres, 2 mm more or less of radius 0.024 to 0.045.
  expect(litres).toBeGreaterThan(0.024)
  expect(litres).toBeLessThan(0.045)
})
it('refuses a mask on another grid and one that selects nothing', async () => {
  const image = await write(coarse, ball)
  await expect(loadScan(scan(image, await write(cube(24, 2, [0, 0, 0]), whole)))).rejects.toThrow(
    /different places/,
  )
  await expect(loadScan(scan(image, await write(coarse, () => 0)))).rejects.toThrow(/selects no voxel/)
})
it('loadPair leaves a target on the same grid as it is, and takes what both masks select', async () => {
  const image = await write(coarse, ball)
  const left = await write(coarse, ([x]) => Number(x < 4))
  const right = await write(coarse, ([x]) => Number(x > -4))
  const { source, target, mask } = await loadPair(pairOf(scan(image, left), scan(image, right)))
  expect(target.data).toEqual(source.data)
  expect(target.history).toEqual([])
  expect(mask.reduce((a, b) => a + b, 0)).toBe(3 * 24 * 24) // x = -2, 0, 2
})
it("loadPair counts only the source's region; the mask of a scan stays the body", async () => {
  const image = await write(coarse, ball)
  const body = await write(coarse, ([x]) => Number(x < 4))
  const region = await write(coarse, ([, y]) => Number(y > 15))
  const source = { ...scan(image, body), region }
  const { mask } = await loadPair(pairOf(source, scan(image, body)))
  expect(mask.reduce((a, b) => a + b, 0)).toBe(14 * 4 * 24) // x = -24 ... 2, y = 16 ... 22
  expect((await loadScan(source)).mask).toEqual((await loadScan(scan(image, body))).mask)
  await expect(loadPair(pairOf({ ...source, region: await write(coarse, () => 0) }, source))).rejects.toThrow(
    /selects no voxel/,
  )
})
it('loadPair brings the target to the same places, within both fields of view', async () => {
  const ramp = ([x, y, z]: Vector3): number => 500 + x - 2 * y + 3 * z
  const fine = cube(30, 1, [-10.5, -10.5, -10.5]) // -10.5 ... 18.5 mm
  const [a, b] = [await write(coarse, ramp), await write(fine, ramp)]
  const [maskA, maskB] = [await write(coarse, whole), await write(fine, ([, , z]) => Number(z < 5))]
  const { source, target, mask } = await loadPair(pairOf(scan(a, maskA), scan(b, maskB)))
  expect(target.shape).toEqual(source.shape)
  let inside = 0
  for (const [v, selected] of mask.entries()) {
    if (selected === 0) continue
    inside++
    expect(target.data[v]).toBeCloseTo(source.data[v]!, 2)
  }
  // Source voxels at -10, -8 ... 18 along x and y, at -10 ... 4 along z.
  expect(inside).toBe(15 * 15 * 8)
  expect([...target.data].every(Number.isFinite)).toBe(true)
  expect(target.history.map(({ op }) => op)).toEqual(['resample'])
})
