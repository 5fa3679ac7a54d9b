/**
 * Kernels of the wasm engine that are slow, each in terms of one that has SIMD. What they gain was measured at the sizes of
 * local-tone on one core.
 */
import * as tf from '@tensorflow/tfjs-core'

/** Makes training on wasm about twice as fast; may be called again. */
export function registerWasmKernels(): void {
  replace('Conv2DBackpropInput', imageGradient)
  replace('BatchMatMul', matMul)
  replace('Equal', equal)
}

type Kernel = Parameters<tf.KernelFunc>[0]
/** What takes the place of a kernel, for those calls that it does not pass on to the shipped one. */
type Replacement = (call: Kernel, shipped: tf.KernelFunc) => ReturnType<tf.KernelFunc>

function replace(kernelName: string, replacement: Replacement): void {
  const shipped = tf.getKernel(kernelName, 'wasm')
  if (replaced.has(shipped)) return
  const config: tf.KernelConfig = {
    ...shipped,
    kernelFunc: (call) => tf.tidy(() => replacement(call, shipped.kernelFunc) as tf.Tensor),
  }
  replaced.add(config)
  tf.unregisterKernel(kernelName, 'wasm')
  tf.registerKernel(config)
}

/** Put here already; the shipped one is kept inside. */
const replaced = new WeakSet<tf.KernelConfig>()

/**
 * Of a 2D convolution that moves by single pixels, the gradient of the images is the convolution of `dy` by the kernel
 * turned half round: 10 times as fast as the shipped loop.
 */
function imageGradient(call: Kernel, shipped: tf.KernelFunc): ReturnType<tf.KernelFunc> {
  const { strides, pad, inputShape, dimRoundingMode } = call.attrs as unknown as tf.Conv2DBackpropInputAttrs
  const { dy, filter } = call.inputs as { dy: tf.Tensor4D; filter: tf.Tensor4D }
  if ([strides].flat().some((stride) => stride !== 1)) return shipped(call)
  const { shape } = filter
  const { padInfo } = tf.backend_util.computeConv2DInfo(inputShape, shape, 1, 1, pad, dimRoundingMode)
  const [rows, columns] = [shape[0] - 1, shape[1] - 1]
  const margins = [rows - padInfo.top, rows - padInfo.bottom, columns - padInfo.left, columns - padInfo.right]
  if (margins.some((margin) => margin < 0)) return shipped(call) // padded by more than the kernel
  const [top, bottom, left, right] = margins as [number, number, number, number]
  return tf.conv2d(dy, tf.transpose(tf.reverse(filter, [0, 1]), [0, 1, 3, 2]), 1, [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ])
}

/**
 * Products of transposed matrices, which every gradient of matMul is, are 3 times as fast when first transposed. And the
 * shipped kernel keeps what it packed of `b` for as long as the data live, whatever their shape: the same numbers as [6, 4]
 * and then, by reshape, as [3, 8] end in a wrong product or in memory out of bounds. A copy of `b` lives for one product only.
 */
function matMul(call: Kernel, shipped: tf.KernelFunc): ReturnType<tf.KernelFunc> {
  const { transposeA, transposeB } = call.attrs as unknown as tf.BatchMatMulAttrs
  const { a, b } = call.inputs as { a: tf.Tensor; b: tf.Tensor }
  const turned = (x: tf.Tensor): tf.Tensor => {
    const axes = x.shape.map((_, axis) => axis)
    return tf.transpose(x, [...axes.slice(0, -2), ...axes.slice(-2).reverse()])
  }
  const inputs = { a: transposeA ? turned(a) : a, b: transposeB ? turned(b) : tf.mul(b, 1) }
  return shipped({ ...call, inputs, attrs: { transposeA: false, transposeB: false } })
}

/** Comparison of tensors of two shapes, as in gradients of min and max: 10 times as fast when first brought to one. */
function equal(call: Kernel, shipped: tf.KernelFunc): ReturnType<tf.KernelFunc> {
  const { a, b } = call.inputs as { a: tf.Tensor; b: tf.Tensor }
  if (a.dtype !== 'float32' || b.dtype !== 'float32' || tf.util.arraysEqual(a.shape, b.shape))
    return shipped(call)
  const zeros = tf.zeros(tf.broadcast_util.assertAndGetBroadcastShape(a.shape, b.shape))
  return shipped({ ...call, inputs: { a: tf.add(a, zeros), b: tf.add(b, zeros) } })
}
