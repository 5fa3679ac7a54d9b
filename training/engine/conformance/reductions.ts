/** Sums, means, extremes along axes. */
import { at, build, map, mean, reduce, sum, variance, zip } from './array.ts'
import type { Operation } from './conformance.ts'
import { grid, matrix, one } from './one-input.ts'

export const reductions: readonly Operation[] = [
  one(
    'sum',
    true,
    matrix,
    (tf, x) => tf.sum(x),
    (x) => reduce(x, [0, 1], sum),
  ),
  one(
    'sum over the last axis',
    true,
    matrix,
    (tf, x) => tf.sum(x, 1),
    (x) => reduce(x, [1], sum),
  ),
  one(
    'mean over a middle axis',
    true,
    { shape: [3, 2, 5] },
    (tf, x) => tf.mean(x, 1),
    (x) => reduce(x, [1], mean),
  ),
  one(
    'mean over the first three of four axes',
    true,
    grid,
    (tf, x) => tf.mean(x, [0, 1, 2]),
    (x) => reduce(x, [0, 1, 2], mean),
  ),
  one(
    'mean, kept axis',
    true,
    matrix,
    (tf, x) => tf.mean(x, 0, true),
    (x) => reduce(x, [0], mean, true),
  ),
  one(
    'max',
    true,
    grid,
    (tf, x) => tf.max(x),
    (x) => reduce(x, [0, 1, 2, 3], (v) => Math.max(...v)),
  ),
  one(
    'max over an axis of four',
    true,
    grid,
    (tf, x) => tf.max(x, 2),
    (x) => reduce(x, [2], (v) => Math.max(...v)),
  ),
  one(
    'min over an axis of four',
    true,
    grid,
    (tf, x) => tf.min(x, 2),
    (x) => reduce(x, [2], (v) => Math.min(...v)),
  ),
  one(
    'cumsum',
    true,
    matrix,
    (tf, x) => tf.cumsum(x, 1),
    (x) =>
      build(x.shape, ([i, j]) =>
        sum(Array.from({ length: (j as number) + 1 }, (_, k) => at(x, [i as number, k]))),
      ),
  ),
  one(
    'cumsum, reversed and exclusive',
    false,
    matrix,
    (tf, x) => tf.cumsum(x, 1, true, true),
    (x) =>
      build(x.shape, ([i, j]) =>
        sum(Array.from({ length: 4 - (j as number) }, (_, k) => at(x, [i as number, (j as number) + 1 + k]))),
      ),
  ),
  one(
    'logSumExp',
    false,
    matrix,
    (tf, x) => tf.logSumExp(x, 1),
    (x) => reduce(x, [1], (v) => Math.log(sum(v.map(Math.exp)))),
  ),
  one(
    'softmax',
    false,
    matrix,
    (tf, x) => tf.softmax(x),
    (x) =>
      zip(
        [map(x, Math.exp), reduce(map(x, Math.exp), [1], sum, true)],
        (e, total) => (e as number) / (total as number),
      ),
  ),
  one(
    'variance by moments',
    false,
    grid,
    (tf, x) => tf.moments(x, [1, 2]).variance,
    (x) => reduce(x, [1, 2], variance),
  ),
]
