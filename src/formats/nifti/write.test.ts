import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { NIFTI1 } from 'nifti-reader-js'
import { describe, expect, it } from 'vitest'
import { rawNifti, temporaryFolder } from '../../../test/fixtures/nifti.ts'
import { ConfigError, MissingError } from '../../errors.ts'
import { writeFileAtomic } from '../../files.ts'
import { type Affine, IDENTITY, multiply } from '../../kernels/matrix.ts'
import { random } from '../../kernels/random.ts'
import { type Samples, toFloat32, type Volume, volumeOf } from '../../volume/volume.ts'
import { readNifti } from './read.ts'
import { writeNifti } from './write.ts'

const folder = await temporaryFolder()
const path = join(folder, 'out.nii.gz')
const plain = join(folder, 'out.nii')
const iota = (n: number): Float32Array => Float32Array.from({ length: n }, (_, i) => i)
const volume = (data: Samples, affine: Affine = IDENTITY, scale = { slope: 1, intercept: 0 }): Volume =>
  volumeOf({ shape: [data.length, 1, 1], affine }, data, { scale })

/** All 48 ways to store a grid along the world axes, turned by up to 30 degrees, with any voxel size. */
const affines = fc
  .record({
    order: fc.constantFrom([0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]),
    signs: fc.tuple(...[0, 1, 2].map(() => fc.constantFrom(1, -1))),
    sizes: fc.tuple(...[0, 1, 2].map(() => fc.double({ min: 0.3, max: 5, noNaN: true }))),
    angles: fc.tuple(...[0, 1, 2].map(() => fc.double({ min: -0.5, max: 0.5, noNaN: true }))),
    shift: fc.tuple(...[0, 1, 2].map(() => fc.double({ min: -200, max: 200, noNaN: true }))),
  })
  .map(({ order, signs, sizes, angles, shift }): Affine => {
    const turn = (axis: number, angle: number): Affine => {
      const m = [...IDENTITY]
      const [p, q] = [(axis + 1) % 3, (axis + 2) % 3]
      m[p * 4 + p] = m[q * 4 + q] = Math.cos(angle)
      m[q * 4 + p] = Math.sin(angle)
      m[p * 4 + q] = -Math.sin(angle)
      return m
    }
    const stored = new Array<number>(16).fill(0)
    for (let c = 0; c < 3; c++) stored[order[c]! * 4 + c] = signs[c]! * sizes[c]!
    stored[15] = 1
    const turned = [...angles.entries()].reduce(
      (m, [axis, angle]) => multiply(turn(axis, angle), m),
      stored as Affine,
    )
    return turned.map((v, k) => (k % 4 === 3 && k < 12 ? shift[(k - 3) / 4]! : v))
  })

const close = (a: readonly number[], b: readonly number[], tolerance: number) =>
  expect(Math.max(...a.map((value, k) => Math.abs(value - b[k]!)))).toBeLessThan(tolerance)

describe('placement', () => {
  it('survives in every storage order and obliqueness', async () => {
    await fc.assert(
      fc.asyncProperty(affines, async (affine) => {
        await writeNifti(plain, volume(iota(3), affine))
        close((await readNifti(plain)).volume.affine, affine, 2e-5)
      }),
    )
  })
  it('is the same in the qform, as nifti-reader-js reads it', async () => {
    await fc.assert(
      fc.asyncProperty(affines, async (affine) => {
        await writeNifti(plain, volume(iota(3), affine))
        const bytes = Uint8Array.from(await readFile(plain))
        const header = new NIFTI1()
        header.readHeader(bytes.buffer)
        expect(header.qform_code).toBe(2)
        close(header.getQformMat().flat().slice(0, 12), affine, 1e-3)
      }),
    )
  })
  it('has no qform where the axes are not at right angles', async () => {
    const sheared = [1, 0.3, 0, 5, 0, 1, 0, 6, 0, 0, 2, 7, 0, 0, 0, 1]
    await writeNifti(plain, volume(iota(3), sheared))
    const { header, volume: back } = await readNifti(plain)
    expect([header.qform.code, header.sform.code]).toEqual([0, 2])
    close(back.affine, sheared, 1e-6)
  })
})

describe('with the header of the input', () => {
  const everything = rawNifti({
    dim: [4, 2, 3, 4, 1, 1, 1, 1],
    pixdim: [-1, 1, 2, 3, 2.5, 0, 0, 0],
    qformCode: 1,
    quaternion: [0.5, -0.5, 0.5],
    offset: [1, 2, 3],
    sformCode: 4,
    units: 2 | 8,
    description: 'TE=2.98;Time=101010.000, Gr\u00fc\u00dfe',
  })
  const view = new DataView(everything.buffer, everything.byteOffset)
  view.setUint8(39, 57) // dim_info
  for (const [at, value] of [
    [56, 1.5],
    [60, 2.5],
    [64, 3.5],
    [124, 900],
    [128, 10],
    [132, 0.125],
    [136, 42],
  ] as const)
    view.setFloat32(at, value, true)
  for (const [at, value] of [
    [68, 1002],
    [74, 1],
    [120, 3],
  ] as const)
    view.setInt16(at, value, true)
  view.setUint8(122, 3) // slice_code
  everything.write('aux', 228)
  everything.write('labels', 328)

  it('every field of the standard stays, byte by byte', async () => {
    await writeFileAtomic(plain, everything)
    const input = await readNifti(plain)
    await writeNifti(path, input.volume, { like: input.header, dtype: 'same' })
    const written = gunzipSync(await readFile(path))
    const expected = Buffer.from(everything)
    expected[38] = 'r'.charCodeAt(0) // `regular`, a fixed mark
    expect(written.toString('hex')).toBe(expected.toString('hex'))
  })
  it('float32 takes the place of the stored type, and its scaling goes', async () => {
    await writeFileAtomic(plain, rawNifti({ slope: 2, intercept: 1, description: 'kept' }))
    const input = await readNifti(plain)
    const report = await writeNifti(path, input.volume, { like: input.header })
    const output = await readNifti(path)
    expect(report).toEqual({ datatype: 'float32', clipped: 0, rounded: false, sha256: output.sha256 })
    expect(output.header).toEqual({ ...input.header, datatype: 'float32', slope: 1, intercept: 0 })
    expect(toFloat32(output.volume)).toEqual(toFloat32(input.volume))
  })
  it('a volume that moved gets forms of its own, with the code in force before', async () => {
    await writeFileAtomic(plain, everything)
    const input = await readNifti(plain)
    const affine = [3, 0, 0, 1, 0, 3, 0, 2, 0, 0, 3, 3, 0, 0, 0, 1]
    await writeNifti(path, { ...input.volume, affine }, { like: input.header, description: 'moved' })
    const { header, volume: back } = await readNifti(path)
    close(back.affine, affine, 1e-6)
    expect([header.sform.code, header.qform.code]).toEqual([4, 4])
    expect(header.pixdim).toEqual([1, 3, 3, 3, 2.5, 0, 0, 0])
    expect([header.description, header.intent.name]).toEqual(['moved', 'labels'])
  })
  it('a file in metres that moved is written in mm', async () => {
    await writeFileAtomic(plain, rawNifti({ units: 1 }))
    const input = await readNifti(plain)
    const affine = input.volume.affine.map((value, k) => (k === 3 ? value + 1 : value))
    await writeNifti(path, { ...input.volume, affine }, { like: input.header })
    const { header, volume: back } = await readNifti(path)
    expect(header.units).toBe(2)
    close(back.affine, affine, 1e-3)
  })
})

describe('samples', () => {
  it.each([
    Uint8Array.of(0, 255),
    Int8Array.of(-128, 127),
    Int16Array.of(-32768, 32767),
    Uint16Array.of(0, 65535),
    Int32Array.of(-2147483648, 2147483647),
    Uint32Array.of(0, 4294967295),
    Float32Array.of(-1.5, Number.NaN, Number.NEGATIVE_INFINITY),
    Float64Array.of(Math.PI, 1e300),
  ])('of %s come back as they were, with their scaling', async (data) => {
    const scale = { slope: 0.25, intercept: -2 }
    for (const file of [path, plain]) {
      const report = await writeNifti(file, volume(data, IDENTITY, scale), { dtype: 'same' })
      const back = (await readNifti(file)).volume
      expect(back.data).toEqual(data)
      expect(back.scale).toEqual(scale)
      expect(report).toMatchObject({ clipped: 0, rounded: false })
    }
  })
  it('round to the nearest step of the stored type and count what it cannot hold', async () => {
    await writeFileAtomic(plain, rawNifti({ code: 2, slope: 0.5, intercept: 10 }))
    const { header } = await readNifti(plain)
    const values = [10, 10.26, 10.24, 137.5, 138, -5, Number.NaN, Number.POSITIVE_INFINITY]
    const report = await writeNifti(path, volume(Float32Array.from(values)), { like: header, dtype: 'same' })
    const back = (await readNifti(path)).volume
    expect(report).toMatchObject({ datatype: 'uint8', clipped: 4, rounded: true })
    expect([...toFloat32(back)]).toEqual([10, 10.5, 10, 137.5, 137.5, 10, 10, 137.5])
  })
  it('round half away from zero, and say nothing of whole numbers', async () => {
    await writeFileAtomic(plain, rawNifti())
    const { header } = await readNifti(plain)
    const like = { like: header, dtype: 'same' } as const
    expect((await writeNifti(path, volume(Float32Array.of(3, -7)), like)).rounded).toBe(false)
    expect((await writeNifti(path, volume(Float32Array.of(2.5, -2.5)), like)).rounded).toBe(true)
    expect([...(await readNifti(path)).volume.data]).toEqual([3, -3])
  })
  it('too large for float32 are held at its limit, infinities stay', async () => {
    const data = Float64Array.of(1e300, -1e300, Number.POSITIVE_INFINITY, 1)
    expect((await writeNifti(path, volume(data))).clipped).toBe(2)
    const limit = Math.fround(3.4028234663852886e38)
    expect([...(await readNifti(path)).volume.data]).toEqual([limit, -limit, Number.POSITIVE_INFINITY, 1])
  })
})

describe('gzip', () => {
  const draw = random(1)
  const data = Int16Array.from({ length: 1_700_000 }, (_, i) => (i % 5000) + draw.integer(30))
  const large = volumeOf({ shape: [100, 170, 100], affine: IDENTITY }, data)

  it('is one member over many slabs, equal to the plain file, at any level', async () => {
    await writeNifti(plain, large, { dtype: 'same' })
    const expected = await readFile(plain)
    const sizes: number[] = []
    for (const gzipLevel of [1, 6]) {
      await writeNifti(path, large, { dtype: 'same', gzipLevel })
      const file = await readFile(path)
      expect(gunzipSync(file).equals(expected)).toBe(true)
      expect(file.readUInt32LE(file.length - 4)).toBe(expected.length)
      sizes.push(file.length)
    }
    expect(sizes[1]).toBeLessThan(sizes[0]!)
  })
  it('gives the same bytes every time', async () => {
    const first = await writeNifti(path, large)
    expect((await writeNifti(path, large)).sha256).toBe(first.sha256)
  })
})

describe('refuses', () => {
  it('levels and sizes that the format does not have', async () => {
    for (const gzipLevel of [0, 10, 1.5, Number.NaN])
      await expect(writeNifti(path, volume(iota(2)), { gzipLevel })).rejects.toThrow(ConfigError)
    await expect(writeNifti(plain, volume(new Uint8Array(32768)))).rejects.toThrow(/32767/)
  })
  it('a folder that cannot be made, and leaves nothing behind', async () => {
    await expect(writeNifti(join(path, 'under-a-file.nii'), volume(iota(2)))).rejects.toThrow(MissingError)
    expect((await readdir(folder)).filter((name) => name.includes('tmp'))).toEqual([])
  })
})
