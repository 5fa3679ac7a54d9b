/**
 * Gradients and kernels of TensorFlow.js 4.22 that are wrong or missing, replaced by right ones. What is replaced was seen
 * to fail in the conformance suite as shipped (refused-ops.test.ts), and passes it here. What local-tone uses is
 * not touched.
 */
import * as tf from '@tensorflow/tfjs-core'

/** Makes gradients right on every engine; may be called again. */
export function fixGradients(): void {
  fixComparisons()
  fixAbsolute()
  fixResizeBilinear()
  fixMirrorPad()
  fixAveragePools()
}

/** Gives the wasm engine what it lacks or computes wrong; may be called again. */
export function fixWasmKernels(): void {
  registerWasm('Conv2DBackpropFilter', ({ inputs, attrs }) =>
    filterGradient(inputs['x'] as tf.Tensor4D, inputs['dy'] as tf.Tensor4D, attrs as unknown as Convolution),
  )
  for (const name of BORROWED) borrow(name)
}

/** A comparison is flat almost everywhere; as shipped, a condition that depends on a variable throws. */
function fixComparisons(): void {
  for (const kernelName of ['Greater', 'GreaterEqual', 'Less', 'LessEqual', 'Equal', 'NotEqual'])
    tf.registerGradient({
      kernelName,
      inputsToSave: ['a', 'b'],
      gradFunc: (_dy, [a, b]) => ({
        a: () => tf.zerosLike(a as tf.Tensor),
        b: () => tf.zerosLike(b as tf.Tensor),
      }),
    })
}

/** As shipped, |x| has the slope -1 at 0, and tfjs-node needs six operations for it. */
function fixAbsolute(): void {
  tf.registerGradient({
    kernelName: 'Abs',
    inputsToSave: ['x'],
    gradFunc: (dy, [x]) => ({ x: () => tf.mul(dy as tf.Tensor, tf.sign(x as tf.Tensor)) }),
  })
}

/** A linear map along one axis: output `i` is the sum over `k` of `weight(i, k)` times input `k`. */
interface AxisMap {
  readonly axis: number
  readonly inputs: number
  readonly weight: (i: number, k: number) => number
}

/** The gradient of linear maps along axes, one after the other: `dy` times each transposed matrix. */
function pullBack(dy: tf.Tensor, maps: readonly AxisMap[]): tf.Tensor {
  return maps.reduce((gradient, { axis, inputs, weight }) => {
    const outputs = gradient.shape[axis] as number
    const matrix = Float32Array.from({ length: outputs * inputs }, (_, at) =>
      weight(Math.floor(at / inputs), at % inputs),
    )
    const last = gradient.rank - 1
    const swapped = gradient.shape.map((_, a) => (a === axis ? last : a === last ? axis : a))
    const turned = tf.transpose(gradient, swapped)
    const flat = tf.reshape(turned, [-1, outputs]) as tf.Tensor2D
    const product = tf.matMul(flat, tf.tensor2d(matrix, [outputs, inputs]))
    return tf.transpose(tf.reshape(product, [...turned.shape.slice(0, -1), inputs]), swapped)
  }, dy)
}

/** As shipped, half-pixel centres are passed over, and the cpu engine exchanges height and width. */
function fixResizeBilinear(): void {
  const shipped = tf.getGradient('ResizeBilinear')
  if (shipped === undefined || FIXED.has(shipped)) return
  const fixed: tf.GradConfig = {
    kernelName: 'ResizeBilinear',
    inputsToSave: ['images'],
    gradFunc: (dy, saved, attrs) => {
      const { alignCorners, halfPixelCenters } = attrs as unknown as tf.ResizeBilinearAttrs
      if (!halfPixelCenters && tf.getBackend() !== 'cpu') return shipped.gradFunc(dy, saved, attrs)
      const [images] = saved as [tf.Tensor4D]
      const maps = [1, 2].map((axis): AxisMap => {
        const from = images.shape[axis] as number
        const to = (dy as tf.Tensor).shape[axis] as number
        const scale = alignCorners && to > 1 ? (from - 1) / (to - 1) : from / to
        const shift = halfPixelCenters ? 0.5 : 0
        return {
          axis,
          inputs: from,
          weight: (i, k) => {
            const position = Math.min(from - 1, Math.max(0, (i + shift) * scale - shift))
            return Math.max(0, 1 - Math.abs(position - k))
          },
        }
      })
      return { images: () => pullBack(dy as tf.Tensor, maps) }
    },
  }
  FIXED.add(fixed)
  tf.registerGradient(fixed)
}

/** As shipped, what was mirrored into the border is left out. */
function fixMirrorPad(): void {
  tf.registerGradient({
    kernelName: 'MirrorPad',
    inputsToSave: ['x'],
    gradFunc: (dy, [saved], attrs) => {
      const { paddings, mode } = attrs as unknown as tf.MirrorPadAttrs
      const { shape } = saved as tf.Tensor
      const edge = mode === 'reflect' ? 0 : 1
      const maps = paddings.map(([before], axis): AxisMap => {
        const n = shape[axis] as number
        const source = (i: number): number =>
          i < before ? before - i - edge : i < before + n ? i - before : 2 * (n - 1) - (i - before) + edge
        return { axis, inputs: n, weight: (i, k) => (source(i) === k ? 1 : 0) }
      })
      const padded = maps.filter((_, axis) => paddings[axis]?.some((width) => width > 0))
      return { x: () => pullBack(dy as tf.Tensor, padded) }
    },
  })
}

/** As shipped, cpu and wasm divide by the size of the window also where padding is a part of it. */
function fixAveragePools(): void {
  for (const [kernelName, spatial] of [
    ['AvgPool', 2],
    ['AvgPool3D', 3],
  ] as const) {
    const shipped = tf.getGradient(kernelName)
    if (shipped === undefined || FIXED.has(shipped)) continue
    const fixed: tf.GradConfig = {
      kernelName,
      inputsToSave: ['x'],
      gradFunc: (dy, saved, attrs) => {
        if (tf.getBackend() === 'tensorflow') return shipped.gradFunc(dy, saved, attrs)
        const maps = averages((saved[0] as tf.Tensor).shape, spatial, attrs as unknown as Pooling)
        return { x: () => pullBack(dy as tf.Tensor, maps) }
      },
    }
    FIXED.add(fixed)
    tf.registerGradient(fixed)
  }
}

type Pooling = Pick<tf.AvgPoolAttrs, 'filterSize' | 'strides' | 'pad' | 'dimRoundingMode'>

/** A mean over a box is a mean along each axis: the number of pixels inside the image is a product, too. */
function averages(
  shape: readonly number[],
  spatial: 2 | 3,
  { filterSize, strides, pad, dimRoundingMode }: Pooling,
): AxisMap[] {
  const axes = Array.from({ length: spatial }, (_, axis) => axis)
  const each = (values: number | readonly number[]): readonly number[] =>
    typeof values === 'number' ? axes.map(() => values) : values
  const [sizes, steps] = [each(filterSize), each(strides)]
  const before = padding()
  return axes.map((axis): AxisMap => {
    const inputs = shape[axis + 1] as number
    const [size, step] = [sizes[axis] as number, steps[axis] as number]
    const window = (i: number): readonly [number, number] => {
      const start = i * step - (before[axis] as number)
      return [Math.max(0, start), Math.min(inputs, start + size)]
    }
    return {
      axis: axis + 1,
      inputs,
      weight: (i, k) => {
        const [start, end] = window(i)
        return k >= start && k < end ? 1 / (end - start) : 0
      },
    }
  })

  /** Pixels of padding before each axis. */
  function padding(): readonly number[] {
    if (spatial === 2) {
      const dims = shape as [number, number, number, number]
      const { top, left } = tf.backend_util.computePool2DInfo(
        dims,
        filterSize,
        strides,
        1,
        pad,
        dimRoundingMode,
      ).padInfo
      return [top, left]
    }
    const dims = shape as [number, number, number, number, number]
    const { front, top, left } = tf.backend_util.computePool3DInfo(
      dims,
      sizes as [number, number, number],
      steps as [number, number, number],
      1,
      pad as 'same' | 'valid' | number,
      dimRoundingMode,
    ).padInfo
    return [front, top, left]
  }
}

/** Gradients put here already; the shipped one is kept inside. */
const FIXED = new WeakSet<tf.GradConfig>()

type Convolution = Pick<tf.Conv2DBackpropFilterAttrs, 'strides' | 'pad' | 'dimRoundingMode' | 'filterShape'>

/** The gradient of a 2D convolution's kernel is a convolution, too: of images by `dy`, with batch and channels exchanged. */
function filterGradient(
  x: tf.Tensor4D,
  dy: tf.Tensor4D,
  { strides, pad, dimRoundingMode, filterShape }: Convolution,
): tf.Tensor4D {
  return tf.tidy(() => {
    const [kh, kw] = filterShape
    const { padInfo, strideHeight, strideWidth } = tf.backend_util.computeConv2DInfo(
      x.shape,
      filterShape,
      strides,
      1,
      pad,
      dimRoundingMode,
    )
    const [, oh, ow] = dy.shape
    const rows = (oh - 1) * strideHeight + kh
    const columns = (ow - 1) * strideWidth + kw
    const [n, h, w, c] = x.shape
    const { top, left } = padInfo
    const padded = tf.pad(x, [
      [0, 0],
      [top, Math.max(0, rows - h - top)],
      [left, Math.max(0, columns - w - left)],
      [0, 0],
    ])
    const used = tf.slice(padded, [0, 0, 0, 0], [n, rows, columns, c])
    const images = tf.transpose(used, [3, 1, 2, 0])
    const kernel = tf.transpose(dy, [1, 2, 0, 3])
    const product = tf.conv2d(images, kernel, 1, 'valid', 'NHWC', [strideHeight, strideWidth])
    return tf.transpose(product, [1, 2, 0, 3])
  })
}

/** What wasm lacks, or computes wrong: where the largest value of a window is below 0, in the case of the maxima. */
const BORROWED = [
  'UnsortedSegmentSum',
  'DepthwiseConv2dNativeBackpropInput',
  'DepthwiseConv2dNativeBackpropFilter',
  'MaxPoolGrad',
  'MaxPool3D',
  'MaxPool3DGrad',
] as const

/** Lets the cpu engine, which is right and slow, compute for wasm. */
function borrow(kernelName: string): void {
  registerWasm(kernelName, ({ inputs, attrs }) => {
    const { kernelFunc } = tf.getKernel(kernelName, 'cpu')
    const cpu = tf.findBackend('cpu') as CpuBackend
    const lent = Object.entries(inputs).map(([name, input]) => {
      const { shape, dtype } = input as tf.Tensor
      return [name, cpu.makeTensorInfo(shape, dtype, (input as tf.Tensor).dataSync())] as const
    })
    const output = kernelFunc({
      inputs: Object.fromEntries(lent),
      attrs: attrs ?? {},
      backend: cpu,
    }) as tf.TensorInfo
    const values = cpu.readSync(output.dataId)
    for (const { dataId } of [output, ...lent.map(([, info]) => info)]) cpu.disposeData(dataId)
    return tf.tensor(values, output.shape, output.dtype)
  })
}

interface CpuBackend extends tf.KernelBackend {
  makeTensorInfo(shape: number[], dtype: tf.DataType, values: ArrayLike<number>): tf.TensorInfo
  readSync(dataId: object): Float32Array
}

/** Replaces a kernel of wasm, in silence. */
function registerWasm(kernelName: string, kernelFunc: tf.KernelFunc): void {
  if (tf.getKernel(kernelName, 'wasm') !== undefined) tf.unregisterKernel(kernelName, 'wasm')
  tf.registerKernel({ kernelName, backendName: 'wasm', kernelFunc })
}
