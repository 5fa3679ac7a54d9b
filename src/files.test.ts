import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { InputError, MissingError } from './errors.ts'
import { removeTemporaryFiles, requireWritable, sha256, withTemporary, writeFileAtomic } from './files.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'attune-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('writeFileAtomic', () => {
  it('writes text, bytes and chunks, makes folders, and leaves nothing else', async () => {
    await writeFileAtomic(join(folder, 'a'), 'text')
    await writeFileAtomic(join(folder, 'b'), Uint8Array.of(1, 2))
    await writeFileAtomic(join(folder, 'c', 'd'), [Uint8Array.of(1), Uint8Array.of(2, 3)])
    expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('text')
    expect([...readFileSync(join(folder, 'b'))]).toEqual([1, 2])
    expect([...readFileSync(join(folder, 'c', 'd'))]).toEqual([1, 2, 3])
    expect(readdirSync(folder)).toEqual(['a', 'b', 'c'])
  })

  it('keeps the old file when the new one cannot be written, and says which', async () => {
    const path = join(folder, 'a')
    writeFileSync(path, 'old')
    const write = writeFileAtomic(join(path, 'inside-a-file'), 'new')
    await expect(write).rejects.toThrow(MissingError)
    await expect(write).rejects.toThrow(/inside-a-file cannot be written/)
    expect(readFileSync(path, 'utf8')).toBe('old')
    expect(readdirSync(folder)).toEqual(['a'])
  })

  it('replaces nothing when a folder has the name', async () => {
    await writeFileAtomic(join(folder, 'a', 'b'), 'text')
    await expect(writeFileAtomic(join(folder, 'a'), 'text')).rejects.toThrow(MissingError)
    expect(readdirSync(folder)).toEqual(['a'])
  })
})

describe('requireWritable', () => {
  it('accepts folders still to be made, and makes none', async () => {
    await requireWritable(join(folder, 'a', 'b', 'c'))
    await requireWritable(join(folder, 'a'))
    expect(readdirSync(folder)).toEqual([])
  })

  it('refuses a place below a file, as writing there would', async () => {
    writeFileSync(join(folder, 'a'), 'old')
    const refused = requireWritable(join(folder, 'a', 'b', 'c'))
    await expect(refused).rejects.toThrow(MissingError)
    await expect(refused).rejects.toThrow(/c cannot be written: ENOTDIR/)
  })
})

describe('withTemporary', () => {
  it('removes what is left, folders too, when the work ends and when it throws', async () => {
    const path = join(folder, 'work')
    const make = () => writeFileAtomic(join(path, 'file'), 'text')
    await withTemporary(path, make)
    expect(existsSync(path)).toBe(false)
    const failing = withTemporary(path, async () => {
      await make()
      throw new InputError('no', 'none')
    })
    await expect(failing).rejects.toThrow(InputError)
    expect(existsSync(path)).toBe(false)
  })

  it('lets removeTemporaryFiles remove what is under way', async () => {
    const path = join(folder, 'work')
    await withTemporary(path, async () => {
      await writeFileAtomic(join(path, 'file'), 'text')
      removeTemporaryFiles()
      expect(existsSync(path)).toBe(false)
    })
  })
})

it('sha256 of "abc" is that of FIPS 180-2, appendix B.1', () => {
  expect(sha256('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
})
