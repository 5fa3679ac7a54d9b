import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { random } from '../../src/kernels/random.ts'
import { startEngine } from '../engine/engine.ts'
import { adamStepInto, type Moments } from './adam.ts'

const fresh = (size: number): Moments => ({
  first: new Float32Array(size),
  second: new Float32Array(size),
})
const SIZE = 5
const STEPS = 12
const rng = random(1, 'gradients')
const gradients = Array.from({ length: STEPS }, () => Float32Array.from({ length: SIZE }, () => rng.normal()))
const start = [0.5, -2, 0, 1e-3, 30]

function ours(rate: number): Float32Array {
  const values = Float32Array.from(start)
  const moments = fresh(SIZE)
  for (const [i, gradient] of gradients.entries()) adamStepInto(values, moments, gradient, rate, i + 1)
  return values
}

/** Algorithm 1 of Kingma and Ba, line by line, in float64. */
function published(rate: number): number[] {
  const [beta1, beta2, epsilon] = [0.9, 0.999, 1e-7]
  return start.map((theta0, i) => {
    let [theta, m, v] = [theta0, 0, 0]
    for (let t = 1; t <= STEPS; t++) {
      const g = gradients[t - 1]![i]!
      m = beta1 * m + (1 - beta1) * g
      v = beta2 * v + (1 - beta2) * g ** 2
      const mHat = m / (1 - beta1 ** t)
      const vHat = v / (1 - beta2 ** t)
      theta -= (rate * mHat) / (Math.sqrt(vHat) + epsilon)
    }
    return theta
  })
}

describe('Adam', () => {
  it.each([1e-3, 0.1])('takes the steps of the published algorithm at rate %d', (rate) => {
    const expected = published(rate)
    for (const [i, value] of ours(rate).entries())
      expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-4 * rate + 1e-6 * Math.abs(expected[i]!))
  })

  it('takes the steps of the Adam of TensorFlow.js', async () => {
    const { tf } = await startEngine('wasm', () => {})
    const variable = tf.variable(tf.tensor1d(start))
    const optimizer = tf.train.adam(0.1, 0.9, 0.999, 1e-7)
    for (const gradient of gradients)
      optimizer.applyGradients([{ name: variable.name, tensor: tf.tensor1d(gradient) }])
    const expected = await variable.data()
    for (const [i, value] of ours(0.1).entries()) expect(value).toBeCloseTo(expected[i]!, 4)
    optimizer.dispose()
    variable.dispose()
  })

  it('moves first by the rate, whatever the size of the gradient, and against it', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e-3, max: 1e6, noNaN: true }),
        fc.boolean(),
        fc.double({ min: 1e-4, max: 1, noNaN: true }),
        (size, negative, rate) => {
          const values = new Float32Array(1)
          adamStepInto(values, fresh(1), [negative ? -size : size], rate, 1)
          expect(values[0]! / rate).toBeCloseTo(negative ? 1 : -1, 2)
        },
      ),
    )
  })

  it('stays where the gradient has always been 0', () => {
    const values = Float32Array.of(3)
    const moments = fresh(1)
    for (let step = 1; step < 5; step++) adamStepInto(values, moments, [0], 0.1, step)
    expect([...values, ...moments.first, ...moments.second]).toEqual([3, 0, 0])
  })

  it('goes on from its moments as if it had never stopped', () => {
    const values = Float32Array.from(start)
    let moments = fresh(SIZE)
    for (const [i, gradient] of gradients.entries()) {
      if (i === 7) moments = { first: moments.first.slice(), second: moments.second.slice() }
      adamStepInto(values, moments, gradient, 0.1, i + 1)
    }
    expect(values).toEqual(ours(0.1))
  })
})
