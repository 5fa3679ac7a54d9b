/** Images as nibabel reads them, where ATTUNE_PYTHON names an interpreter that has it: every image of ATTUNE_DATA, and forms that are rare there. */
import { execFile } from 'node:child_process'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { sha256 } from '../../src/files.ts'
import { readNifti } from '../../src/formats/nifti/read.ts'
import { writeNifti } from '../../src/formats/nifti/write.ts'
import { packageFile } from '../../src/package-root.ts'
import { toFloat32 } from '../../src/volume/volume.ts'
import { dataFolder } from '../fixtures/data.ts'
import { type RawNifti, rawExtensions, rawNifti, rawPair, temporaryFolder } from '../fixtures/nifti.ts'

const python = process.env['ATTUNE_PYTHON']
const reason = 'ATTUNE_PYTHON is not set: name an interpreter that has nibabel and numpy'
if (python === undefined) process.stdout.write(`${reason}\n`)

const folder = await temporaryFolder()

interface Case {
  readonly path: string
  readonly volume?: number
}

/** Values equal to float32 rounding, affines to 1e-6 mm. */
async function compare(cases: readonly Case[]): Promise<void> {
  const list = join(folder, 'cases.json')
  await writeFile(list, JSON.stringify(cases))
  const { stdout } = await promisify(execFile)(
    python as string,
    [packageFile('test/python/read_nifti.py'), list],
    { maxBuffer: 2 ** 26 },
  )
  const theirs = JSON.parse(stdout) as {
    readonly shape: readonly number[]
    readonly affine: readonly number[] | null
    readonly sha256: string
  }[]
  for (const [k, { path, volume }] of cases.entries()) {
    const image = (await readNifti(path, { volume })).volume
    const { shape, affine, sha256: hash } = theirs[k]!
    expect(image.shape, path).toEqual(shape)
    // nibabel guesses a place where the file names none; attune takes the axes as stored.
    for (const [entry, value] of (affine ?? image.affine).entries())
      expect(Math.abs(image.affine[entry]! - value), `${path}: affine ${entry}`).toBeLessThanOrEqual(1e-6)
    const values = toFloat32(image).map((value) => (Number.isNaN(value) ? Number.NaN : value + 0))
    expect(sha256(new Uint8Array(values.buffer)), path).toBe(hash)
  }
}

it('every image of ATTUNE_DATA is what nibabel reads', async ({ skip }) => {
  if (python === undefined) return skip(reason)
  if (dataFolder === undefined) return skip('ATTUNE_DATA is not set')
  const names = (await readdir(dataFolder, { recursive: true }))
    .filter((name) => /\.nii(\.gz)?$/.test(name))
    .sort()
  expect(names.length).toBeGreaterThan(100)
  await compare(names.map((name) => ({ path: join(dataFolder as string, name) })))
}, 1_200_000)

describe('forms that are rare there', () => {
  const FORMS: readonly RawNifti[] = [1, 2].flatMap((version) =>
    [true, false].flatMap((littleEndian) =>
      ([2, 4, 8, 16, 64, 256, 512, 768] as const).map((code) => ({
        version: version as 1 | 2,
        littleEndian,
        code,
        slope: 0.37,
        intercept: -2.5,
        qformCode: 1,
        sformCode: code === 4 ? 0 : 2,
        quaternion: [0.1, -0.2, 0.3] as const,
        offset: [10.5, -20.25, 30] as const,
        pixdim: [-1, 0.9, 1.1, 2.5, 2, 0, 0, 0],
        extension: rawExtensions([[6, 'a remark']], littleEndian),
        voxOffset: (version === 1 ? 348 : 540) + 4 + 16,
        dim: [4, 2, 3, 4, 3, 1, 1, 1],
        samples: Array.from({ length: 72 }, (_, i) => i),
      })),
    ),
  )
  it('NIfTI-1 and -2, either byte order, single files and pairs, plain and gzipped, any volume', async ({
    skip,
  }) => {
    if (python === undefined) return skip(reason)
    const cases: Case[] = []
    for (const [k, form] of FORMS.entries()) {
      const single = rawNifti(form)
      const { header, samples } = rawPair({ ...form, voxOffset: 0 })
      const write = (name: string, bytes: Uint8Array): Promise<void> => writeFile(join(folder, name), bytes)
      await write(`${k}.nii`, single)
      await write(`${k}.nii.gz`, gzipSync(single))
      await write(`${k}.hdr`, header)
      await write(`${k}.img`, samples)
      for (const name of [`${k}.nii`, `${k}.nii.gz`, `${k}.hdr`, `${k}.img`])
        cases.push({ path: join(folder, name), volume: k % 3 })
    }
    await compare(cases)
  })
  it('what attune writes of them', async ({ skip }) => {
    if (python === undefined) return skip(reason)
    const cases: Case[] = []
    for (const [k, form] of FORMS.entries()) {
      const path = join(folder, `of-${k}.nii`)
      await writeFile(path, rawNifti(form))
      const { volume, header } = await readNifti(path, { volume: 1 })
      const written = join(folder, `written-${k}.nii${k % 2 ? '.gz' : ''}`)
      await writeNifti(written, volume, { like: header, dtype: k % 3 ? 'same' : 'float32' })
      cases.push({ path: written })
    }
    await compare(cases)
  })
})
