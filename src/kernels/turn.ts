/** Runs of numbers side by side, turned: from run after run to place after place, for some of the places, and back. */

/** Runs that are turned at once: eight float64 fill a line of the cache, which each place writes or reads whole. */
const AT_ONCE = 8

/** `turned[k * count + r] = runs[r * room + places[k]]`, for `count` runs that begin every `room` numbers. */
export function turnInto(
  turned: Float64Array,
  runs: Float64Array,
  room: number,
  count: number,
  places: Int32Array,
): void {
  for (let first = 0; first < count; first += AT_ONCE) {
    const end = Math.min(first + AT_ONCE, count)
    for (let k = 0; k < places.length; k++)
      for (
        let r = first, from = first * room + places[k]!, to = k * count + first;
        r < end;
        r++, from += room, to++
      )
        turned[to] = runs[from]!
  }
}

/** The way back: `runs[r * room + places[k]] = turned[k * count + r]`. */
export function turnBackInto(
  runs: Float64Array,
  turned: Float64Array,
  room: number,
  count: number,
  places: Int32Array,
): void {
  for (let first = 0; first < count; first += AT_ONCE) {
    const end = Math.min(first + AT_ONCE, count)
    for (let k = 0; k < places.length; k++)
      for (
        let r = first, to = first * room + places[k]!, from = k * count + first;
        r < end;
        r++, to += room, from++
      )
        runs[to] = turned[from]!
  }
}

/** The first of the places where a run is infinite, or -1. */
export function firstInfinite(run: Float64Array, places: Int32Array): number {
  for (let k = 0; k < places.length; k++) {
    const value = run[places[k]!]!
    // An infinite number less itself is NaN; so is NaN, which is missing and allowed.
    if (value - value !== 0 && !Number.isNaN(value)) return places[k]!
  }
  return -1
}
