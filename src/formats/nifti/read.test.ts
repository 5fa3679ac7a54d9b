import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { type RawNifti, rawNifti, temporaryFolder } from '../../../test/fixtures/nifti.ts'
import { sha256 } from '../../files.ts'
import { transformPoint } from '../../kernels/matrix.ts'
import { toFloat32 } from '../../volume/volume.ts'
import { readNifti, readNiftiHeader } from './read.ts'

const folder = await temporaryFolder()
let files = 0
const stored = async (bytes: Uint8Array, name = `${files++}.nii`) => {
  const path = join(folder, name)
  await writeFile(path, bytes)
  return path
}
const read = async (raw: RawNifti) => readNifti(await stored(rawNifti(raw)))

const TYPES = [
  [2, Uint8Array, [0, 1, 127, 255]],
  [256, Int8Array, [-128, -1, 0, 127]],
  [4, Int16Array, [-32768, -2, 258, 32767]],
  [512, Uint16Array, [0, 1, 258, 65535]],
  [8, Int32Array, [-2147483648, 1, 16909060, 2147483647]],
  [768, Uint32Array, [0, 1, 16909060, 4294967295]],
  [16, Float32Array, [-1.5, 0, 3.25, 2 ** 100]],
  [64, Float64Array, [-1.5, 0, Math.PI, 1e300]],
] as const

describe('samples', () => {
  it.each(TYPES)(
    'of datatype %i keep their type in either byte order, plain and gzipped',
    async (code, type, values) => {
      for (const littleEndian of [true, false])
        for (const gzip of [true, false]) {
          const bytes = rawNifti({ code, samples: values, dim: [3, 4, 1, 1, 1, 1, 1, 1], littleEndian })
          const { volume, header } = await readNifti(await stored(gzip ? gzipSync(bytes) : bytes))
          expect(volume.data).toBeInstanceOf(type)
          expect([...volume.data]).toEqual([...values])
          expect(volume.shape).toEqual([4, 1, 1])
          expect(header.dim).toEqual([3, 4, 1, 1, 1, 1, 1, 1])
        }
    },
  )
  it('are found behind extensions, wherever they start, even ones of negative length', async () => {
    const extension = [1, 0, 0, 0, 0xf0, 0xff, 0xff, 0xff, 4, 0, 0, 0]
    for (const voxOffset of [352, 368, 385]) {
      const { volume } = await read({ voxOffset, extension: voxOffset === 352 ? [] : extension, code: 64 })
      expect([...volume.data]).toEqual(Array.from({ length: 24 }, (_, i) => i))
    }
  })
  it('are read through several gzip members', async () => {
    const bytes = rawNifti()
    const members = Buffer.concat([gzipSync(bytes.subarray(0, 360)), gzipSync(bytes.subarray(360))])
    expect([...(await readNifti(await stored(members))).volume.data]).toEqual(
      Array.from({ length: 24 }, (_, i) => i),
    )
  })
  it('take slope and intercept; slope 0, NaN and infinity mean none', async () => {
    const scaled = (await read({ slope: 0.5, intercept: -3 })).volume
    expect([...toFloat32(scaled)].slice(0, 3)).toEqual([-3, -2.5, -2])
    for (const slope of [0, Number.NaN, Number.POSITIVE_INFINITY])
      expect((await read({ slope, intercept: 7 })).volume.scale).toEqual({ slope: 1, intercept: 0 })
  })
})

it('looks at the content, not at the name, and hashes the file as stored', async () => {
  const bytes = gzipSync(rawNifti())
  const image = await readNifti(await stored(bytes, 'image.with.no.known.suffix'))
  expect(image.volume.shape).toEqual([2, 3, 4])
  expect(image.sha256).toBe(sha256(bytes))
})

it('reads a header alone even when what follows is damaged', async () => {
  const bytes = gzipSync(rawNifti({ dim: [3, 40, 40, 40, 1, 1, 1, 1] }), { level: 1 })
  bytes.fill(0xff, bytes.length - 200)
  const path = await stored(bytes)
  expect((await readNiftiHeader(path)).grid.shape).toEqual([40, 40, 40])
  await expect(readNifti(path)).rejects.toThrow(/gzip data is incomplete or damaged/)
})

it('takes a fourth dimension of one volume', async () => {
  expect((await read({ dim: [4, 2, 3, 4, 1, 1, 1, 1] })).volume.shape).toEqual([2, 3, 4])
  expect((await read({ dim: [2, 6, 4, 9, 9, 1, 1, 1], samples: Array(24).fill(0) })).volume.shape).toEqual([
    6, 4, 1,
  ])
})

describe('placement', () => {
  const quaternion = [0, 0, Math.SQRT1_2] as const // a quarter turn about z: i runs along +y, j along -x
  const offset = [10, 20, 30] as const
  it('sform wins over qform, whatever the codes', async () => {
    for (const [sformCode, qformCode] of [
      [1, 1],
      [1, 4],
      [4, 1],
    ] as const) {
      const { volume } = await read({ sformCode, qformCode, quaternion, offset })
      expect(volume.affine).toEqual([1, 0, 0, -5, 0, 2, 0, -6, 0, 0, 3, -7, 0, 0, 0, 1])
    }
  })
  it('qform counts where there is no sform; qfac turns the third axis', async () => {
    for (const qfac of [1, -1, 0]) {
      const raw = { sformCode: 0, qformCode: 1, quaternion, offset, pixdim: [qfac, 1, 2, 3, 0, 0, 0, 0] }
      const { volume } = await read(raw)
      const [x, y, z] = transformPoint(volume.affine, [1, 1, 1])
      expect(x).toBeCloseTo(10 - 2, 5)
      expect(y).toBeCloseTo(20 + 1, 5)
      expect(z).toBeCloseTo(30 + (qfac < 0 ? -3 : 3), 5)
    }
  })
  it('a half turn survives a quaternion rounded to just above length 1', async () => {
    const { volume } = await read({ sformCode: 0, qformCode: 1, quaternion: [0, 0, 1.00001] })
    expect(volume.affine.slice(0, 3).map((v) => Math.round(v * 1e6) / 1e6)).toEqual([-1, 0, 0])
  })
  it('voxel sizes alone stand where both codes are 0', async () => {
    const { volume } = await read({ sformCode: 0, qformCode: 0, offset })
    expect(volume.affine).toEqual([1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 3, 0, 0, 0, 0, 1])
  })
  it('is in mm whatever the unit of the file', async () => {
    const rows = [0.001, 0, 0, 0.01, 0, 0.002, 0, 0, 0, 0, 0.003, 0]
    const { volume } = await read({ units: 1 | 8, rows })
    for (const [k, value] of [1, 0, 0, 10, 0, 2, 0, 0, 0, 0, 3, 0, 0, 0, 0, 1].entries())
      expect(volume.affine[k]).toBeCloseTo(value, 5)
  })
})
