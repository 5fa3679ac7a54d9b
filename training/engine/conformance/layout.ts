/** Operations that move elements: padding, slices, transposition, gathering. */
import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core'
import { at, build, type Nd, reshape, sum } from './array.ts'
import type { Input, Operation } from './conformance.ts'
import { grid, matrix, one } from './one-input.ts'

const pads = [
  [0, 0],
  [1, 2],
  [2, 1],
  [1, 0],
] as const
const pad = (rank: number): Operation =>
  one(
    `pad, rank ${rank}`,
    rank === 2 || rank === 4,
    { shape: [2, 3, 4, 2].slice(0, rank) },
    (tf, x) =>
      tf.pad(
        x,
        pads.slice(4 - rank).map((p): [number, number] => [...p]),
      ),
    (x) =>
      build(
        x.shape.map((n, axis) => n + padOf(rank, axis)[0] + padOf(rank, axis)[1]),
        (index) =>
          at(
            x,
            index.map((i, axis) => i - padOf(rank, axis)[0]),
          ),
      ),
  )
const padOf = (rank: number, axis: number): readonly [number, number] =>
  pads[4 - rank + axis] as readonly [number, number]

const shifted =
  (begin: readonly number[], size: readonly number[]) =>
  (x: Nd): Nd =>
    build(size, (index) =>
      at(
        x,
        index.map((i, axis) => i + (begin[axis] as number)),
      ),
    )
const permuted =
  (order: readonly number[]) =>
  (x: Nd): Nd =>
    build(
      order.map((axis) => x.shape[axis] as number),
      (index) => {
        const from = [...index]
        order.forEach((axis, k) => {
          from[axis] = index[k] as number
        })
        return at(x, from)
      },
    )
const joined =
  (axis: number): Operation['reference'] =>
  ([a, b]) => {
    const [x, y] = [a as Nd, b as Nd]
    const n = x.shape[axis] as number
    return build(
      x.shape.map((m, k) => (k === axis ? m + (y.shape[axis] as number) : m)),
      (index) => {
        const i = index[axis] as number
        return i < n
          ? at(x, index)
          : at(
              y,
              index.map((m, k) => (k === axis ? m - n : m)),
            )
      },
    )
  }
const concat = (axis: number, inputs: readonly Input[], needed: boolean): Operation => ({
  name: `concat, axis ${axis}`,
  needed,
  inputs,
  run: (tf, tensors) => tf.concat([...tensors], axis),
  reference: joined(axis),
})

export const layout: readonly Operation[] = [
  ...[1, 2, 3, 4].map(pad),
  one('slice, rank 1', true, { shape: [5] }, (tf, x) => tf.slice(x, [3], [1]), shifted([3], [1])),
  one('slice, rank 2', true, matrix, (tf, x) => tf.slice(x, [0, 4], [-1, 1]), shifted([0, 4], [4, 1])),
  one(
    'slice, rank 4',
    true,
    grid,
    (tf, x) => tf.slice(x, [1, 0, 1, 0], [2, 3, 1, 3]),
    shifted([1, 0, 1, 0], [2, 3, 1, 3]),
  ),
  one(
    'reshape',
    true,
    grid,
    (tf, x) => tf.reshape(x, [12, -1]),
    (x) => reshape(x, [12, 6]),
  ),
  one(
    'transpose, rank 3',
    true,
    { shape: [3, 4, 2] },
    (tf, x) => tf.transpose(x, [1, 0, 2]),
    permuted([1, 0, 2]),
  ),
  one('transpose, rank 4', false, grid, (tf, x) => tf.transpose(x, [0, 3, 1, 2]), permuted([0, 3, 1, 2])),
  one(
    'transpose, rank 5',
    false,
    { shape: [2, 3, 2, 2, 2] },
    (tf, x) => tf.transpose(x, [0, 4, 2, 1, 3]),
    permuted([0, 4, 2, 1, 3]),
  ),
  concat(1, [{ shape: [4, 3] }, { shape: [4, 2] }], true),
  concat(3, [{ shape: [1, 2, 3, 2] }, { shape: [1, 2, 3, 4] }], false),
  one(
    'stack',
    false,
    matrix,
    (tf, x) => tf.stack([x, tf.square(x)], 1),
    (x) => build([4, 2, 5], ([i, s, j]) => at(x, [i as number, j as number]) ** ((s as number) + 1)),
  ),
  one(
    'split',
    true,
    { shape: [4, 6] },
    (tf, x) => tf.mul(...(tf.split(x, 2, 1) as [Tensor, Tensor])),
    (x) =>
      build([4, 3], ([i, j]) => at(x, [i as number, j as number]) * at(x, [i as number, (j as number) + 3])),
  ),
  one(
    'tile',
    false,
    { shape: [2, 1, 3, 2] },
    (tf, x) => tf.tile(x, [1, 4, 2, 1]),
    (x) => build([2, 4, 6, 2], ([b, , j, c]) => at(x, [b as number, 0, (j as number) % 3, c as number])),
  ),
  one(
    'broadcastTo',
    false,
    { shape: [2, 1, 3] },
    (tf, x) => tf.broadcastTo(x, [2, 4, 3]),
    (x) => build([2, 4, 3], ([i, , k]) => at(x, [i as number, 0, k as number])),
  ),
  one(
    'reverse',
    false,
    { shape: [2, 3, 4] },
    (tf, x) => tf.reverse(x, [1, 2]),
    (x) => build(x.shape, ([i, j, k]) => at(x, [i as number, 2 - (j as number), 3 - (k as number)])),
  ),
  one(
    'stridedSlice',
    false,
    { shape: [6, 5] },
    (tf, x) => tf.stridedSlice(x, [0, 1], [6, 5], [2, 2]),
    (x) => build([3, 2], ([i, j]) => at(x, [2 * (i as number), 1 + 2 * (j as number)])),
  ),
  one(
    'gather, axis 0',
    true,
    { shape: [7, 3] },
    (tf, x) => tf.gather(x, tf.tensor1d([0, 2, 2, 6], 'int32')),
    (x) => build([4, 3], ([i, j]) => at(x, [[0, 2, 2, 6][i as number] as number, j as number])),
  ),
  one(
    'gather, axis 1',
    false,
    { shape: [4, 7, 3] },
    (tf, x) => tf.gather(x, tf.tensor1d([0, 2, 2, 6], 'int32'), 1),
    (x) =>
      build([4, 4, 3], ([i, j, k]) => at(x, [i as number, [0, 2, 2, 6][j as number] as number, k as number])),
  ),
  one(
    'gather, by batch',
    false,
    { shape: [2, 7, 3] },
    (tf, x) => tf.gather(x, tf.tensor2d([0, 1, 1, 6, 2, 0], [2, 3], 'int32'), 1, 1),
    (x) =>
      build([2, 3, 3], ([i, j, k]) =>
        at(x, [i as number, [0, 1, 1, 6, 2, 0][3 * (i as number) + (j as number)] as number, k as number]),
      ),
  ),
  one(
    'gatherND',
    false,
    { shape: [4, 5, 3] },
    (tf, x) => tf.gatherND(x, tf.tensor2d([0, 1, 3, 4, 0, 1], [3, 2], 'int32')),
    (x) =>
      build([3, 3], ([i, k]) =>
        at(x, [[0, 3, 0][i as number] as number, [1, 4, 1][i as number] as number, k as number]),
      ),
  ),
  one(
    'unsortedSegmentSum',
    false,
    { shape: [6, 3] },
    (tf, x) => tf.unsortedSegmentSum(x as Tensor2D, tf.tensor1d([0, 1, 1, 2, 0, 3], 'int32'), 4),
    (x) =>
      build([4, 3], ([s, j]) =>
        sum([0, 1, 1, 2, 0, 3].map((id, i) => (id === s ? at(x, [i, j as number]) : 0))),
      ),
  ),
  one(
    'depthToSpace',
    false,
    { shape: [1, 2, 3, 8] },
    (tf, x) => tf.depthToSpace(x as Tensor4D, 2),
    (x) =>
      build([1, 4, 6, 2], ([b, y, z, c]) =>
        at(x, [
          b as number,
          Math.floor((y as number) / 2),
          Math.floor((z as number) / 2),
          4 * ((y as number) % 2) + 2 * ((z as number) % 2) + (c as number),
        ]),
      ),
  ),
]
