/** One array of all parts, in their order; a Float32Array where there is none. */
export function concatenate<T extends Float32Array | Float64Array | Uint8Array>(parts: readonly T[]): T {
  const [first] = parts
  const total = parts.reduce((sum, part) => sum + part.length, 0)
  const all = (
    first instanceof Uint8Array
      ? new Uint8Array(total)
      : first instanceof Float64Array
        ? new Float64Array(total)
        : new Float32Array(total)
  ) as T
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
