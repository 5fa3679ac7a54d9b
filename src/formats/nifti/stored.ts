/** Files that are plain or gzipped, told by their content: their beginning, all of them, or parts on the way through. */
import type { Hash } from 'node:crypto'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { AttuneError, InputError } from '../../errors.ts'
import { inflateExactly, inflateStart, inflateUpTo, isGzip, LARGEST_RATIO } from './gzip.ts'

export interface Stored {
  readonly path: string
  readonly file: FileHandle
  /** Of the file as it lies on disk, in bytes. */
  readonly size: number
  /** Its first bytes, at most `START`. */
  readonly start: Uint8Array
  readonly gzipped: boolean
}

/** Enough for a gzip header with a long name and the first 544 bytes behind it. */
const START = 1 << 16

/** Opens `path` for `use`. @throws {InputError} when it is no file or cannot be read; what `use` throws */
export async function withStored<T>(path: string, use: (stored: Stored) => Promise<T>): Promise<T> {
  let file: FileHandle | undefined
  try {
    const status = await stat(path)
    if (!status.isFile())
      throw new InputError(
        `${path}: is ${status.isDirectory() ? 'a folder' : 'not a regular file'}.`,
        'Give the image file itself.',
      )
    file = await open(path)
    const start = await readBytes(path, file, Math.min(status.size, START))
    return await use({ path, file, size: status.size, start, gzipped: isGzip(start) })
  } catch (cause) {
    if (cause instanceof AttuneError) throw cause
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw new InputError(`${path}: does not exist.`, 'Check the path.', { cause })
    throw new InputError(`${path}: cannot be read: ${message}.`, 'Check its permissions and the disk.', {
      cause,
    })
  } finally {
    await file?.close()
  }
}

async function readBytes(path: string, file: FileHandle, count: number): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow(count)
  let filled = 0
  while (filled < count) {
    const { bytesRead } = await file.read(bytes, filled, count - filled, filled)
    if (bytesRead === 0)
      throw new InputError(
        `${path}: became shorter while it was read.`,
        'Run again when nothing writes to it.',
      )
    filled += bytesRead
  }
  return bytes
}

/** The first `count` bytes of the content, at most those of the file's first 64 KiB; fewer where it holds fewer. */
export async function startOf({ path, start, gzipped }: Stored, count: number): Promise<Uint8Array> {
  if (!gzipped) return start.subarray(0, count)
  try {
    return await inflateStart(start, count)
  } catch (cause) {
    throw damaged(path, cause)
  }
}

/**
 * Judges a size that a header declares before anything of that size is allocated: what the file could hold at best and at worst.
 * @throws {InputError} when the content cannot have `expected` bytes
 */
export function checkSize({ path, size, gzipped }: Stored, expected: number): void {
  const most = gzipped ? size * LARGEST_RATIO : size
  const least = gzipped ? size / 2 - START : size
  if (expected > most || expected < least) throw mismatch(path, expected, gzipped ? undefined : size)
}

/**
 * The whole content, which must have `expected` bytes, in one buffer.
 * @param hash takes in the file as stored
 */
export async function contentOf(stored: Stored, expected: number, hash: Hash): Promise<Uint8Array> {
  const { path, file, size, gzipped } = stored
  checkSize(stored, expected)
  const bytes = await readBytes(path, file, size)
  const inflating = gzipped ? inflateAll(path, bytes, expected) : Promise.resolve(bytes)
  hash.update(bytes) // while the thread pool inflates
  return inflating
}

/** A header's file above this is refused: extensions take kilobytes, rarely a few megabytes. */
const LARGEST_HEADER_FILE = 2 ** 26

/**
 * The whole content of a file that holds a header and its extensions, and nothing that says how long they are.
 * @param hash takes in the file as stored
 */
export async function headerContentOf(
  { path, file, size, gzipped }: Stored,
  hash: Hash,
): Promise<Uint8Array> {
  const tooLarge = (): InputError =>
    new InputError(
      `${path}: holds more than ${LARGEST_HEADER_FILE / 2 ** 20} MiB beside its header.`,
      'It is damaged, or not the header of a .hdr/.img pair: convert the image again.',
    )
  if (size > LARGEST_HEADER_FILE) throw tooLarge()
  const bytes = await readBytes(path, file, size)
  hash.update(bytes)
  if (!gzipped) return bytes
  return inflateUpTo(bytes, LARGEST_HEADER_FILE).catch((cause: unknown) => {
    throw (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? tooLarge() : damaged(path, cause)
  })
}

async function inflateAll(path: string, bytes: Uint8Array, expected: number): Promise<Uint8Array> {
  const inflated = await inflateExactly(bytes, expected).catch((cause: unknown) => {
    throw (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
      ? mismatch(path, expected)
      : damaged(path, cause)
  })
  if (inflated.length !== expected) throw mismatch(path, expected, inflated.length)
  return inflated
}

/**
 * Parts of the content, which must have `expected` bytes in all. The rest only passes through: memory is that of the parts.
 * @param ranges from and to, in bytes of the content
 * @param hash takes in the file as stored
 */
export async function partsOf(
  stored: Stored,
  ranges: readonly (readonly [from: number, to: number])[],
  expected: number,
  hash: Hash,
): Promise<readonly Uint8Array[]> {
  const { path, file, gzipped } = stored
  checkSize(stored, expected)
  const parts = ranges.map(([from, to]) => ({ from, bytes: Buffer.allocUnsafeSlow(to - from) }))
  let passed = 0
  const chunks = file.createReadStream({ start: 0, autoClose: false, highWaterMark: 1 << 20 })
  const hashing = async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      hash.update(chunk)
      yield chunk
    }
  }
  const collecting = async (source: AsyncIterable<Buffer>): Promise<void> => {
    for await (const chunk of source) {
      for (const { from, bytes } of parts) {
        const start = Math.max(from, passed)
        const end = Math.min(from + bytes.length, passed + chunk.length)
        if (start < end) chunk.copy(bytes, start - from, start - passed, end - passed)
      }
      passed += chunk.length
      if (passed > expected) throw mismatch(path, expected)
    }
  }
  const inflating = createGunzip({ chunkSize: 1 << 20 })
  await (gzipped
    ? pipeline(chunks, hashing, inflating, collecting)
    : pipeline(chunks, hashing, collecting)
  ).catch((cause: NodeJS.ErrnoException) => {
    throw cause.code?.startsWith('Z_') ? damaged(path, cause) : cause
  })
  if (passed !== expected) throw mismatch(path, expected, passed)
  return parts.map(({ bytes }) => bytes)
}

function mismatch(path: string, expected: number, found?: number): InputError {
  const held = found === undefined ? 'the file cannot hold that' : `the file holds ${found}`
  return new InputError(
    `${path}: header and samples take ${expected} bytes by the header, but ${held}.`,
    'The file is incomplete or its header damaged: copy or convert it again.',
  )
}

function damaged(path: string, cause: unknown): InputError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new InputError(
    `${path}: the gzip data is incomplete or damaged (${reason}).`,
    'Copy or download the file again.',
    { cause },
  )
}
