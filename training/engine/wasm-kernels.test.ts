import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { random } from '../../src/kernels/random.ts'
import { startEngine } from './engine.ts'

const rng = random(1, 'wasm kernels')
const drawn = (shape: number[]): tf.Tensor => {
  const size = shape.reduce((product, n) => product * n, 1)
  return tf.tensor(
    Float32Array.from({ length: size }, () => rng.normal()),
    shape,
  )
}
const rows = (x: tf.Tensor): number[][] => x.arraySync() as number[][]
/** Rows of a times columns of b. */
const product = (a: number[][], b: number[][]): number[][] =>
  a.map((row) => b[0]!.map((_, to) => row.reduce((sum, value, k) => sum + value * b[k]![to]!, 0)))
const turned = (a: number[][]): number[][] => a[0]!.map((_, k) => a.map((row) => row[k]!))
const expectClose = (found: number[][], expected: number[][]): void => {
  expect(found.length).toBe(expected.length)
  for (const [i, row] of expected.entries())
    for (const [k, value] of row.entries()) expect(found[i]![k]).toBeCloseTo(value, 4)
}

beforeAll(async () => {
  await startEngine('wasm', () => {})
})

describe('matMul', () => {
  it.each([
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ])('is the sum of products, first matrix turned: %s, second: %s', (first, second) => {
    const [a, b] = [drawn(first ? [5, 3] : [3, 5]), drawn(second ? [4, 5] : [5, 4])] as [
      tf.Tensor2D,
      tf.Tensor2D,
    ]
    const expected = product(first ? turned(rows(a)) : rows(a), second ? turned(rows(b)) : rows(b))
    expectClose(rows(tf.matMul(a, b, first, second)), expected)
  })

  it('is right where the same numbers come again in another shape, and leaves memory whole', () => {
    const numbers = drawn([6, 4])
    const again = tf.reshape(numbers, [2, 12]) as tf.Tensor2D
    const [a, b] = [drawn([3, 6]), drawn([3, 2])] as [tf.Tensor2D, tf.Tensor2D]
    expectClose(rows(tf.matMul(a, numbers as tf.Tensor2D)), product(rows(a), rows(numbers)))
    expectClose(rows(tf.matMul(b, again)), product(rows(b), rows(again)))
    tf.dispose([numbers, again])
  })

  it('keeps no tensor', () => {
    const [a, b] = [drawn([5, 3]), drawn([5, 4])] as [tf.Tensor2D, tf.Tensor2D]
    const before = tf.memory().numTensors
    tf.matMul(a, b, true).dispose()
    expect(tf.memory().numTensors).toBe(before)
  })
})

it('compares tensors of two shapes element by element, NaN equal to nothing', () => {
  const x = tf.tensor2d([
    [1, 2, Number.NaN],
    [3, 2, Number.POSITIVE_INFINITY],
  ])
  const y = tf.tensor2d([[1], [Number.POSITIVE_INFINITY]])
  expect(rows(tf.cast(tf.equal(x, y), 'int32'))).toEqual([
    [1, 0, 0],
    [0, 0, 1],
  ])
})

it.each([
  ['same', 1],
  ['valid', 1],
  [1, 1],
  [3, 1],
  ['same', 2],
] as const)(
  'a convolution has the gradient of its images that sums give, pad %s, stride %d',
  (pad, stride) => {
    const [h, w, kh, kw] = [6, 5, 3, 3]
    const kernel = drawn([kh, kw, 2, 3]) as tf.Tensor4D
    const images = drawn([1, h, w, 2]) as tf.Tensor4D
    const convolve = (x: tf.Tensor4D): tf.Tensor4D => tf.conv2d(x, kernel, stride, pad)
    const dy = drawn(convolve(images).shape)
    const gradient = tf.grad((x: tf.Tensor) => tf.sum(tf.mul(convolve(x as tf.Tensor4D), dy)))(images)
    const found = gradient.dataSync()
    // linear: the slope along one pixel is the whole change when that pixel grows by 1
    const valueAt = (pixel: number): number => {
      const one = new Float32Array(h * w * 2)
      one[pixel] = 1
      return tf.sum(tf.mul(convolve(tf.tensor4d(one, [1, h, w, 2])), dy)).dataSync()[0]!
    }
    for (let pixel = 0; pixel < found.length; pixel += 7) expect(found[pixel]).toBeCloseTo(valueAt(pixel), 4)
  },
)
