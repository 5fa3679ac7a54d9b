import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { rawExtensions, rawNifti, rawPair, temporaryFolder } from '../../../test/fixtures/nifti.ts'
import { sha256 } from '../../files.ts'
import { appendedNifti } from './appended.ts'
import { rangedImage, readValuesInto, unpacked } from './ranges.ts'
import { readNifti } from './read.ts'

const folder = await temporaryFolder()
let files = 0
const place = (suffix: string): string => join(folder, `${files++}${suffix}`)
const samples = Array.from({ length: 60 }, (_, k) => k * k - 300)

it.each([
  ['int16 with a scale', { code: 4, slope: 0.5, intercept: 3 }, samples.map((s) => 0.5 * s + 3)],
  ['big-endian float64', { code: 64, littleEndian: false }, samples],
  ['NIfTI-2 float32', { version: 2, code: 16 }, samples],
] as const)('%s: any range gives the values that the whole file has', async (_, raw, values) => {
  const path = place('.nii')
  await writeFile(path, rawNifti({ ...raw, dim: [3, 3, 4, 5, 1, 1, 1, 1], samples }))
  const plain = await rangedImage(path)
  const packed = place('.nii.gz')
  await writeFile(packed, gzipSync(await readFile(path)))
  const out = await unpacked(await rangedImage(packed), place('.raw'))
  for (const image of [plain, out])
    fc.assert(
      fc.property(fc.nat(60), fc.nat(60), (a, b) => {
        const [start, end] = [Math.min(a, b), Math.max(a, b)]
        const found = new Float64Array(end - start)
        readValuesInto(found, image, start)
        expect([...found]).toEqual(values.slice(start, end))
      }),
      { numRuns: 30 },
    )
})
it.each(['.nii', '.nii.gz'])('parts of any length make the file that one part makes: %s', async (suffix) => {
  const source = place('.nii')
  await writeFile(
    source,
    rawNifti({
      code: 64,
      dim: [3, 20, 30, 100, 1, 1, 1, 1],
      samples: Array.from({ length: 60_000 }, Math.sin),
    }),
  )
  const { header, volume } = await readNifti(source)
  const values = Float64Array.from(volume.data)
  const contents: string[] = []
  for (const length of [values.length, 20_000, 777]) {
    const path = place(suffix)
    const file = await appendedNifti(path, header, 'float64', suffix.endsWith('gz'))
    for (let at = 0; at < values.length; at += length) await file.append(values.subarray(at, at + length))
    await file.end()
    const bytes = await readFile(path)
    contents.push(sha256(suffix.endsWith('gz') ? gunzipSync(bytes) : bytes))
    expect(sha256(Buffer.from(Float64Array.from((await readNifti(path)).volume.data).buffer))).toBe(
      sha256(Buffer.from(values.buffer)),
    )
  }
  expect(contents[1]).toBe(contents[0])
  expect(contents[2]).toBe(contents[0])
})
it('extensions of any length stay with an image, packed or not', async () => {
  const path = place('.nii')
  const raw = rawNifti({
    code: 16,
    dim: [3, 3, 4, 5, 1, 1, 1, 1],
    samples,
    extension: rawExtensions([[6, 'x'.repeat(400)]]),
    voxOffset: 768,
  })
  await writeFile(path, raw)
  const packed = place('.nii.gz')
  await writeFile(packed, gzipSync(raw))
  const plain = await rangedImage(path)
  expect(plain.header.extensions.map(({ code }) => code)).toEqual([6])
  expect((await unpacked(await rangedImage(packed), place('.raw'))).header).toEqual(plain.header)
})
it('refuses half of a pair, and gzip data of another length than the header says', async () => {
  const pair = rawPair({ samples: [1] })
  const half = place('.hdr')
  await writeFile(half, pair.header)
  await expect(rangedImage(half)).rejects.toThrow(/pair.*Convert/s)
  const long = place('.nii.gz')
  await writeFile(
    long,
    gzipSync(
      Buffer.concat([rawNifti({ code: 16, dim: [3, 3, 4, 5, 1, 1, 1, 1], samples }), Buffer.alloc(4)]),
    ),
  )
  const image = await rangedImage(long)
  await expect(unpacked(image, place('.raw'))).rejects.toThrow(/by the header/)
})
