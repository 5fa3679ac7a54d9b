import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { random } from './random.ts'
import { sortFloats } from './sort.ts'

const bytes = (values: Float32Array): Buffer =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength)

describe('sortFloats', () => {
  it('orders as the built-in sort does, bit for bit: both signs, zeros, infinities and the smallest numbers among them', () => {
    const awkward = fc.constantFrom(
      ...[0, -0, 1, -1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e-45, -1e-45, 3.4e38, -3.4e38],
    )
    fc.assert(
      fc.property(
        fc.array(fc.oneof(awkward, fc.float({ noNaN: true })), { maxLength: 50 }),
        fc.integer(),
        fc.constantFrom(0, 4900, 6000, 20_000),
        (some, seed, more) => {
          const rng = random(seed, 'values')
          const drawn = Array.from({ length: more }, () => Math.round(100 * rng.normal()) * rng.uniform())
          const values = Float32Array.from([...some, ...drawn])
          expect(bytes(sortFloats(values.slice())).equals(bytes(values.slice().sort()))).toBe(true)
        },
      ),
      { numRuns: 30 },
    )
  })

  it('leaves alone what lies around a part of an array', () => {
    const all = Float32Array.from({ length: 12_000 }, (_, i) => -i)
    expect(sortFloats(all.subarray(1000, 11_000))).toHaveLength(10_000)
    expect([all[999], all[1000], all[10_999], all[11_000]]).toEqual([-999, -10_999, -1000, -11_000])
  })
})
