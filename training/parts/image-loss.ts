/** How far slices are from their goals: absolute error, edges, structure. All means over what counts; NHWC, one channel. */
import type * as TensorFlow from '@tensorflow/tfjs-core'

type Tf = typeof TensorFlow
type T4 = TensorFlow.Tensor4D
type Scalar = TensorFlow.Scalar

/** Edge of an SSIM window in pixels, and the constants for values of about 1. @see Wang et al. (2004), doi:10.1109/TIP.2003.819861 */
const WINDOW = 7
const C1 = 0.01 ** 2
const C2 = 0.03 ** 2

/**
 * Mean absolute difference where `weight` is not 0.
 * @param weight [B, H, W, 1], 0 or more, not all 0
 */
export function meanAbsolute(tf: Tf, a: T4, b: T4, weight: T4): Scalar {
  return weightedMean(tf, tf.abs(tf.sub(a, b)), weight)
}

/** Mean absolute difference of the differences between neighbours, along height and width; both neighbours count. */
export function edgeDifference(tf: Tf, a: T4, b: T4, weight: T4): Scalar {
  const off = tf.sub<T4>(a, b)
  const [batch, h, w] = off.shape
  const along = (begin: [number, number], size: [number, number]): TensorFlow.Tensor => {
    const part = (x: T4, from: readonly [number, number]): T4 =>
      tf.slice(x, [0, ...from, 0], [batch, ...size, 1])
    const both = tf.mul(part(weight, [0, 0]), part(weight, begin))
    return weightedMean(tf, tf.abs(tf.sub(part(off, begin), part(off, [0, 0]))), both as T4)
  }
  return tf.add(along([1, 0], [h - 1, w]), along([0, 1], [h, w - 1]))
}

/** 1 - SSIM over windows of 7 x 7 that lie inside the image, each counting by its share of weight. */
export function dissimilarity(tf: Tf, a: T4, b: T4, weight: T4): Scalar {
  const mean = (x: TensorFlow.Tensor): T4 => tf.avgPool(x as T4, WINDOW, 1, 'valid')
  const [ma, mb] = [mean(a), mean(b)]
  const [aa, bb, ab] = [tf.mul(ma, ma), tf.mul(mb, mb), tf.mul(ma, mb)]
  const va = tf.sub(mean(tf.mul(a, a)), aa)
  const vb = tf.sub(mean(tf.mul(b, b)), bb)
  const vab = tf.sub(mean(tf.mul(a, b)), ab)
  const above = tf.mul(tf.add(tf.mul(ab, 2), C1), tf.add(tf.mul(vab, 2), C2))
  const below = tf.mul(tf.add(tf.add(aa, bb), C1), tf.add(tf.add(va, vb), C2))
  return weightedMean(tf, tf.sub(1, tf.div(above, below)), mean(weight))
}

export function weightedMean(tf: Tf, x: TensorFlow.Tensor, weight: T4): Scalar {
  return tf.div(tf.sum(tf.mul(x, weight)), tf.add(tf.sum(weight), 1e-6))
}
