/** The contract of `method.contract.ts`, for every method that attune has. */
import { expect, it } from 'vitest'
import { UNTRAINED_MODELS } from '../src/harmonizer/closed-form.ts'
import { CODE_FIELDS } from '../src/harmonizer/image-code.ts'
import { METHODS, UNTRAINED } from '../src/harmonizer/ladder.ts'
import type { Method } from '../src/harmonizer/method.ts'
import { exportLocalTone } from '../training/parts/onnx-local-tone.ts'
import { POPULATION_METHODS } from '../training/population.ts'
import { sampleModel, sampleWeights } from './local-tone-oracle.ts'
import { type MethodCase, methodContract } from './method.contract.ts'
import { sampleUnet } from './residual-unet-oracle.ts'

/** The method's own way of learning a reference, shown one image. */
function learned(method: Method): Pick<MethodCase, 'fitTo'> {
  return {
    fitTo: (x, mask) => {
      const collector = POPULATION_METHODS[method]!({ peak: 'last', tissue: 'bright' })
      collector.add(x, mask, 1)
      return collector.model()
    },
  }
}

const network = sampleModel(4, ['a', 'b'])
const unet = sampleUnet(CODE_FIELDS, 40)
const straight = { kind: 'tone', referenceScale: 380, knots: [0, 1, 2], tones: { a: [0, 1, 2] } } as const
/** Rounding of float32 gain and offset. */
const EXACT = 1e-5

const cases: readonly MethodCase[] = [
  {
    model: { kind: 'identity' },
    invariant: 'nothing',
    global: true,
    fitTo: () => ({ kind: 'identity' }),
    idempotence: EXACT,
  },
  {
    model: { kind: 'zscore', mean: 400, sd: 120 },
    invariant: 'gain and offset',
    global: true,
    ...learned('zscore'),
    idempotence: EXACT,
  },
  {
    model: { kind: 'whitestripe', peak: 'last', mean: 700, sd: 12 },
    invariant: 'gain and offset',
    global: true,
    ...learned('whitestripe'),
    idempotence: EXACT,
  },
  {
    model: { kind: 'kde', peak: 'last', mode: 700 },
    invariant: 'gain',
    global: true,
    ...learned('kde'),
    idempotence: EXACT,
  },
  {
    model: { kind: 'fcm', tissue: 'bright', mean: 690 },
    invariant: 'gain',
    global: true,
    ...learned('fcm'),
    idempotence: EXACT,
  },
  {
    model: { kind: 'lsq', means: [150, 420, 690] },
    invariant: 'gain',
    global: true,
    ...learned('lsq'),
    idempotence: EXACT,
  },
  {
    model: { kind: 'nyul', percentiles: [1, 25, 50, 75, 99], landmarks: [20, 210, 400, 560, 900] },
    invariant: 'gain and offset',
    global: true,
    ...learned('nyul'),
    idempotence: EXACT,
  },
  {
    model: { kind: 'histogram', quantiles: [5, 200, 380, 600, 900] },
    invariant: 'gain and offset',
    global: true,
    ...learned('histogram'),
    // The stored quantile function has 1001 levels; integers lie between.
    idempotence: 5e-3,
  },
  {
    model: { kind: 'tone', referenceScale: 380, knots: [0, 0.4, 1, 2], tones: { a: [0, 0.5, 1, 1.6] } },
    invariant: 'gain',
    global: true,
    fitTo: (x, mask) => ({ ...straight, referenceScale: medianOf(x, mask) }),
    idempotence: EXACT,
  },
  {
    model: network,
    graphs: { 'curves.onnx': exportLocalTone(network, sampleWeights(network, 5)).curves },
    invariant: 'gain',
    global: false,
    idempotence: Number.NaN,
  },
  {
    model: unet.model,
    graphs: { 'network.onnx': unet.graph },
    invariant: 'gain',
    global: false,
    idempotence: Number.NaN,
  },
]

function medianOf(x: Float32Array, mask: Uint8Array): number {
  const inside = x.filter((_, i) => mask[i] !== 0).sort()
  const h = (inside.length - 1) / 2
  return (inside[Math.floor(h)]! + inside[Math.ceil(h)]!) / 2
}

it('covers every method of the ladder, in its order', () => {
  expect(cases.map(({ model }) => model.kind)).toEqual(METHODS)
})

it('has an untrained model of each method that the ladder says needs no training', () => {
  expect(UNTRAINED_MODELS.map(({ kind }) => kind)).toEqual(UNTRAINED)
})

for (const one of cases) methodContract(one)
