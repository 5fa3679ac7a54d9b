/** Float32 arrays in JSON: their bytes, base64. */

export function encodeFloats(values: Float32Array): string {
  return encodeBytes(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
}

/** @param text of a multiple of four bytes */
export function decodeFloats(text: string): Float32Array {
  return new Float32Array(decodeBytes(text).buffer)
}

export function encodeBytes({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64')
}

export function decodeBytes(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(text, 'base64'))
}
