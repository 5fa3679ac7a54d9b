/** gzip in both directions on the thread pool: inflating with a bound, deflating in parallel. */
import { promisify } from 'node:util'
import { constants, crc32, createGunzip, deflateRaw, gunzip } from 'node:zlib'

const inflateAsync = promisify(gunzip)
const deflateAsync = promisify(deflateRaw)

export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b
}

/** DEFLATE codes at most 258 bytes in 2 bits, so no honest file inflates further. @see RFC 1951, 3.2.5 */
export const LARGEST_RATIO = 1032

/**
 * The first `count` bytes of a gzip file, or all where it holds fewer.
 * @param start the beginning of the file
 * @throws what node:zlib throws on damage before those bytes
 */
export async function inflateStart(start: Uint8Array, count: number): Promise<Uint8Array> {
  const stream = createGunzip({ chunkSize: 1024 })
  stream.end(start)
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    length += chunk.length
    if (length >= count) break
  }
  return Buffer.concat(chunks).subarray(0, count)
}

/**
 * Inflates a whole gzip file of `expected` bytes into one buffer, without copies.
 * @returns the bytes: fewer than `expected` when the file holds less; never more than one beyond it
 * @throws what node:zlib throws on damage; code ERR_BUFFER_TOO_LARGE when there is more
 */
export async function inflateExactly(file: Uint8Array, expected: number): Promise<Uint8Array> {
  // A chunk with room to spare is filled by a single job of the thread pool, and handed out as it is.
  return inflateAsync(file, { chunkSize: Math.max(expected + 64, 1024), maxOutputLength: expected + 1 })
}

/** Inflates a whole gzip file of unknown length. @throws as `inflateExactly` does when there are more than `most` bytes */
export async function inflateUpTo(file: Uint8Array, most: number): Promise<Uint8Array> {
  return inflateAsync(file, { maxOutputLength: most })
}

/** Bytes per slab, and the part of the slab before it that its matches may reach back into. */
const SLAB = 1 << 20
const WINDOW = 1 << 15
/** Slabs under way: enough that the pool is busy while this thread works on something else. */
const UNDER_WAY = 32

/**
 * One gzip member holding `parts` one after the other, deflated slab by slab on the thread pool as pigz does: every slab but the last ends at
 * a byte boundary (sync flush), so the pieces join into one stream that any reader accepts. Equal input gives equal bytes.
 * @param level 1 (fast) to 9 (small)
 */
export async function gzipParallel(parts: readonly Uint8Array[], level: number): Promise<Uint8Array[]> {
  const slabs = parts.flatMap((part) =>
    Array.from({ length: Math.ceil(part.length / SLAB) }, (_, k) => ({ part, start: k * SLAB })),
  )
  const deflated = new Array<Uint8Array>(slabs.length)
  let next = 0
  const work = async (): Promise<void> => {
    for (let k = next++; k < slabs.length; k = next++) {
      const { part, start } = slabs[k] as (typeof slabs)[number]
      const last = k === slabs.length - 1
      deflated[k] = await deflateAsync(part.subarray(start, start + SLAB), {
        level,
        chunkSize: SLAB + (SLAB >> 4),
        finishFlush: last ? constants.Z_FINISH : constants.Z_SYNC_FLUSH,
        ...(start > 0 && { dictionary: part.subarray(start - WINDOW, start) }),
      })
    }
  }
  const working = Promise.all(Array.from({ length: UNDER_WAY }, work))
  let sum = 0
  let length = 0
  for (const part of parts) {
    sum = crc32(part, sum)
    length += part.length
  }
  await working
  // ID1 ID2, deflate, no flags, no time, extra flags (4: fastest), unknown system: RFC 1952, 2.3.
  const head = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, level === 1 ? 4 : 0, 255)
  const tail = new DataView(new ArrayBuffer(8))
  tail.setUint32(0, sum, true)
  tail.setUint32(4, length % 2 ** 32, true)
  return [head, ...deflated, new Uint8Array(tail.buffer)]
}
