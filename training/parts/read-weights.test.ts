import { describe, expect, it } from 'vitest'
import { InputError } from '../../src/errors.ts'
import { sampleModel, sampleWeights } from '../../test/local-tone-oracle.ts'
import { exportLocalTone } from './onnx-local-tone.ts'
import { readWeights } from './read-weights.ts'

const model = sampleModel(4, ['a', 'b'])
const weights = sampleWeights(model, 3)
const graphs = exportLocalTone(model, weights)

describe('readWeights', () => {
  it('gives back what was exported, to the last bit, from either graph', () => {
    expect(readWeights(graphs.curves)).toEqual(weights)
    expect(readWeights(graphs.complete)).toEqual(weights)
  })
  it('refuses what is no ONNX file, and a graph that is cut short', () => {
    expect(() => readWeights(Uint8Array.of(1, 2, 3))).toThrow(InputError)
    expect(() => readWeights(new Uint8Array())).toThrow(InputError)
    expect(() => readWeights(graphs.curves.subarray(0, 5000))).toThrow(InputError)
  })
})
