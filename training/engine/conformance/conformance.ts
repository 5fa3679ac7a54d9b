/**
 * Is an engine right, operation by operation? Values are compared with naive references in float64, gradients with
 * central differences of the same references, element by element. Nothing is differenced in float32, so that
 * what is left is the rounding of the engine alone.
 */
import type * as TensorFlow from '@tensorflow/tfjs-core'
import { RefusedError } from '../../../src/errors.ts'
import { random } from '../../../src/kernels/random.ts'
import { build, type Nd, sizeOf } from './array.ts'

export type Tf = typeof TensorFlow

export interface Operation {
  readonly name: string
  /** Whether a training of today needs it; the others are for networks to come. */
  readonly needed: boolean
  readonly inputs: readonly Input[]
  readonly run: (tf: Tf, inputs: readonly TensorFlow.Tensor[]) => TensorFlow.Tensor
  readonly reference: (inputs: readonly Nd[]) => Nd
}

/** A shape, and the range from which its values are drawn: -1 to 1 where none is given. */
export interface Input {
  readonly shape: readonly number[]
  readonly range?: readonly [low: number, high: number]
}

export type Verdict = 'right' | 'wrong' | 'refused'

export interface Finding {
  readonly name: string
  readonly needed: boolean
  /** Largest error over the largest reference value; absent where the operation threw. */
  readonly valueError?: number
  readonly gradientError?: number
  readonly verdict: Verdict
  /** Why it threw. */
  readonly reason?: string
}

/**
 * Largest relative error allowed. Sums here have at most about a hundred terms of size 1, each rounded to 2^-24, and
 * engines approximate exp and tanh to some units in the last place: right results lie below 2e-6, wrong ones above 1e-2.
 */
export const TOLERANCE = 1e-5
/** Of the central differences: their own error, about h^2 from curvature and 1e-16 / h from rounding, stays near 1e-10. */
const STEP = 1e-5
const SEED = 20

/** What forbids an engine to train: a wrong operation, or a refused one that training needs. */
export function failing(findings: readonly Finding[]): readonly Finding[] {
  return findings.filter(({ verdict, needed }) => verdict === 'wrong' || (needed && verdict === 'refused'))
}

/** Examines operations one after the other; none stops the others. */
export async function examine(
  tf: Tf,
  operations: readonly Operation[],
  progress: (line: string) => void = () => {},
): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  for (const operation of operations) {
    progress(operation.name)
    findings.push(await examineOne(tf, operation))
  }
  return findings
}

async function examineOne(tf: Tf, operation: Operation): Promise<Finding> {
  const { name, needed, reference } = operation
  const inputs = drawInputs(operation)
  const expected = reference(inputs)
  const weights = drawWeights(name, expected)
  try {
    const found = await compute(tf, operation, inputs, weights)
    const valueError = same(found.shape, expected.shape)
      ? relativeError([found.value], [expected.data])
      : Infinity
    const gradientError = relativeError(found.gradients, differences(reference, inputs, weights))
    const verdict = Math.max(valueError, gradientError) <= TOLERANCE ? 'right' : 'wrong'
    return { name, needed, valueError, gradientError, verdict }
  } catch (error) {
    const [reason = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
    return { name, needed, verdict: error instanceof RefusedError ? 'refused' : 'wrong', reason }
  }
}

interface Computed {
  readonly shape: readonly number[]
  readonly value: ArrayLike<number>
  readonly gradients: readonly ArrayLike<number>[]
}

/** Value, and gradients of the weighted sum of the value, on the engine. */
async function compute(tf: Tf, { run }: Operation, inputs: readonly Nd[], weights: Nd): Promise<Computed> {
  const scope = tf.engine()
  scope.startScope()
  try {
    const tensors = inputs.map(({ data, shape }) => tf.tensor(Float32Array.from(data), [...shape]))
    const factors = tf.tensor(Float32Array.from(weights.data), [...weights.shape])
    const value = run(tf, tensors)
    const gradients = tf.grads((...x) => tf.sum(tf.mul(run(tf, x), factors)))(tensors)
    return {
      shape: value.shape,
      value: await value.data(),
      gradients: await Promise.all(gradients.map((gradient) => gradient.data())),
    }
  } finally {
    scope.endScope()
  }
}

/**
 * Values on an even grid over the range, shuffled over all inputs of an operation: no two are equal and none is 0, so that
 * no maximum, border or kink lies within the step of the differences. All are exact in float32.
 */
function drawInputs({ name, inputs }: Operation): readonly Nd[] {
  const rng = random(SEED, name)
  const total = inputs.reduce((n, { shape }) => n + sizeOf(shape), 0)
  const ranks = Array.from({ length: total }, (_, i) => i)
  for (let i = total - 1; i > 0; i--) {
    const j = rng.integer(i + 1)
    ;[ranks[i], ranks[j]] = [ranks[j] as number, ranks[i] as number]
  }
  let next = 0
  return inputs.map(({ shape, range: [low, high] = [-1, 1] }) =>
    build(shape, () => Math.fround(low + ((high - low) * ((ranks[next++] as number) + 0.3)) / total)),
  )
}

/** Of the output's elements in the sum whose gradient is taken: all different, so that exchanged elements show. */
function drawWeights(name: string, { shape }: Nd): Nd {
  const rng = random(SEED, `${name}/weights`)
  return build(shape, () => Math.fround(rng.between(0.2, 1) * (rng.uniform() < 0.5 ? -1 : 1)))
}

function differences(reference: Operation['reference'], inputs: readonly Nd[], weights: Nd): Float64Array[] {
  const sumAt = (k: number, i: number, moved: number): number => {
    const data = (inputs[k] as Nd).data.slice()
    data[i] = (data[i] as number) + moved
    const { data: value } = reference(inputs.map((x, other) => (other === k ? { ...x, data } : x)))
    return value.reduce((total, v, j) => total + v * (weights.data[j] as number), 0)
  }
  return inputs.map(({ data }, k) =>
    data.map((_, i) => (sumAt(k, i, STEP) - sumAt(k, i, -STEP)) / (2 * STEP)),
  )
}

/** Over all arrays together: a gradient that is 0 everywhere for one input is measured against those of the others. */
function relativeError(found: readonly ArrayLike<number>[], expected: readonly Float64Array[]): number {
  let error = 0
  let largest = 0
  expected.forEach((values, k) => {
    values.forEach((value, i) => {
      const difference = Math.abs((found[k]?.[i] ?? Number.NaN) - value)
      error = Number.isFinite(difference) ? Math.max(error, difference) : Number.POSITIVE_INFINITY
      largest = Math.max(largest, Math.abs(value))
    })
  })
  return largest === 0 ? error : error / largest
}

function same(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((n, axis) => n === b[axis])
}
