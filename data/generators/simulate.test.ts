import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { sha256File } from '../../src/files.ts'
import { readNifti } from '../../src/formats/nifti/read.ts'
import { sameGrid } from '../../src/volume/volume.ts'
import { tissueIndex } from './labels.ts'
import type { SimulationOptions } from './options.ts'
import { type SimulationSummary, simulateCohort } from './simulate.ts'

const options: SimulationOptions = {
  subjects: 2,
  scanners: 3,
  seed: 11,
  voxelMm: 4,
  rescans: 1,
  rescannedSubjects: 1,
  lesions: [2, 4],
  anatomies: ['synthseg-03', 'mni152'],
}
let folder = ''
let summary: SimulationSummary
let rows: Record<string, string>[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attune-simulate-'))
  summary = await simulateCohort(join(folder, 'a'), options)
  const [header = '', ...lines] = (await readFile(summary.manifest, 'utf8')).trim().split('\n')
  const names = header.split('\t')
  rows = lines.map((line) => Object.fromEntries(line.split('\t').map((value, i) => [names[i] ?? '', value])))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const image = async (path: string) => (await readNifti(join(folder, 'a', path))).volume
async function hashes(root: string): Promise<Record<string, string>> {
  const files = (await readdir(root, { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  )
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).sort()
  return Object.fromEntries(
    await Promise.all(paths.map(async (path) => [path.slice(root.length), await sha256File(path)] as const)),
  )
}

it('writes one BIDS-named row per scan, with truth and family', () => {
  expect(rows).toHaveLength(2 * 3 + 3)
  expect(rows[1]).toEqual({
    subject: 'sub-01',
    domain: 'scanner-A',
    session: 'A2',
    image: 'sub-01/ses-A2/anat/sub-01_ses-A2_T1w.nii.gz',
    tissue: 'derivatives/truth/sub-01/anat/sub-01_desc-tissue_dseg.nii.gz',
    lesions: 'derivatives/truth/sub-01/anat/sub-01_desc-lesions_dseg.nii.gz',
    family: 'synthseg-03',
  })
  expect(rows.at(-1)?.['family']).toBe('mni152')
})
it('all scans and maps of a subject share one grid; scans are int16', async () => {
  const own = rows.filter((row) => row['subject'] === 'sub-01')
  const volumes = await Promise.all(
    own.flatMap((row) => [row['image'] ?? '', row['tissue'] ?? '', row['lesions'] ?? '']).map(image),
  )
  for (const volume of volumes) expect(sameGrid(volume, volumes[0]!)).toBe(true)
  expect(volumes[0]?.data).toBeInstanceOf(Int16Array)
})
it('lesions are darker than the white matter within 8 mm on every scanner', async () => {
  for (const row of rows) {
    const paths = [row['image'] ?? '', row['tissue'] ?? '', row['lesions'] ?? '']
    const [scan, tissue, lesions] = await Promise.all(paths.map(image))
    const [nx, ny] = scan!.shape
    const inLesion: number[] = []
    const around: number[] = []
    for (const [v, label] of Array.from(lesions!.data).entries()) {
      if (label === 0) continue
      inLesion.push(scan!.data[v]!)
      for (let d = 0; d < 125; d++) {
        const near = v + (d % 5) - 2 + nx * ((Math.floor(d / 5) % 5) - 2 + ny * (Math.floor(d / 25) - 2))
        if (tissue!.data[near] === tissueIndex('white-matter')) around.push(scan!.data[near]!)
      }
    }
    const mean = (x: readonly number[]): number => x.reduce((sum, v) => sum + v, 0) / x.length
    expect(inLesion.length).toBeGreaterThan(3)
    expect(mean(inLesion)).toBeLessThan(0.97 * mean(around))
  }
})
it('a rescan repeats the image up to noise and repositioning', async () => {
  const [first, second] = await Promise.all(
    ['A1', 'A2'].map((s) => image(`sub-01/ses-${s}/anat/sub-01_ses-${s}_T1w.nii.gz`)),
  )
  const [a, b] = [Array.from(first!.data), Array.from(second!.data)]
  const total = a.reduce((sum, v) => sum + v, 0)
  const difference = a.reduce((sum, v, i) => sum + Math.abs(v - b[i]!), 0) / total
  expect(difference).toBeGreaterThan(0.01)
  expect(difference).toBeLessThan(0.15)
})
it('same seed, same bytes', async () => {
  await simulateCohort(join(folder, 'b'), options)
  expect(await hashes(join(folder, 'b'))).toEqual(await hashes(join(folder, 'a')))
})
it('an anatomy seed changes heads and keeps scanners; a scanner seed does the reverse', async () => {
  const one = { ...options, subjects: 1, scanners: 2, rescans: 0 }
  const a = await simulateCohort(join(folder, 'c'), { ...one, anatomySeed: 12 })
  expect(a.scanners).toEqual(summary.scanners.slice(0, 2))
  expect(a.subjects[0]?.lesions).not.toEqual(summary.subjects[0]?.lesions)
  const b = await simulateCohort(join(folder, 'd'), { ...one, scannerSeed: 12 })
  expect(b.subjects[0]).toEqual(summary.subjects[0])
  expect(b.scanners[1]?.sequence).not.toEqual(summary.scanners[1]?.sequence)
  const truth = 'derivatives/truth/sub-01/anat/sub-01_desc-tissue_dseg.nii.gz'
  expect(await sha256File(join(folder, 'd', truth))).toBe(await sha256File(join(folder, 'a', truth)))
})
it('refuses to write into a folder of something else, and to replace its own unasked', async () => {
  await expect(simulateCohort(join(folder, 'a'), options)).rejects.toThrow(
    /already holds a simulated dataset/,
  )
  await writeFile(join(folder, 'note.txt'), 'mine')
  await expect(simulateCohort(folder, { ...options, overwrite: true })).rejects.toThrow(/not empty/)
})
it('refuses options out of range by name', async () => {
  const at = join(folder, 'e')
  await expect(simulateCohort(at, { ...options, voxelMm: 0.2 })).rejects.toThrow(/voxelMm is 0.2/)
  await expect(simulateCohort(at, { ...options, lesions: 99 })).rejects.toThrow(/lesions is 99/)
  await expect(simulateCohort(at, { ...options, subjects: 0 })).rejects.toThrow(/subjects is 0/)
})

it('leaves out nothing but the noise: of noisy images the rest has no mean, and the standard deviation that the scanner states', async () => {
  const few = { ...options, subjects: 1, scanners: 2, lesions: 0, rescannedSubjects: 0 }
  const { scanners } = await simulateCohort(join(folder, 'noisy'), few)
  await simulateCohort(join(folder, 'clean'), { ...few, noiseless: true })
  const parameters = JSON.parse(
    await readFile(join(folder, 'clean', 'derivatives/truth/code/parameters.json'), 'utf8'),
  )
  expect(parameters.options).toMatchObject({ noiseless: true })
  for (const [index, letter] of ['A', 'B'].entries()) {
    const path = `sub-01/ses-${letter}1/anat/sub-01_ses-${letter}1_T1w.nii.gz`
    const [noisy, clean] = await Promise.all(
      ['noisy', 'clean'].map(async (root) => (await readNifti(join(folder, root, path))).volume.data),
    )
    const { whiteLevel, snr, responseExponent } = scanners[index] as (typeof scanners)[number]
    const noise = (whiteLevel * parameters.scans[index].gain) / snr
    // where Rician noise is nearly normal, and without bias to speak of
    const bright = [...(clean ?? []).keys()].filter((v) => (clean?.[v] as number) > 10 * noise)
    const rest = bright.map((v) => (noisy?.[v] as number) - (clean?.[v] as number))
    const mean = rest.reduce((sum, x) => sum + x, 0) / rest.length
    const sd = Math.sqrt(rest.reduce((sum, x) => sum + (x - mean) ** 2, 0) / rest.length)
    expect(rest.length).toBeGreaterThan(1000)
    expect(Math.abs(mean)).toBeLessThan(0.1 * noise)
    // another exponent than 1 stretches the noise with the image
    if (responseExponent === 1) expect(sd / noise).toBeCloseTo(1, 1)
    else expect(sd).toBeGreaterThan(0.5 * noise)
  }
})
