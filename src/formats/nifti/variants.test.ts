/** What files come in besides one NIfTI-1 file of one volume: NIfTI-2, pairs, several volumes, extensions. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import {
  type RawNifti,
  rawExtensions,
  rawNifti,
  rawPair,
  temporaryFolder,
} from '../../../test/fixtures/nifti.ts'
import { ConfigError, InputError } from '../../errors.ts'
import { sha256 } from '../../files.ts'
import { volumeOf } from '../../volume/volume.ts'
import { niftiSha256, readNifti, readNiftiHeader } from './read.ts'
import { writeNifti } from './write.ts'

const folder = await temporaryFolder()
let files = 0
const put = async (bytes: Uint8Array, name = `${files++}.nii`): Promise<string> => {
  const path = join(folder, name)
  await writeFile(path, bytes)
  return path
}
const iota = (n: number): number[] => Array.from({ length: n }, (_, i) => i)
const AFFINE = [1, 0, 0, -5, 0, 2, 0, -6, 0, 0, 3, -7, 0, 0, 0, 1]
const ORDERS = [true, false] as const

describe('NIfTI-2', () => {
  it.each(ORDERS)(
    'gives the image that NIfTI-1 gives (little-endian: %s), plain and gzipped',
    async (littleEndian) => {
      for (const code of [2, 4, 8, 16, 64, 256, 512, 768] as const) {
        const raw: RawNifti = { code, littleEndian, slope: 0.5, intercept: -3, description: 'of a phantom' }
        const one = await readNifti(await put(rawNifti(raw)))
        for (const bytes of [rawNifti({ ...raw, version: 2 }), gzipSync(rawNifti({ ...raw, version: 2 }))]) {
          const path = await put(bytes)
          const two = await readNifti(path)
          expect(two.volume).toEqual(one.volume)
          expect(two.header).toEqual(one.header)
          expect((await readNiftiHeader(path)).grid).toEqual({ shape: [2, 3, 4], affine: AFFINE })
        }
      }
    },
  )
  it('keeps places to the last bit of a double', async () => {
    const rows = [Math.PI, 0.1, 0, -5.123456789, 0, 2, 0.01, -6, 0, 0, 1 / 3, -7]
    const { volume } = await readNifti(await put(rawNifti({ version: 2, rows })))
    expect(volume.affine).toEqual([...rows, 0, 0, 0, 1])
    const quaternion = [0, 0, Math.SQRT1_2] as const
    const turned = await readNifti(
      await put(rawNifti({ version: 2, sformCode: 0, qformCode: 1, quaternion })),
    )
    for (const [k, value] of [0, -2, 0, 0, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 1].entries())
      expect(turned.volume.affine[k]).toBeCloseTo(value, 12)
  })
  it.each(ORDERS)(
    'has numbers below 0 and above 2^31 as they are (little-endian: %s)',
    async (littleEndian) => {
      const bytes = rawNifti({ version: 2, littleEndian })
      const view = new DataView(bytes.buffer, bytes.byteOffset)
      view.setBigInt64(224, -1n, littleEndian)
      view.setBigInt64(232, 3_000_000_000n, littleEndian)
      const { header } = await readNifti(await put(bytes))
      expect(header.slices).toMatchObject({ start: -1, end: 3_000_000_000 })
      const dim = (size: number): Promise<unknown> =>
        put(rawNifti({ version: 2, littleEndian, dim: [3, size, 1, 1, 1, 1, 1, 1], samples: [] })).then(
          readNifti,
        )
      await expect(dim(-2)).rejects.toThrow(/gives the size -2 x 1 x 1/)
      await expect(dim(3_000_000_000)).rejects.toThrow(/declares 5722 MiB/)
      await expect(dim(2 ** 62)).rejects.toThrow(InputError)
    },
  )
  it('is written as NIfTI-1 with all its fields', async () => {
    const raw: RawNifti = {
      version: 2,
      dim: [4, 2, 3, 4, 1, 1, 1, 1],
      pixdim: [-1, 1, 2, 3, 2.5, 0, 0, 0],
      qformCode: 1,
    }
    const input = await readNifti(await put(rawNifti(raw)))
    const path = join(folder, 'as-one.nii')
    await writeNifti(path, input.volume, { like: input.header, dtype: 'same' })
    const expected = rawNifti({ ...raw, version: 1 })
    expected[38] = 'r'.charCodeAt(0) // `regular`, a fixed mark
    expect((await readFile(path)).toString('hex')).toBe(expected.toString('hex'))
  })
  it.each<[string, RawNifti, RegExp]>([
    ['a code', { sformCode: 100_000 }, /100000/],
    ['a place', { rows: [1, 0, 0, 1e60, 0, 2, 0, 0, 0, 0, 3, 0] }, /1e\+60/],
    ['a slope, which would become 0 and so none', { slope: 1e-60 }, /1e-60/],
  ])(
    'is refused on writing where NIfTI-1 has no room for %s, and nothing is left',
    async (_, raw, message) => {
      const { volume, header } = await readNifti(await put(rawNifti({ ...raw, version: 2 })))
      const before = await readdir(folder)
      const writing = writeNifti(join(folder, 'no-room.nii'), volume, { like: header, dtype: 'same' })
      await expect(writing).rejects.toThrow(ConfigError)
      await expect(writing).rejects.toThrow(message)
      expect(await readdir(folder)).toEqual(before)
    },
  )
  it('is refused where a transfer as text damaged its mark, and where it is cut', async () => {
    const bytes = rawNifti({ version: 2 })
    await expect(readNifti(await put(bytes.subarray(0, 400)))).rejects.toThrow(
      /NIfTI-2 header alone takes 540/,
    )
    bytes.write('\n', 8, 'latin1')
    await expect(readNifti(await put(bytes))).rejects.toThrow(/not its mark/)
  })
})

describe('a pair', () => {
  const cases = [1, 2].flatMap((version) =>
    ORDERS.flatMap((littleEndian) =>
      [
        ['.hdr', '.img'],
        ['.hdr.gz', '.img.gz'],
        ['.hdr', '.img.gz'],
        ['.HDR', '.IMG'],
      ].map(([header, samples]) => ({ version: version as 1 | 2, littleEndian, header, samples })),
    ),
  )
  it.each(cases)(
    'NIfTI-$version $header $samples, little-endian $littleEndian, is read by either name',
    async ({ version, littleEndian, header = '', samples = '' }) => {
      const name = `pair-${files++}`
      const extension = rawExtensions([[6, 'a remark']], littleEndian)
      const raw = rawPair({ version, littleEndian, extension })
      const packed = (bytes: Buffer, suffix: string): Buffer =>
        suffix.endsWith('.gz') ? gzipSync(bytes) : bytes
      const [one, other] = [packed(raw.header, header), packed(raw.samples, samples)]
      const paths = [await put(one, name + header), await put(other, name + samples)]
      for (const path of paths) {
        const image = await readNifti(path)
        expect([...image.volume.data]).toEqual(iota(24))
        expect(image.volume.affine).toEqual(AFFINE)
        expect(image.header.extensions).toMatchObject([{ code: 6 }])
        expect(image.sha256).toBe(sha256(Buffer.concat([one, other])))
        expect(await niftiSha256(path)).toBe(image.sha256)
        expect((await readNiftiHeader(path)).grid.shape).toEqual([2, 3, 4])
      }
    },
  )
  it('without the four bytes behind the header, and with samples further on, is read too', async () => {
    const { header, samples } = rawPair({ voxOffset: 100 })
    await put(samples, 'short.img')
    expect([...(await readNifti(await put(header.subarray(0, 348), 'short.hdr'))).volume.data]).toEqual(
      iota(24),
    )
  })
  it('is written as one NIfTI-1 file', async () => {
    const { header, samples } = rawPair({ extension: rawExtensions([[6, 'a remark']]) })
    await put(samples, 'to-one.img')
    const image = await readNifti(await put(header, 'to-one.hdr'))
    const path = join(folder, 'from-pair.nii')
    await writeNifti(path, image.volume, { like: image.header, dtype: 'same' })
    const expected = rawNifti({ extension: rawExtensions([[6, 'a remark']]), voxOffset: 368 })
    expected[38] = 'r'.charCodeAt(0)
    expect((await readFile(path)).toString('hex')).toBe(expected.toString('hex'))
  })
  it('is refused where a half is missing, is too short, or holds endless zeros', async () => {
    const { header, samples } = rawPair()
    const alone = await put(header, 'alone.hdr')
    await expect(readNifti(alone)).rejects.toThrow(/samples are not beside it/)
    await expect(readNiftiHeader(alone)).rejects.toThrow(InputError)
    await expect(readNifti(await put(header, 'renamed.nii'))).rejects.toThrow(/samples are not beside it/)
    await expect(readNifti(await put(samples, 'orphan.img'))).rejects.toThrow(
      /not a NIfTI file|NIfTI-1 header/,
    )
    await put(samples.subarray(0, 40), 'cut.img')
    await expect(readNifti(await put(header, 'cut.hdr'))).rejects.toThrow(/take 48 bytes .* holds 40/)
    await put(samples, 'bomb.img')
    const bomb = gzipSync(Buffer.concat([header, Buffer.alloc(2 ** 26)]))
    await expect(readNifti(await put(bomb, 'bomb.hdr.gz'))).rejects.toThrow(/more than 64 MiB/)
  })
})

describe('several volumes', () => {
  const dim = [5, 2, 3, 4, 3, 2, 1, 1]
  const raw: RawNifti = { dim, samples: iota(144), code: 16 }
  const pair = rawPair(raw)
  const forms: readonly (readonly [string, Uint8Array])[] = [
    ['four.nii', rawNifti(raw)],
    ['four.nii.gz', gzipSync(rawNifti(raw))],
    ['four-2.nii.gz', gzipSync(rawNifti({ ...raw, version: 2, littleEndian: false }))],
    ['four.hdr', pair.header],
    [
      'members.nii.gz',
      Buffer.concat([rawNifti(raw).subarray(0, 500), rawNifti(raw).subarray(500)].map((b) => gzipSync(b))),
    ],
  ]
  it.each(forms)('%s: the chosen one, and the hash of the whole file', async (name, bytes) => {
    await put(pair.samples, 'four.img')
    const path = await put(bytes, name)
    for (const volume of [0, 1, 5]) {
      const image = await readNifti(path, { volume })
      expect([...image.volume.data]).toEqual(iota(24).map((value) => value + 24 * volume))
      expect(image.header.dim).toEqual([3, 2, 3, 4, 1, 1, 1, 1])
      expect(image.sha256).toBe(await niftiSha256(path))
      expect((await readNiftiHeader(path, { volume })).grid.shape).toEqual([2, 3, 4])
    }
  })
  it('are as many as the sizes beyond the third say; extensions before them are kept', async () => {
    const extension = rawExtensions([[6, 'a remark']])
    const path = await put(gzipSync(rawNifti({ ...raw, extension, voxOffset: 368 })), 'extended.nii.gz')
    const { volume, header } = await readNifti(path, { volume: 4 })
    expect(volume.data[0]).toBe(96)
    expect(header.extensions).toMatchObject([{ code: 6 }])
  })
  it('are refused without a choice and with a wrong one, which the message names', async () => {
    const path = await put(rawNifti(raw))
    await expect(readNifti(path)).rejects.toThrow(
      /2 x 3 x 4 x 3 x 2 holds 6 volumes.*\n.*from 0 to 5.*--volume/,
    )
    for (const volume of [6, -1, 0.5, Number.NaN]) {
      await expect(readNifti(path, { volume })).rejects.toThrow(ConfigError)
      await expect(readNifti(path, { volume })).rejects.toThrow(`no volume ${volume}`)
    }
    const single = await put(rawNifti())
    expect((await readNifti(single, { volume: 0 })).volume.shape).toEqual([2, 3, 4])
    await expect(readNifti(single, { volume: 1 })).rejects.toThrow(/leave the choice out/)
  })
  it('are refused where the file is cut, damaged, or holds more than it says', async () => {
    const bytes = rawNifti(raw)
    const read = async (content: Uint8Array): Promise<unknown> => readNifti(await put(content), { volume: 0 })
    await expect(read(bytes.subarray(0, 700))).rejects.toThrow(/take 928 bytes .* holds 700/)
    await expect(read(gzipSync(bytes.subarray(0, 700)))).rejects.toThrow(/take 928 bytes .* holds 700/)
    await expect(read(gzipSync(Buffer.concat([bytes, Buffer.alloc(2 ** 26)])))).rejects.toThrow(/cannot hold/)
    await expect(read(gzipSync(bytes).subarray(0, -20))).rejects.toThrow(/gzip data is incomplete/)
  })
})

describe('extensions', () => {
  const blocks = [
    [2, 'DICOM stands here'],
    [4, ''],
    [6, 'a remark of exactly forty bytes in all!!'],
  ] as const
  const offset = 348 + rawExtensions(blocks).length
  it.each(ORDERS)(
    'go from input to output, all of them, in order (little-endian: %s)',
    async (littleEndian) => {
      const raw: RawNifti = {
        voxOffset: offset,
        littleEndian,
        extension: rawExtensions(blocks, littleEndian),
      }
      const image = await readNifti(await put(rawNifti(raw)))
      expect(image.header.extensions.map(({ code }) => code)).toEqual([2, 4, 6])
      const path = join(folder, 'extended-out.nii.gz')
      await writeNifti(path, image.volume, { like: image.header, dtype: 'same' })
      const expected = rawNifti({ voxOffset: offset, extension: rawExtensions(blocks) })
      expected[38] = 'r'.charCodeAt(0)
      expect(gunzipSync(await readFile(path)).toString('hex')).toBe(expected.toString('hex'))
      expect((await readNifti(path)).header.extensions).toEqual(image.header.extensions)
    },
  )
  it('of a length that is no multiple of 16 are filled up', async () => {
    const { volume, header } = await readNifti(await put(rawNifti()))
    const data = Uint8Array.of(1, 2, 3)
    const path = join(folder, 'filled.nii')
    await writeNifti(path, volumeOf(volume, volume.data), {
      like: { ...header, extensions: [{ code: 6, data }] },
    })
    const back = await readNifti(path)
    expect(back.header.extensions).toEqual([{ code: 6, data: Uint8Array.of(1, 2, 3, 0, 0, 0, 0, 0) }])
    expect([...back.volume.data]).toEqual(iota(24))
  })
  it.each<[string, readonly number[]]>([
    ['negative', [0xf0, 0xff, 0xff, 0xff]],
    ['of 0', [0, 0, 0, 0]],
    ['beyond the samples', [0, 1, 0, 0]],
  ])('behind one whose size is %s are left out; the image is read', async (_, size) => {
    const good = rawExtensions([[6, 'good']])
    const extension = [...good, ...size, 6, 0, 0, 0, ...Array<number>(8).fill(0)]
    const image = await readNifti(await put(rawNifti({ extension, voxOffset: 384 })))
    expect(image.header.extensions).toMatchObject([{ code: 6 }])
    expect([...image.volume.data]).toEqual(iota(24))
  })
})
