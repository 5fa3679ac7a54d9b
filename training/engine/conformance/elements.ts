/** Operations on elements, broadcast and conditional ones included. */
import type { Tensor } from '@tensorflow/tfjs-core'
import { at, build, map, type Nd, zip } from './array.ts'
import type { Input, Operation, Tf } from './conformance.ts'
import { grid, matrix } from './one-input.ts'

const positive: Input = { shape: [4, 5], range: [0.2, 2] }

/** One input, one output of its shape. */
function unary(
  name: string,
  run: (tf: Tf, x: Tensor) => Tensor,
  f: (x: number) => number,
  { needed = false, input = matrix }: { readonly needed?: boolean; readonly input?: Input } = {},
): Operation {
  return {
    name,
    needed,
    inputs: [input],
    run: (tf, [x]) => run(tf, x as Tensor),
    reference: ([x]) => map(x as Nd, f),
  }
}

/** Two inputs, broadcast to one shape. */
function binary(
  name: string,
  run: (tf: Tf, a: Tensor, b: Tensor) => Tensor,
  f: (a: number, b: number) => number,
  {
    needed = false,
    inputs = [matrix, matrix],
  }: { readonly needed?: boolean; readonly inputs?: readonly Input[] } = {},
): Operation {
  return {
    name,
    needed,
    inputs,
    run: (tf, [a, b]) => run(tf, a as Tensor, b as Tensor),
    reference: (arrays) => zip(arrays, (x, y) => f(x as number, y as number)),
  }
}

const bias: readonly Input[] = [{ shape: [2, 3, 2, 4] }, { shape: [4] }]
const film: readonly Input[] = [{ shape: [2, 3, 2, 4] }, { shape: [2, 1, 1, 4] }]
const overColumn: readonly Input[] = [matrix, { shape: [4, 1], range: [0.5, 2] }]

export const elements: readonly Operation[] = [
  unary(
    'relu',
    (tf, x) => tf.relu(x),
    (x) => Math.max(0, x),
    { needed: true },
  ),
  unary('exp', (tf, x) => tf.exp(x), Math.exp, { needed: true }),
  unary('tanh', (tf, x) => tf.tanh(x), Math.tanh, { needed: true, input: { shape: [4, 5], range: [-3, 3] } }),
  unary('abs', (tf, x) => tf.abs(x), Math.abs, { needed: true }),
  unary(
    'square',
    (tf, x) => tf.square(x),
    (x) => x * x,
    { needed: true },
  ),
  unary('sqrt', (tf, x) => tf.sqrt(x), Math.sqrt, { needed: true, input: positive }),
  binary(
    'add, broadcast over channels',
    (tf, a, b) => tf.add(a, b),
    (a, b) => a + b,
    { needed: true, inputs: bias },
  ),
  binary(
    'sub',
    (tf, a, b) => tf.sub(a, b),
    (a, b) => a - b,
    { needed: true },
  ),
  binary(
    'mul',
    (tf, a, b) => tf.mul(a, b),
    (a, b) => a * b,
    { needed: true },
  ),
  binary(
    'mul, broadcast scalar',
    (tf, a, b) => tf.mul(a, b),
    (a, b) => a * b,
    { needed: true, inputs: [{ shape: [1] }, matrix] },
  ),
  binary(
    'div',
    (tf, a, b) => tf.div(a, b),
    (a, b) => a / b,
    { needed: true, inputs: overColumn },
  ),
  binary('maximum', (tf, a, b) => tf.maximum(a, b), Math.max, { needed: true, inputs: [grid, grid] }),
  binary('minimum', (tf, a, b) => tf.minimum(a, b), Math.min, { needed: true }),
  unary(
    'minimum with a number',
    (tf, x) => tf.minimum(0.1, x),
    (x) => Math.min(0.1, x),
    { needed: true },
  ),
  binary(
    'addN',
    (tf, a, b) => tf.addN([a, b, a]),
    (a, b) => 2 * a + b,
    { needed: true },
  ),
  unary(
    'leakyRelu',
    (tf, x) => tf.leakyRelu(x, 0.2),
    (x) => (x > 0 ? x : 0.2 * x),
  ),
  unary(
    'elu',
    (tf, x) => tf.elu(x),
    (x) => (x > 0 ? x : Math.expm1(x)),
  ),
  unary(
    'sigmoid',
    (tf, x) => tf.sigmoid(x),
    (x) => 1 / (1 + Math.exp(-x)),
  ),
  unary(
    'softplus',
    (tf, x) => tf.softplus(x),
    (x) => Math.log1p(Math.exp(x)),
  ),
  unary('log', (tf, x) => tf.log(x), Math.log, { input: positive }),
  unary(
    'rsqrt',
    (tf, x) => tf.rsqrt(x),
    (x) => 1 / Math.sqrt(x),
    { input: positive },
  ),
  unary(
    'pow 1.7',
    (tf, x) => tf.pow(x, 1.7),
    (x) => x ** 1.7,
    { input: positive },
  ),
  unary(
    'clipByValue',
    (tf, x) => tf.clipByValue(x, -0.5, 0.5),
    (x) => Math.min(0.5, Math.max(-0.5, x)),
  ),
  binary(
    'squaredDifference',
    (tf, a, b) => tf.squaredDifference(a, b),
    (a, b) => (a - b) ** 2,
    { needed: true },
  ),
  binary(
    'prelu',
    (tf, x, slope) => tf.prelu(x, slope),
    (x, slope) => (x > 0 ? x : slope * x),
    { inputs: [matrix, { shape: [5], range: [0.1, 0.5] }] },
  ),
  binary(
    'FiLM: mul, broadcast over pixels',
    (tf, a, b) => tf.mul(a, b),
    (a, b) => a * b,
    { inputs: film },
  ),
  binary(
    'FiLM: add, broadcast over pixels',
    (tf, a, b) => tf.add(a, b),
    (a, b) => a + b,
    { inputs: film },
  ),
  {
    name: 'where, fixed condition',
    needed: false,
    inputs: [matrix, matrix],
    run: (tf, [a, b]) =>
      tf.where(tf.tile(tf.tensor2d([1, 0, 0, 1, 1], [1, 5], 'bool'), [4, 1]), a as Tensor, b as Tensor),
    reference: ([a, b]) =>
      build([4, 5], (index) =>
        at((index[1] as number) % 3 === 0 || index[1] === 4 ? (a as Nd) : (b as Nd), index),
      ),
  },
  binary(
    'where, condition of a variable',
    (tf, a, b) => tf.where(tf.greater(a, b), tf.mul(a, 2), b),
    (a, b) => (a > b ? 2 * a : b),
  ),
]
