/** Header extensions: blocks that other programs left between header and samples, carried along as they are. */
import { endianness } from 'node:os'

export interface Extension {
  /** `ecode`: 2 DICOM, 4 AFNI, 6 comment ... @see nifti1.h, "NIFTI_ECODE" */
  readonly code: number
  /** `edata` as stored, with the zeros that fill it up. attune looks at none of it; it may name the patient. */
  readonly data: Uint8Array
}

/** Four bytes of which the first says whether blocks follow. */
export const FLAG_BYTES = 4
/** `esize` and `ecode`. */
const BLOCK_HEAD = 8
/** Blocks begin at multiples of this, and so do the samples behind them. */
const BLOCK_UNIT = 16

/**
 * @param bytes what lies between the header and the samples (in a pair: behind the header)
 * @returns copies of the blocks; those from the first damaged one on are left out, as nifti_clib does: an image is worth
 *          more than a comment on it
 */
export function decodeExtensions(bytes: Uint8Array, littleEndian: boolean): readonly Extension[] {
  const found: Extension[] = []
  if (bytes.length < FLAG_BYTES || bytes[0] === 0) return found
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = FLAG_BYTES; at + BLOCK_HEAD <= bytes.length; ) {
    const size = view.getInt32(at, littleEndian)
    if (size < BLOCK_UNIT || at + size > bytes.length) break
    found.push({
      code: view.getInt32(at + 4, littleEndian),
      data: Uint8Array.from(bytes.subarray(at + BLOCK_HEAD, at + size)),
    })
    at += size
  }
  return found
}

/** The flag and the blocks, in this machine's byte order, each filled up to a multiple of 16 bytes. */
export function encodeExtensions(extensions: readonly Extension[]): Uint8Array {
  const sizes = extensions.map(({ data }) => Math.ceil((BLOCK_HEAD + data.length) / BLOCK_UNIT) * BLOCK_UNIT)
  const bytes = new Uint8Array(sizes.reduce((sum, size) => sum + size, FLAG_BYTES))
  const view = new DataView(bytes.buffer)
  const little = endianness() === 'LE'
  if (extensions.length > 0) bytes[0] = 1
  let at = FLAG_BYTES
  for (const [k, { code, data }] of extensions.entries()) {
    view.setInt32(at, sizes[k] as number, little)
    view.setInt32(at + 4, code, little)
    bytes.set(data, at + BLOCK_HEAD)
    at += sizes[k] as number
  }
  return bytes
}
