/**
 * Seeded damage to files of every kind that is read. `ATTUNE_FUZZ=10000 npx vitest run src/formats/nifti/fuzz.test.ts` tries 10000 of them;
 * case k is the same in every run, whatever the number.
 */
import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, expect, it, vi } from 'vitest'
import {
  type RawNifti,
  rawExtensions,
  rawNifti,
  rawPair,
  temporaryFolder,
} from '../../../test/fixtures/nifti.ts'
import { AttuneError, ConfigError, InputError } from '../../errors.ts'
import { type Random, random } from '../../kernels/random.ts'
import { LARGEST_RATIO } from './gzip.ts'
import { type NiftiImage, readNifti, readNiftiHeader } from './read.ts'
import { writeNifti } from './write.ts'

const CASES = Number(process.env['ATTUNE_FUZZ'] ?? 500)
const SEED = 20261121
/** Numbers at the borders of what fields hold. */
const EDGES = [0, 1, -1, 0x7f, 0x7fff, -0x8000, 0x10000, 0x7fffffff, -0x80000000] as const

const folder = await temporaryFolder()
const output = join(folder, 'output')
afterEach(() => vi.restoreAllMocks())

interface Files {
  /** The one to be read, by path; the others lie beside it. */
  readonly main: string
  readonly contents: Readonly<Record<string, Uint8Array>>
}

/** A good image of a random kind, as the bytes of its one or two files. */
function goodImage(draw: Random): { readonly parts: Buffer[]; readonly headerBytes: number } {
  const littleEndian = draw.uniform() < 0.7
  const version = draw.uniform() < 0.5 ? 1 : 2
  const extension =
    draw.uniform() < 0.3
      ? rawExtensions(
          [
            [6, 'remark'],
            [4, 'another one'],
          ],
          littleEndian,
        )
      : []
  const headerBytes = (version === 1 ? 348 : 540) + Math.max(4, extension.length)
  const volumes = draw.uniform() < 0.3 ? 3 : 1
  const raw: RawNifti = {
    version,
    littleEndian,
    extension,
    code: ([2, 4, 16, 64] as const)[draw.integer(4)] as 2,
    dim: [volumes > 1 ? 4 : 3, 2, 3, 4, volumes, 1, 1, 1],
    samples: Array.from({ length: 24 * volumes }, (_, i) => i),
    ...(draw.uniform() < 0.3 && { sformCode: 0, qformCode: 1, quaternion: [0, 0, Math.SQRT1_2] as const }),
  }
  if (draw.uniform() < 0.3) {
    const { header, samples } = rawPair(raw)
    return { parts: [header, samples], headerBytes }
  }
  return { parts: [rawNifti({ ...raw, voxOffset: headerBytes })], headerBytes }
}

function damage(bytes: Buffer, headerBytes: number, draw: Random): Buffer {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let change = draw.integer(5); change > 0; change--) {
    const at = draw.integer(Math.min(headerBytes, bytes.length) - 8)
    const edge = EDGES[draw.integer(EDGES.length)] as number
    const little = draw.uniform() < 0.7
    const kind = draw.integer(5)
    if (kind === 0) bytes[at] = draw.integer(256)
    else if (kind === 1) view.setInt16(at & ~1, edge, little)
    else if (kind === 2) view.setInt32(at & ~3, edge, little)
    else if (kind === 3) view.setFloat32(at & ~3, draw.uniform() < 0.3 ? Number.NaN : edge * 1e3, little)
    else view.setBigInt64(at & ~7, BigInt(edge) << BigInt(draw.integer(32)), little)
  }
  if (draw.uniform() < 0.15) return bytes.subarray(0, draw.integer(bytes.length))
  if (draw.uniform() < 0.02) return Buffer.concat([bytes, Buffer.alloc(1 << 20)])
  return bytes
}

function packed(bytes: Buffer, draw: Random): Buffer {
  if (draw.uniform() < 0.5) return bytes
  const gzipped = gzipSync(bytes)
  if (draw.uniform() < 0.1) return gzipped.subarray(0, draw.integer(gzipped.length))
  if (draw.uniform() < 0.1) gzipped[draw.integer(gzipped.length)] = draw.integer(256)
  return gzipped
}

function damagedImage(draw: Random): Files {
  const { parts, headerBytes } = goodImage(draw)
  const files = parts.map((bytes) => packed(damage(bytes, Math.min(headerBytes, bytes.length), draw), draw))
  const [first, second] = files as [Buffer, Buffer?]
  if (second === undefined) return { main: 'case.nii', contents: { 'case.nii': first } }
  const main = draw.uniform() < 0.5 ? 'case.hdr' : 'case.img'
  return { main, contents: { 'case.hdr': first, ...(draw.uniform() < 0.95 && { 'case.img': second }) } }
}

/** Written whole and read back, or refused with nothing left. */
async function checkWriting({ volume, header }: NiftiImage, name: string, context: string): Promise<void> {
  const copy = join(output, name)
  const error = await writeNifti(copy, volume, { like: header, dtype: 'same' }).catch(
    (cause: unknown) => cause,
  )
  if (error instanceof Error) {
    expect(error, context).toBeInstanceOf(AttuneError)
    expect(await readdir(output).catch(() => []), context).toEqual([])
  } else {
    expect(await readdir(output), context).toEqual([name])
    expect((await readNifti(copy)).volume.data, context).toEqual(volume.data)
  }
  await rm(output, { recursive: true, force: true })
}

it(`${CASES} damaged files: an image that fits its header, or a refusal that names the file; memory in proportion to the file; no output in parts`, async () => {
  let allocated = 0
  for (const name of ['allocUnsafe', 'allocUnsafeSlow', 'alloc'] as const) {
    const allocate = Buffer[name]
    vi.spyOn(Buffer, name).mockImplementation((size: number, ...rest: []) => {
      allocated += size
      return allocate(size, ...rest)
    })
  }
  let refused = 0
  for (let k = 0; k < CASES; k++) {
    const context = `case ${k}`
    const draw = random(SEED, `damage ${k}`)
    const { main, contents } = damagedImage(draw)
    await Promise.all(['case.hdr', 'case.img'].map((name) => rm(join(folder, name), { force: true })))
    for (const [name, bytes] of Object.entries(contents)) await writeFile(join(folder, name), bytes)
    const stored = Object.values(contents).reduce((sum, { length }) => sum + length, 0)
    const path = join(folder, main)
    const options = { volume: [undefined, 0, 2][draw.integer(3)] }
    allocated = 0
    const image = await readNifti(path, options).catch((error: unknown) => error)
    expect(allocated, context).toBeLessThan(4 * LARGEST_RATIO * stored + (1 << 23))
    if (image instanceof Error) {
      refused++
      const foreseen = image instanceof InputError || image instanceof ConfigError
      expect(foreseen, `${context}: ${image.stack}`).toBe(true)
      expect((image as AttuneError).what, context).toContain(join(folder, 'case'))
      expect((image as AttuneError).remedy, context).not.toBe('')
      continue
    }
    const { volume } = image as NiftiImage
    const { shape, affine } = volume
    expect(volume.data.length, context).toBe(shape.reduce((a, b) => a * b, 1))
    expect(affine.every(Number.isFinite), context).toBe(true)
    expect((await readNiftiHeader(path, options)).grid, context).toEqual({ shape, affine })
    // every fourth, since a file written is also waited for until it is on the disk
    if (refused % 4 === 0)
      await checkWriting(image as NiftiImage, k % 2 ? 'copy.nii' : 'copy.nii.gz', context)
  }
  expect(refused).toBeGreaterThan(CASES * 0.2)
  expect(refused).toBeLessThan(CASES * 0.9)
}, 3_600_000)
