/** Products, convolutions, pooling, resizing, and the blocks of networks that are made of them. */
import type { Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D, Tensor5D } from '@tensorflow/tfjs-core'
import { at, build, map, mean, type Nd, reduce, variance, zip } from './array.ts'
import type { Input, Operation, Tf } from './conformance.ts'
import {
  convolve,
  convolveTransposed,
  depthwise,
  type Grid,
  matMul,
  mirrorPad,
  type Padding,
  pool,
  resizeBilinear,
  resizeNearest,
} from './naive.ts'
import { one } from './one-input.ts'

type T1 = Tensor1D
type T2 = Tensor2D
type T3 = Tensor3D
type T4 = Tensor4D
type T5 = Tensor5D

function two<A extends Tensor, B extends Tensor>(
  name: string,
  shapes: readonly [readonly number[], readonly number[]],
  run: (tf: Tf, a: A, b: B) => Tensor,
  f: (a: Nd, b: Nd) => Nd,
  needed = false,
): Operation {
  return {
    name,
    needed,
    inputs: shapes.map((shape) => ({ shape })),
    run: (tf, [a, b]) => run(tf, a as A, b as B),
    reference: ([a, b]) => f(a as Nd, b as Nd),
  }
}

const products: readonly Operation[] = [
  two<T2, T2>(
    'matMul',
    [
      [4, 6],
      [6, 3],
    ],
    (tf, a, b) => tf.matMul(a, b),
    matMul,
    true,
  ),
  two<T3, T3>(
    'matMul, batch',
    [
      [2, 4, 5],
      [2, 5, 3],
    ],
    (tf, a, b) => tf.matMul(a, b),
    matMul,
  ),
  two<T3, T3>(
    'matMul, batch, both transposed',
    [
      [2, 5, 4],
      [2, 3, 5],
    ],
    (tf, a, b) => tf.matMul(a, b, true, true),
    (a, b) => matMul(a, b, true),
  ),
]

const conv2d = (name: string, k: number, stride: number, padding: Padding, dilation = 1): Operation =>
  two<T4, T4>(
    `conv2d, ${name}`,
    [
      [1, 6, 5, 2],
      [k, k, 2, 3],
    ],
    (tf, x, w) => tf.conv2d(x, w, stride, padding, 'NHWC', dilation),
    (x, w) => convolve(x, w, stride, padding, dilation),
    name === '3x3',
  )
const conv3d = (name: string, k: number, stride: number): Operation =>
  two<T5, T5>(
    `conv3d, ${name}`,
    [
      [1, 4, 3, 4, 2],
      [k, k, k, 2, 2],
    ],
    (tf, x, w) => tf.conv3d(x, w, stride, 'same'),
    (x, w) => convolve(x, w, stride, 'same'),
  )

const convolutions: readonly Operation[] = [
  conv2d('3x3', 3, 1, 'same'),
  conv2d('3x3, valid', 3, 1, 'valid'),
  conv2d('3x3, stride 2', 3, 2, 'same'),
  conv2d('4x4, stride 2', 4, 2, 'same'),
  conv2d('1x1', 1, 1, 'same'),
  conv2d('3x3, dilation 2', 3, 1, 'same', 2),
  two<T3, T3>(
    'conv1d',
    [
      [2, 7, 2],
      [3, 2, 3],
    ],
    (tf, x, w) => tf.conv1d(x, w, 1, 'same'),
    (x, w) => convolve(x, w, 1, 'same'),
  ),
  two<T4, T4>(
    'conv2dTranspose, 2x2, stride 2',
    [
      [1, 3, 4, 3],
      [2, 2, 2, 3],
    ],
    (tf, x, w) => tf.conv2dTranspose(x, w, [1, 6, 8, 2], 2, 'same'),
    (x, w) => convolveTransposed(x, w, 2),
  ),
  two<T4, T4>(
    'conv2dTranspose, 4x4, stride 2',
    [
      [1, 3, 4, 3],
      [4, 4, 2, 3],
    ],
    (tf, x, w) => tf.conv2dTranspose(x, w, [1, 6, 8, 2], 2, 'same'),
    (x, w) => convolveTransposed(x, w, 2),
  ),
  two<T4, T4>(
    'depthwiseConv2d',
    [
      [1, 6, 5, 2],
      [3, 3, 2, 2],
    ],
    (tf, x, w) => tf.depthwiseConv2d(x, w, 1, 'same'),
    (x, w) => depthwise(x, w, 1, 'same'),
  ),
  {
    name: 'fused conv2d with bias and relu',
    needed: false,
    inputs: [{ shape: [1, 6, 5, 2] }, { shape: [3, 3, 2, 3] }, { shape: [3] }],
    run: (tf, [x, filter, bias]) =>
      tf.fused.conv2d({
        x: x as T4,
        filter: filter as T4,
        strides: 1,
        pad: 'same',
        bias: bias as T1,
        activation: 'relu',
      }),
    reference: ([x, w, b]) =>
      zip([convolve(x as Nd, w as Nd, 1, 'same'), b as Nd], (y, shift) =>
        Math.max(0, (y as number) + (shift as number)),
      ),
  },
  two<T4, T4>(
    'conv3d as 27 slices',
    [
      [4, 3, 4, 2],
      [27, 2, 2],
    ],
    (tf, x, w) => conv27(tf, x, w),
    (x, w) => {
      const volume = { shape: [1, ...x.shape], data: x.data }
      const { data, shape } = convolve(volume, { shape: [3, 3, 3, 2, 2], data: w.data }, 1, 'same')
      return { shape: shape.slice(1), data }
    },
    true,
  ),
  conv3d('3x3x3', 3, 1),
  conv3d('3x3x3, stride 2', 3, 2),
  conv3d('1x1x1', 1, 1),
  two<T5, T5>(
    'conv3dTranspose',
    [
      [1, 2, 2, 3, 2],
      [2, 2, 2, 2, 2],
    ],
    (tf, x, w) => tf.conv3dTranspose(x, w, [1, 4, 4, 6, 2], 2, 'same'),
    (x, w) => convolveTransposed(x, w, 2),
  ),
]

/** As the network of `local-tone` convolves: pad, slice, reshape, concat, matMul. */
function conv27(tf: Tf, x: T4, kernel: Tensor): Tensor {
  const [d, h, w, c] = x.shape
  const padded = tf.pad(x, [
    [1, 1],
    [1, 1],
    [1, 1],
    [0, 0],
  ])
  const taps = Array.from({ length: 27 }, (_, tap) =>
    tf.reshape(tf.slice(padded, [Math.floor(tap / 9), Math.floor(tap / 3) % 3, tap % 3, 0], [d, h, w, c]), [
      d * h * w,
      c,
    ]),
  )
  return tf.reshape(tf.matMul(tf.concat(taps, 1), tf.reshape(kernel, [27 * c, -1])), [d, h, w, -1])
}

const below0: Input = { shape: [1, 6, 5, 2], range: [-2, -1] }
const around0: Input = { shape: [1, 6, 5, 2] }
const largest = (values: readonly number[]): number => Math.max(...values)

const pooling: readonly Operation[] = [
  one<T4>(
    'maxPool',
    false,
    around0,
    (tf, x) => tf.maxPool(x, 2, 2, 'same'),
    (x) => pool(x, 2, 2, 'same', largest),
  ),
  one<T4>(
    'maxPool, 3x3 windows that overlap',
    false,
    around0,
    (tf, x) => tf.maxPool(x, 3, 2, 'same'),
    (x) => pool(x, 3, 2, 'same', largest),
  ),
  one<T4>(
    'maxPool below 0',
    false,
    below0,
    (tf, x) => tf.maxPool(x, 2, 2, 'same'),
    (x) => pool(x, 2, 2, 'same', largest),
  ),
  one<T4>(
    'avgPool',
    false,
    around0,
    (tf, x) => tf.avgPool(x, 2, 2, 'valid'),
    (x) => pool(x, 2, 2, 'valid', mean),
  ),
  one<T4>(
    'avgPool, 3x3 windows, padded',
    false,
    around0,
    (tf, x) => tf.avgPool(x, 3, 2, 'same'),
    (x) => pool(x, 3, 2, 'same', mean),
  ),
  one<T5>(
    'maxPool3d',
    false,
    { shape: [1, 4, 3, 4, 2] },
    (tf, x) => tf.maxPool3d(x, 2, 2, 'same'),
    (x) => pool(x, 2, 2, 'same', largest),
  ),
  one<T5>(
    'maxPool3d below 0',
    false,
    { shape: [1, 4, 3, 4, 2], range: [-2, -1] },
    (tf, x) => tf.maxPool3d(x, 2, 2, 'same'),
    (x) => pool(x, 2, 2, 'same', largest),
  ),
  one<T5>(
    'avgPool3d',
    false,
    { shape: [1, 4, 3, 4, 2] },
    (tf, x) => tf.avgPool3d(x, 2, 2, 'same'),
    (x) => pool(x, 2, 2, 'same', mean),
  ),
]

const small: Input = { shape: [1, 3, 4, 2] }
const bilinear = (name: string, size: readonly [number, number], rule: Grid): Operation =>
  one<T4>(
    `resizeBilinear, ${name}`,
    false,
    small,
    (tf, x) => tf.image.resizeBilinear(x, [...size], rule === 'align-corners', rule === 'half-pixel'),
    (x) => resizeBilinear(x, size, rule),
  )
const nearest = (name: string, size: readonly [number, number], rule: Grid): Operation =>
  one<T4>(
    `resizeNearestNeighbor, ${name}`,
    false,
    small,
    (tf, x) => tf.image.resizeNearestNeighbor(x, [...size], rule === 'align-corners', rule === 'half-pixel'),
    (x) => resizeNearest(x, size, rule),
  )

const resizing: readonly Operation[] = [
  bilinear('doubled', [6, 8], 'corner'),
  bilinear('smaller', [2, 3], 'corner'),
  bilinear('corners aligned', [6, 8], 'align-corners'),
  bilinear('half-pixel centres, doubled', [6, 8], 'half-pixel'),
  bilinear('half-pixel centres, smaller', [2, 3], 'half-pixel'),
  nearest('doubled', [6, 8], 'corner'),
  nearest('smaller', [2, 3], 'corner'),
  nearest('half-pixel centres, doubled', [6, 8], 'half-pixel'),
]

const MIRROR: [number, number][] = [
  [0, 0],
  [1, 2],
  [2, 1],
  [0, 0],
]
const mirror = (mode: 'reflect' | 'symmetric'): Operation =>
  one<T4>(
    `mirrorPad, ${mode}`,
    false,
    { shape: [1, 4, 3, 2] },
    (tf, x) => tf.mirrorPad(x, MIRROR, mode),
    (x) => mirrorPad(x, MIRROR, mode),
  )

const EPSILON = 1e-3
const blocks: readonly Operation[] = [
  mirror('reflect'),
  mirror('symmetric'),
  {
    name: 'instance norm of basic operations',
    needed: false,
    inputs: [{ shape: [2, 4, 3, 2] }, { shape: [2] }, { shape: [2] }],
    run: (tf, [x, gain, shift]) => {
      const centred = tf.sub(x as Tensor, tf.mean(x as Tensor, [1, 2], true))
      const spread = tf.rsqrt(tf.add(tf.mean(tf.square(centred), [1, 2], true), EPSILON))
      return tf.add(tf.mul(tf.mul(centred, spread), gain as Tensor), shift as Tensor)
    },
    reference: ([x, gain, shift]) =>
      zip(
        [
          x as Nd,
          reduce(x as Nd, [1, 2], mean, true),
          map(reduce(x as Nd, [1, 2], variance, true), (v) => 1 / Math.sqrt(v + EPSILON)),
          gain as Nd,
          shift as Nd,
        ],
        (v, m, s, g, b) => ((v as number) - (m as number)) * (s as number) * (g as number) + (b as number),
      ),
  },
  {
    name: 'batchNorm',
    needed: false,
    inputs: [
      { shape: [2, 3, 2, 2] },
      { shape: [2] },
      { shape: [2], range: [0.5, 2] },
      { shape: [2] },
      { shape: [2] },
    ],
    run: (tf, [x, m, v, shift, gain]) =>
      tf.batchNorm(x as T4, m as T1, v as T1, shift as T1, gain as T1, EPSILON),
    reference: (arrays) =>
      zip(
        arrays,
        (x, m, v, b, g) =>
          (((x as number) - (m as number)) * (g as number)) / Math.sqrt((v as number) + EPSILON) +
          (b as number),
      ),
  },
  two<T3, T2>(
    'einsum',
    [
      [2, 4, 5],
      [5, 3],
    ],
    (tf, a, b) => tf.einsum('bij,jk->bik', a, b),
    (a, b) =>
      build([2, 4, 3], ([n, i, k]) =>
        [0, 1, 2, 3, 4].reduce(
          (total, j) => total + at(a, [n as number, i as number, j]) * at(b, [j, k as number]),
          0,
        ),
      ),
  ),
]

export const spatial: readonly Operation[] = [
  ...products,
  ...convolutions,
  ...pooling,
  ...resizing,
  ...blocks,
]
