import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { temporaryFolder } from '../../test/fixtures/nifti.ts'
import { movingHead, uprightGrid } from '../../test/moving-head.ts'
import { ConfigError, RefusedError } from '../errors.ts'
import { readNifti } from '../formats/nifti/read.ts'
import { writeNifti } from '../formats/nifti/write.ts'
import { readTable } from '../formats/tables/table.ts'
import { IDENTITY } from '../kernels/matrix.ts'
import { rigidExp } from '../spatial/registration/rigid.ts'
import { foregroundMask } from '../volume/mask.ts'
import { sameGrid, toFloat32, type Volume, volumeOf } from '../volume/volume.ts'
import { pairsOf } from './cohort.ts'
import { loadPair } from './images.ts'
import { requireCohort } from './manifest.ts'
import { registerCohort } from './register.ts'

const folder = await temporaryFolder()
const source = join(folder, 'raw')
await mkdir(source)
const coarse = uprightGrid(5)
const fine = uprightGrid(4)
const pose = rigidExp({ angular: [0.07, -0.05, 0.06], linear: [5, -3, 4] })

async function save(name: string, volume: Volume): Promise<string> {
  await writeNifti(join(source, `${name}.nii.gz`), volume, { dtype: 'same' })
  return `${name}.nii.gz`
}
/** Image, mask and a map with labels 0, 3, 7 of one scan. */
async function scan(name: string, volume: Volume): Promise<string> {
  const mask = foregroundMask(volume)
  const labels = mask.map((inside, v) => (inside === 0 ? 0 : toFloat32(volume)[v]! > 250 ? 7 : 3))
  const files = [name, `${name}-mask`, `${name}-tissue`]
  const images = [volume, volumeOf(volume, mask), volumeOf(volume, labels)]
  const saved = await Promise.all(images.map((image, k) => save(files[k]!, image)))
  return saved.join('\t')
}
const rows = [
  'subject\tdomain\tsession\tage\timage\tmask\ttissue',
  `one two\tA/1\t1\t31\t${await scan('a', movingHead({ pose: IDENTITY, grid: coarse }))}`,
  `one two\tB\t1\t31\t${await scan('b', movingHead({ pose, grid: fine, seed: 2 }))}`,
  `one two\tC\t1\t31\t${await scan('c', movingHead({ pose: IDENTITY, grid: coarse, tissues: [0, 0, 0, 0], noise: 190 }))}`,
  `alone\tB\t1\tn/a\t${await scan('d', movingHead({ pose, grid: coarse, seed: 3 }))}`,
]
const manifest = join(source, 'cohort.tsv')
await writeFile(manifest, `${rows.join('\n')}\n`)
const out = join(folder, 'registered')
const settings = { seed: 1 }
const run = () => registerCohort(manifest, out, settings, '0')
const first = await run()

it('keeps what could be registered, says why the rest was left out, and all columns', async () => {
  const { columns, rows: kept } = await readTable(first.manifest)
  expect(columns).toEqual([
    'subject',
    'domain',
    'session',
    'image',
    'mask',
    'tissue',
    'age',
    'registration_error_mm',
  ])
  expect(kept.map((row) => [row['subject'], row['domain'], row['age']])).toEqual([
    ['one two', 'A/1', '31'],
    ['one two', 'B', '31'],
    ['alone', 'B', 'n/a'],
  ])
  expect(kept.map((row) => Number(row['registration_error_mm']) > 0)).toEqual([false, true, false])
  const report = (await readTable(join(out, 'registration.tsv'))).rows
  expect(report.map((row) => row['kept'])).toEqual(['yes', 'yes', 'no', 'yes'])
  expect(report[2]!['reason']).toMatch(/off by \d|elastix found no/)
  // The rotation vector (0.07, -0.05, 0.06) is a turn of 6.01 degrees.
  expect(Math.abs(Number(report[1]!['rotation_degrees']) - 6.01)).toBeLessThan(0.3)
  expect(Number(report[1]!['limit_mm'])).toBeCloseTo(2.5, 2)
})

it('pairs lie on one grid of the finest voxels, and show the same places', async () => {
  const cohort = await requireCohort(first.manifest)
  const [pair] = pairsOf(cohort, 'B')
  const { source: a, target: b, mask } = await loadPair(pair!)
  expect(sameGrid(a, b, 0)).toBe(true)
  expect(a.affine).toEqual((await readNifti(pair!.source.image)).volume.affine)
  expect(Math.hypot(a.affine[0]!, a.affine[4]!, a.affine[8]!)).toBeCloseTo(4, 3)
  const [x, y] = [toFloat32(a), toFloat32(b)]
  const inside = [...mask.keys()].filter((v) => mask[v] !== 0)
  const difference = inside.reduce((sum, v) => sum + Math.abs(x[v]! - y[v]!), 0) / inside.length
  const raw = [IDENTITY, pose].map((at) => toFloat32(movingHead({ pose: at, grid: fine }))) as [
    Float32Array,
    Float32Array,
  ]
  const head = [...raw[0].keys()].filter((v) => raw[0][v]! > 100)
  const before = head.reduce((sum, v) => sum + Math.abs(raw[0][v]! - raw[1][v]!), 0) / head.length
  expect(inside.length * 4 ** 3).toBeGreaterThan(1.5e6) // a head of about 2 l
  expect(difference).toBeLessThan(before / 2)
  for (const value of [...x, ...y]) if (!(value >= 0)) expect.fail(`air is ${value}`)
})

it('labels stay labels in their own type', async () => {
  const cohort = await requireCohort(first.manifest)
  for (const { mask, truth } of cohort.scans) {
    const [inside, labels] = await Promise.all([readNifti(mask!), readNifti(truth.tissue!)])
    expect([...new Set(inside.volume.data)].sort()).toEqual([0, 1])
    expect([...new Set(labels.volume.data)].sort()).toEqual([0, 3, 7])
    expect(labels.header.datatype).toBe('uint8')
  }
})

it('a scan without company is passed on unchanged', async () => {
  const { scans } = await requireCohort(first.manifest)
  const [before, after] = await Promise.all([readNifti(join(source, 'd.nii.gz')), readNifti(scans[2]!.image)])
  expect(sameGrid(before.volume, after.volume, 1e-3)).toBe(true)
  const wanted = toFloat32(before.volume)
  const error = toFloat32(after.volume).map((value, v) => Math.abs(value - wanted[v]!))
  expect(error.reduce((most, value) => Math.max(most, value), 0)).toBeLessThan(0.01)
})

it('a second run does nothing again, and mends what was lost from the same bytes', async () => {
  const image = join(out, first.subjects[1]!.folder, first.subjects[1]!.scans[0]!.files.image!.name)
  const [bytes, manifestBytes] = [await readFile(image), await readFile(first.manifest)]
  const before = (await stat(image)).mtimeMs
  expect((await run()).upToDate).toEqual(['one two', 'alone'])
  expect((await stat(image)).mtimeMs).toBe(before)
  await writeFile(image, 'damaged')
  expect((await run()).upToDate).toEqual(['one two'])
  expect(await readFile(image)).toEqual(bytes)
  expect(await readFile(first.manifest)).toEqual(manifestBytes)
})

it('refuses the folder of the inputs, a folder with something else, and a cohort of which nothing is left', async () => {
  await expect(registerCohort(manifest, source, settings, '0')).rejects.toThrow(ConfigError)
  await expect(registerCohort(manifest, folder, settings, '0')).rejects.toThrow(RefusedError)
  const strict = { seed: 1, maxErrorMm: 1e-6 }
  const nothing = join(folder, 'nothing')
  const two = join(source, 'two.tsv')
  await writeFile(two, `${[rows[0], rows[1], rows[2]].join('\n')}\n`)
  await expect(registerCohort(two, nothing, strict, '0')).rejects.toThrow(/no two scans.*registration\.tsv/)
  const reasons = (await readTable(join(nothing, 'registration.tsv'))).rows.map((row) => row['reason'])
  expect(reasons[1]).toMatch(/off by 0\.\d\d mm/)
  await expect(stat(join(nothing, 'cohort.tsv'))).rejects.toThrow(/ENOENT/)
})
