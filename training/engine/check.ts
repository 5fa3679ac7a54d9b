/** A first check of an engine: one problem whose gradient and solution are known. Not a test of every operation. */
import type { Scalar, Tensor, Tensor2D } from '@tensorflow/tfjs-core'
import { RefusedError } from '../../src/errors.ts'
import type { Engine } from './engine.ts'

export interface EngineCheck {
  /** Largest error of the gradient, over the largest gradient. */
  readonly gradientError: number
  /** Largest error of the solution that Adam finds, over the largest entry of the solution. */
  readonly solutionError: number
  readonly seconds: number
}

const rows = 256
const columns = 8
const steps = 400
const tolerance = 1e-4

/**
 * Least squares `min |A w - A s|^2 / rows` with the columns of A orthogonal and of length sqrt(rows): the gradient at
 * w = 0 is -2 s, and the solution is s.
 * @throws {RefusedError} when one of them is off by more than 1e-4, relative
 */
export async function checkEngine(
  { name, tf }: Engine,
  progress: (line: string) => void,
): Promise<EngineCheck> {
  const start = performance.now()
  const s = Float32Array.from({ length: columns }, (_, j) => (j % 2 === 0 ? 1 : -1) * (1 + j / columns))
  const a = tf.tensor2d(walsh(), [rows, columns])
  const target = tf.tidy(() => tf.matMul(a, tf.tensor2d(s, [columns, 1])))
  const loss = (w: Tensor) => tf.mean<Scalar>(tf.square(tf.sub(tf.matMul(a, w as Tensor2D), target)))
  const gradient = tf.tidy(() => tf.grad(loss)(tf.zeros([columns, 1])))
  const w = tf.variable(tf.zeros([columns, 1]))
  const adam = tf.train.adam(0.05)
  for (let step = 1; step <= steps; step++) {
    adam.minimize(() => loss(w))
    if (step % 50 === 0) progress(`step ${step} of ${steps}`)
  }
  const gradientError = relativeError(
    await gradient.data(),
    s.map((value) => -2 * value),
  )
  const solutionError = relativeError(await w.data(), s)
  tf.dispose([a, target, gradient, w])
  adam.dispose()
  const worst = Math.max(gradientError, solutionError)
  if (!(worst <= tolerance))
    throw new RefusedError(
      `${name} computes wrong: off by ${worst}, relative.`,
      'Train with another engine: attune engine list',
    )
  return { gradientError, solutionError, seconds: (performance.now() - start) / 1000 }
}

/** The first columns of the Walsh matrix, (-1)^popcount(i & j): orthogonal, row by row. */
function walsh(): Float32Array {
  return Float32Array.from({ length: rows * columns }, (_, index) => {
    let bits = Math.floor(index / columns) & (index % columns)
    let sign = 1
    for (; bits !== 0; bits &= bits - 1) sign = -sign
    return sign
  })
}

function relativeError(found: ArrayLike<number>, expected: Float32Array): number {
  const errors = expected.map((value, j) => Math.abs((found[j] ?? Number.NaN) - value))
  return Math.max(...errors) / Math.max(...expected.map(Math.abs))
}
