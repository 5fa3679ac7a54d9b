/** Sum of the products of two runs of numbers; four sums side by side, since each addition otherwise waits for the one before. */
export function dot(a: Float64Array, fromA: number, b: Float64Array, fromB: number, length: number): number {
  let [w, x, y, z] = [0, 0, 0, 0]
  let i = 0
  for (let p = fromA, q = fromB; i + 3 < length; i += 4, p += 4, q += 4) {
    w += a[p]! * b[q]!
    x += a[p + 1]! * b[q + 1]!
    y += a[p + 2]! * b[q + 2]!
    z += a[p + 3]! * b[q + 3]!
  }
  for (; i < length; i++) w += a[fromA + i]! * b[fromB + i]!
  return w + x + (y + z)
}
