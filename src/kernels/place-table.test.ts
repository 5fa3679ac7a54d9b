import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addToTable, meansOf, tableAt, tableSums } from './node-table.ts'
import { LEVELS, PLACE_STRIDES, PLACES, TABLE_SIZE, TAPS, tableAxis, tapsInto } from './place-table.ts'

const offsets = new Int32Array(TAPS)
const weights = new Float64Array(TAPS)
/** One voxel an axis, at these nodes. */
const axesAt = (r: number, a: number, s: number) =>
  ([r, a, s] as const).map((node, k) =>
    tableAxis(Float64Array.of(node), PLACES[k]!, PLACE_STRIDES[k]!),
  ) as unknown as Parameters<typeof tapsInto>[2]
const node = fc.double({ min: 0, max: 1, noNaN: true })

describe('a table of place and intensity', () => {
  it('reads a function that is linear in each coordinate exactly, between nodes and beyond its faces', () => {
    const [nr, na, ns] = PLACES
    const linear = (r: number, a: number, s: number, l: number): number =>
      3 + 2 * r - a + 0.5 * s + 4 * l + 0.25 * r * l
    const table = Float32Array.from({ length: TABLE_SIZE }, (_, i) =>
      linear(
        Math.floor(i / PLACE_STRIDES[0]),
        Math.floor(i / PLACE_STRIDES[1]) % na,
        Math.floor(i / PLACE_STRIDES[2]) % ns,
        i % LEVELS,
      ),
    )
    fc.assert(
      fc.property(node, node, node, node, (u, v, w, t) => {
        // a third beyond the table on every side
        const at = (share: number, n: number): number => (share * 1.6 - 0.3) * (n - 1)
        const [r, a, s, l] = [at(u, nr), at(v, na), at(w, ns), at(t, LEVELS)]
        tapsInto(offsets, weights, axesAt(r, a, s), 0, 0, 0, l)
        const inside = (value: number, n: number): number => Math.min(n - 1, Math.max(0, value))
        const expected = linear(inside(r, nr), inside(a, na), inside(s, ns), inside(l, LEVELS))
        expect(tableAt(table, offsets, weights)).toBeCloseTo(expected, 4)
        expect(weights.reduce((sum, one) => sum + one, 0)).toBeCloseTo(1, 12)
      }),
    )
  })

  it('gives back what one node was shown, and elsewhere the mean of the level', () => {
    const sums = tableSums(TABLE_SIZE)
    tapsInto(offsets, weights, axesAt(2, 3, 4), 0, 0, 0, 1)
    for (let times = 0; times < 900; times++) addToTable(sums, 7, offsets, weights)
    tapsInto(offsets, weights, axesAt(0, 0, 0), 0, 0, 0, 5)
    for (let times = 0; times < 900; times++) addToTable(sums, 1, offsets, weights)
    const means = meansOf([sums], 100, LEVELS)
    const at = (r: number, a: number, s: number, l: number): number => {
      tapsInto(offsets, weights, axesAt(r, a, s), 0, 0, 0, l)
      return tableAt(means, offsets, weights)
    }
    // of the level (900 * 7 + 100 * 4) / 1000 = 6.7, where 4 is the mean of all; of the node (900 * 7 + 100 * 6.7) / 1000
    expect(at(2, 3, 4, 1)).toBeCloseTo(6.97, 4)
    expect(at(5, 6, 5, 1)).toBeCloseTo(6.7, 4)
    expect(at(5, 6, 5, 3)).toBeCloseTo(4, 4)
  })
})
