import { existsSync } from 'node:fs'
import * as tf from '@tensorflow/tfjs-core'
import { describe, expect, it } from 'vitest'
import { weightShapes } from '../../../models/local-tone/network.ts'
import { random } from '../../../src/kernels/random.ts'
import { latticePair } from '../../../test/lattice-pair.ts'
import { sampleModel } from '../../../test/local-tone-oracle.ts'
import { constants, curveLoss } from '../../parts/curve-loss.ts'
import { featureCount } from '../../parts/features.ts'
import { drawSample } from '../../parts/samples.ts'
import { engineNames, startEngine } from '../engine.ts'
import { nativeFolder } from '../native-folder.ts'
import { examine, type Finding, failing, type Operation } from './conformance.ts'
import { operations } from './operations.ts'

const silent = () => {}
const withNative = existsSync(nativeFolder())
if (!withNative) process.stdout.write('native engine is not installed: its tests are skipped\n')
const installed = engineNames.filter((name) => name !== 'native' || withNative)
const named = (findings: readonly Finding[], verdict: Finding['verdict']): readonly string[] =>
  findings.filter((finding) => finding.verdict === verdict).map(({ name }) => name)

const REFUSED_EVERYWHERE = [
  'stridedSlice',
  'gatherND',
  'depthToSpace',
  'conv2d, 3x3, dilation 2',
  'conv3dTranspose',
  'einsum',
]
const REFUSED_ON_WASM = ['gather, by batch', 'conv3d, 3x3x3', 'conv3d, 3x3x3, stride 2', 'conv3d, 1x1x1']

describe.each(installed)('on %s', (engine) => {
  it('every operation has the value and gradient of its definition, or is refused by name', async () => {
    await startEngine(engine, silent)
    const findings = await examine(tf, operations)
    expect(findings.filter(({ verdict }) => verdict === 'wrong')).toEqual([])
    const refused = [...REFUSED_EVERYWHERE, ...(engine === 'wasm' ? REFUSED_ON_WASM : [])]
    expect([...named(findings, 'refused')].sort()).toEqual(refused.sort())
    expect(failing(findings)).toEqual([])
  })

  it('a refusal names operation and remedy', async () => {
    await startEngine(engine, silent)
    const slope = tf.grad((x: tf.Tensor) => tf.depthToSpace(x as tf.Tensor4D, 2))
    expect(() => slope(tf.ones([1, 2, 2, 4]))).toThrow(
      /No engine has a gradient of depthToSpace.*reshape and transpose/s,
    )
    const [image, tall] = [tf.ones<tf.Rank.R4>([1, 5, 5, 1]), tf.ones<tf.Rank.R4>([3, 1, 1, 1])]
    expect(() => tf.conv2d(image, tall, 1, 1)).toThrow(/one number of padding.*given for every side/s)
    expect(tf.conv2d(image, tall, 1, 'same').shape).toEqual([1, 5, 5, 1])
    if (engine === 'wasm') {
      const classes = tf.tensor1d([0, 2, 1], 'int32')
      expect(() => tf.oneHot(classes, 3, 1, 0, 'float32')).toThrow(/wasm engine .*oneHot.*a cast/s)
      expect(tf.oneHot(classes, 3).arraySync()).toEqual([
        [1, 0, 0],
        [0, 0, 1],
        [0, 1, 0],
      ])
      const filter = tf.ones<tf.Rank.R5>([3, 3, 3, 1, 1])
      const convolved = tf.grad((x: tf.Tensor) => tf.conv3d(x as tf.Tensor5D, filter, 1, 'same'))
      expect(() => convolved(tf.ones([1, 4, 4, 4, 1]))).toThrow(/wasm engine .*conv3d.*27 slices/s)
    }
  })
})

describe('the suite', () => {
  const relu = operations.find(({ name }) => name === 'relu') as Operation
  const changed = async (change: Partial<Operation>) => {
    await startEngine('cpu', silent)
    return (await examine(tf, [{ ...relu, ...change }]))[0]!
  }

  it('sees a wrong value', async () => {
    const { verdict, valueError } = await changed({ run: (_, [x]) => tf.mul(tf.relu(x!), 1.001) })
    expect(verdict).toBe('wrong')
    expect(valueError).toBeCloseTo(0.001, 5)
  })

  it('sees a wrong gradient behind a right value', async () => {
    const flat = tf.customGrad((x) => ({ value: tf.relu(x as tf.Tensor), gradFunc: (dy) => tf.mul(dy, 0.5) }))
    const { verdict, valueError } = await changed({ run: (_, [x]) => flat(x!) })
    expect(valueError).toBeLessThan(1e-6)
    expect(verdict).toBe('wrong')
  })

  it('forbids training with what is wrong, and with what is needed and refused', () => {
    const finding = (name: string, needed: boolean, verdict: Finding['verdict']) => ({
      name,
      needed,
      verdict,
    })
    const findings = [
      finding('a', true, 'right'),
      finding('b', false, 'refused'),
      finding('c', true, 'refused'),
      finding('d', false, 'wrong'),
    ]
    expect(failing(findings).map(({ name }) => name)).toEqual(['c', 'd'])
  })

  it('sees another shape, NaN, and what throws', async () => {
    expect((await changed({ run: (_, [x]) => tf.reshape(tf.relu(x!), [-1]) })).verdict).toBe('wrong')
    expect((await changed({ run: (_, [x]) => tf.log(tf.sub(x!, 9)) })).verdict).toBe('wrong')
    const { verdict, reason } = await changed({
      run: (_, [x]) => tf.matMul(x as tf.Tensor2D, x as tf.Tensor2D),
    })
    expect(verdict).toBe('wrong')
    expect(reason).toMatch(/inner shapes/)
  })

  it('marks as needed every kernel that a training step of local-tone runs', async () => {
    await startEngine('cpu', silent)
    const kernels = async (work: () => void): Promise<Set<string>> =>
      new Set((await tf.profile(work)).kernelNames)
    const known = new Set<string>()
    for (const { needed, inputs, run } of operations.filter((operation) => operation.needed)) {
      const slope = (...x: tf.Tensor[]) => tf.sum(tf.mul(run(tf, x), 2))
      const tensors = inputs.map(({ shape }) => tf.ones([...shape]))
      for (const name of await kernels(() => tf.grads(slope)(tensors))) known.add(name)
      expect(needed).toBe(true)
    }
    const ofStep = await kernels(trainingStep)
    expect(ofStep.size).toBeGreaterThan(15)
    expect([...ofStep].filter((name) => !known.has(name))).toEqual([])
  })
})

/** Loss and gradients of local-tone for one sample. */
function trainingStep(): void {
  const model = sampleModel(5, ['a', 't'])
  const still = { shading: 0, shiftMm: 0, mirror: 0, gain: 0, composition: 0 }
  const sample = drawSample(
    latticePair((u) => u),
    0,
    model,
    still,
    random(1, 'step'),
  )
  const shapes = Object.entries(weightShapes(featureCount(model.knots.length, 2), 5, 2))
  const weights = Object.fromEntries(
    shapes.map(([name, shape]) => [name, tf.variable(tf.randomNormal([...shape], 0, 0.1, 'float32', 1))]),
  ) as unknown as Parameters<typeof curveLoss>[1]
  const gains = tf.variable(tf.zeros([1]))
  const settings = { ...model.bounds, gradient: 1, smoothness: 0.02, gainPrior: 0.3 }
  tf.variableGrads(() => curveLoss(tf, weights, gains, [sample], () => 0, constants(tf, model), settings))
}
