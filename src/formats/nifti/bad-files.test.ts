import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { rawNifti, temporaryFolder } from '../../../test/fixtures/nifti.ts'
import { InputError, RefusedError } from '../../errors.ts'
import { readNifti } from './read.ts'

const folder = await temporaryFolder()
const path = join(folder, 'bad.nii.gz')

const patched = (at: number, value: number, setter: 'setInt16' | 'setFloat32' | 'setInt32' = 'setInt16') => {
  const bytes = rawNifti()
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  view[setter](at, value, true)
  return bytes
}
const marked = (magic: string) => {
  const bytes = rawNifti()
  bytes.write(magic, 344, 'latin1')
  return bytes
}
const dicom = Buffer.alloc(400)
dicom.write('DICM', 128)
const big = gzipSync(rawNifti({ dim: [3, 60, 60, 60, 1, 1, 1, 1] }))
const nan = Number.NaN

const BAD: readonly (readonly [name: string, bytes: Uint8Array, message: RegExp])[] = [
  ['an empty file', Buffer.alloc(0), /is empty/],
  ['a few bytes', Buffer.from('abc'), /holds 3 bytes/],
  ['a web page', Buffer.from(`<!DOCTYPE html><html>${' '.repeat(999)}</html>`), /web page/],
  ['a short web page', Buffer.from('\n<html>404</html>'), /web page/],
  ['a gzipped web page', gzipSync(`<!doctype html>${' '.repeat(999)}`), /web page/],
  ['a Git LFS pointer', Buffer.from('version https://git-lfs.github.com/spec/v1\n'), /LFS/],
  ['a DICOM file', dicom, /DICOM/],
  ['noise', Buffer.alloc(1000, 0xab), /not a NIfTI file .*abab/],
  ['a wrong mark', marked('abc\0'), /mark/],
  ['half a pair', marked('ni1\0'), /pair/],
  [
    'the size of NIfTI-2 alone',
    patched(0, 540, 'setInt32'),
    /540.*is incomplete|NIfTI-2 header alone takes 540/s,
  ],
  ['truncated gzip', big.subarray(0, big.length - 900), /gzip data is incomplete/],
  ['gzip cut in its own header', big.subarray(0, 8), /gzip data is incomplete/],
  ['gzip with a wrong checksum', Buffer.concat([big.subarray(0, -8), Buffer.alloc(8, 1)]), /gzip data/],
  ['samples cut off', rawNifti().subarray(0, 390), /take 400 bytes .* holds 390/],
  ['samples cut off inside gzip', gzipSync(rawNifti().subarray(0, 390)), /take 400 bytes .* holds 390/],
  ['more than declared', Buffer.concat([rawNifti(), Buffer.alloc(1)]), /take 400 bytes .* holds 401/],
  ['more than declared inside gzip', gzipSync(Buffer.concat([rawNifti(), Buffer.alloc(9)])), /cannot hold/],
  ['a gzip bomb', gzipSync(Buffer.concat([rawNifti(), Buffer.alloc(1 << 26)])), /take 400 bytes/],
  ['a size of 0', patched(42, 0), /size 0 x 3 x 4/],
  ['a negative size', patched(44, -3), /size 2 x -3 x 4/],
  ['no dimension', patched(40, 0), /0 dimensions/],
  ['99 dimensions', patched(40, 99), /99 dimensions/],
  [
    'sizes that overflow',
    rawNifti({ dim: [3, 32767, 32767, 32767, 1, 1, 1, 1], samples: [] }),
    /attune reads up to/,
  ],
  [
    'sizes beyond the file',
    gzipSync(rawNifti({ dim: [3, 600, 600, 600, 1, 1, 1, 1], samples: [] })),
    /cannot hold/,
  ],
  ['several volumes', rawNifti({ dim: [4, 2, 3, 2, 2, 1, 1, 1] }), /holds 2 volumes.*\n.*--volume/],
  ['int64 samples', patched(70, 1024), /int64/],
  ['samples of no known type', patched(70, 77), /code 77/],
  ['samples inside the header', patched(108, 100, 'setFloat32'), /start at byte 100/],
  ['samples at half a byte', patched(108, 352.5, 'setFloat32'), /start at byte 352.5/],
  ['samples at NaN', patched(108, nan, 'setFloat32'), /start at byte NaN/],
  [
    'a NaN in the sform',
    rawNifti({ rows: [nan, 0, 0, 0, 0, 2, 0, 0, 0, 0, 3, 0] }),
    /sform maps voxels to no place/,
  ],
  [
    'a singular sform',
    rawNifti({ rows: [1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0] }),
    /sform maps voxels to no place/,
  ],
  ['an sform of zeros', rawNifti({ rows: Array(12).fill(0) }), /sform maps voxels to no place/],
  ['a quaternion of length 2', rawNifti({ sformCode: 0, qformCode: 1, quaternion: [2, 0, 0] }), /qform maps/],
  ['voxel sizes of 0', rawNifti({ sformCode: 0, pixdim: Array(8).fill(0) }), /voxel size maps/],
  ['an intercept of NaN', rawNifti({ slope: 2, intercept: nan }), /intercept/],
]

describe('refuses in one clear message, with a remedy,', () => {
  it.each(BAD)('%s', async (_, bytes, message) => {
    await writeFile(path, bytes)
    const error = await readNifti(path).catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(InputError)
    const { message: text, what, remedy } = error as InputError
    expect(text).toMatch(message)
    expect(what).toContain(path)
    expect(remedy).not.toBe('')
  })
  it.each([
    ['RGB', 128],
    ['RGBA', 2304],
    ['complex64', 32],
    ['complex128', 1792],
  ])('%s images: sound, but without one intensity per voxel', async (name, code) => {
    await writeFile(path, patched(70, code))
    const error = (await readNifti(path).catch((cause: unknown) => cause)) as RefusedError
    expect(error).toBeInstanceOf(RefusedError)
    expect(error.what).toContain(path)
    expect(error.what).toContain(`(${name})`)
  })
  it('a missing file, a folder, a path through a file', async () => {
    await expect(readNifti(join(folder, 'nothing.nii'))).rejects.toThrow(/does not exist/)
    await mkdir(join(folder, 'folder.nii'))
    await expect(readNifti(join(folder, 'folder.nii'))).rejects.toThrow(/is a folder/)
    await writeFile(path, rawNifti())
    await expect(readNifti(join(path, 'inside.nii'))).rejects.toThrow(InputError)
  })
})
