/** How many numbers are NaN: missing. */
export function missingIn(x: Float64Array): number {
  let n = 0
  for (let i = 0; i < x.length; i++) if (Number.isNaN(x[i])) n++
  return n
}
