import fc from 'fast-check'
import { expect, it } from 'vitest'
import { DEPTHS_MM, LAYER_LEVELS, LAYER_TABLE_SIZE, LAYER_TAPS, layerTapsInto } from './layer-table.ts'
import { tableAt } from './node-table.ts'

it('reads a function that is linear in depth and intensity exactly, between nodes and beyond them', () => {
  const [offsets, weights] = [new Int32Array(LAYER_TAPS), new Float64Array(LAYER_TAPS)]
  const linear = (depth: number, level: number): number => 2 + 0.3 * depth - 5 * level + 0.1 * depth * level
  const table = Float32Array.from({ length: LAYER_TABLE_SIZE }, (_, i) =>
    linear(DEPTHS_MM[Math.floor(i / LAYER_LEVELS)]!, (i % LAYER_LEVELS) / (LAYER_LEVELS - 1)),
  )
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 90, noNaN: true }),
      fc.double({ min: -1, max: 2, noNaN: true }),
      (depth, level) => {
        layerTapsInto(offsets, weights, depth, level)
        const expected = linear(Math.min(45, depth), Math.min(1, Math.max(0, level)))
        expect(tableAt(table, offsets, weights)).toBeCloseTo(expected, 4)
        expect(weights.reduce((sum, one) => sum + one, 0)).toBeCloseTo(1, 12)
      },
    ),
  )
})
