/**
 * The network of the last pass of a universal harmonizer: from what the even blocks of an image show to one bounded, increasing curve for the
 * whole of it. One hidden layer.
 */
import type * as TensorFlow from '@tensorflow/tfjs-core'

type Tf = typeof TensorFlow
type T2 = TensorFlow.Tensor2D

/** Trainable tensors by name. */
export type ToneWeightName = 'hidden/kernel' | 'hidden/bias' | 'out/kernel' | 'out/bias'

/** Row-major; kernels are [in, out]. */
export interface ToneWeights {
  readonly hidden: { readonly kernel: Float32Array; readonly bias: Float32Array }
  readonly out: { readonly kernel: Float32Array; readonly bias: Float32Array }
}

/** Shapes of all weights for F features and K bins. */
export function toneWeightShapes(
  features: number,
  hidden: number,
  bins: number,
): Readonly<Record<ToneWeightName, readonly number[]>> {
  return {
    'hidden/kernel': [features, hidden],
    'hidden/bias': [hidden],
    'out/kernel': [hidden, bins],
    'out/bias': [bins],
  }
}

/**
 * @param features   [B, F]
 * @param increments [1, K] of the curve to start from, positive
 * @returns [B, K]: increments between knots, each within [1 / slopeRatio, slopeRatio] of those given, for any weights
 */
export function toneIncrements(
  tf: Tf,
  weights: Readonly<Record<ToneWeightName, TensorFlow.Tensor>>,
  features: T2,
  increments: T2,
  slopeRatio: number,
): T2 {
  const dense = (x: T2, layer: 'hidden' | 'out'): T2 =>
    tf.add(tf.matMul(x, weights[`${layer}/kernel`] as T2), weights[`${layer}/bias`])
  const p = dense(tf.relu(dense(features, 'hidden')), 'out')
  return tf.mul(tf.exp(tf.mul(tf.tanh(p), Math.log(slopeRatio))), increments)
}
