/** NIfTI files written range after range, plain or gzipped: any number of them side by side, none of them whole in memory. */
import { appendFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { constants, crc32, deflateRaw } from 'node:zlib'
import { encodeHeader } from './encode.ts'
import type { NiftiHeader } from './header.ts'

const deflateAsync = promisify(deflateRaw)

export interface AppendedNifti {
  /** Values of the next voxels, in the order of the file. */
  readonly append: (values: Float64Array) => Promise<void>
  /** After the last voxel. */
  readonly end: () => Promise<void>
}

/** Floating point: the only types that harmonized values are written in. */
export type RealType = 'float32' | 'float64'

/**
 * Begins the file `path`, which must not exist. Equal input gives equal bytes.
 * @param like the header whose fields the file keeps; type and scaling are replaced
 * @throws {ConfigError} when a number of the header, which may come from NIfTI-2, is larger than NIfTI-1 can say
 */
export async function appendedNifti(
  path: string,
  like: NiftiHeader,
  datatype: RealType,
  gzipped: boolean,
): Promise<AppendedNifti> {
  const write = gzipped ? deflated(path) : plain(path)
  await write.bytes(encodeHeader({ ...like, datatype, slope: 1, intercept: 0 }))
  return {
    append: (values) => {
      const samples = datatype === 'float64' ? values : new Float32Array(values)
      return write.bytes(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength))
    },
    end: write.end,
  }
}

interface Writer {
  readonly bytes: (bytes: Uint8Array) => Promise<void>
  readonly end: () => Promise<void>
}

/** The file is opened for each part: as many files as there are images would be too many to keep open. */
function plain(path: string): Writer {
  return {
    bytes: async (bytes) => appendFileSync(path, bytes),
    end: async () => {},
  }
}

/** What a match of DEFLATE may reach back into. */
const WINDOW = 1 << 15

/**
 * One gzip member. Every part ends at a byte boundary (sync flush) and knows the end of the part before it, as in pigz, so that nothing but
 * 32 KiB is kept between parts.
 * @see RFC 1952, 2.3
 */
function deflated(path: string): Writer {
  let sum = 0
  let length = 0
  let before = new Uint8Array(0)
  // ID1 ID2, deflate, no flags, no time, extra flags (4: fastest), unknown system.
  appendFileSync(path, Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255))
  const part = async (bytes: Uint8Array, finishFlush: number): Promise<void> => {
    const options = { level: 1, finishFlush, ...(before.length > 0 && { dictionary: before }) }
    appendFileSync(path, await deflateAsync(bytes, options))
  }
  return {
    bytes: async (bytes) => {
      await part(bytes, constants.Z_SYNC_FLUSH)
      sum = crc32(bytes, sum)
      length += bytes.length
      const joined =
        bytes.length >= WINDOW ? bytes.subarray(-WINDOW) : Buffer.concat([before, bytes]).subarray(-WINDOW)
      before = Uint8Array.from(joined)
    },
    end: async () => {
      await part(new Uint8Array(0), constants.Z_FINISH)
      const tail = new DataView(new ArrayBuffer(8))
      tail.setUint32(0, sum, true)
      tail.setUint32(4, length % 2 ** 32, true)
      appendFileSync(path, new Uint8Array(tail.buffer))
    },
  }
}
