/**
 * Operations of TensorFlow.js 4.22 that an engine computes wrong, or has no gradient for, and for which nothing right is at
 * hand: using one ends with its name, the engine and what to use instead, rather than with a network that learns from wrong numbers.
 */
import * as tf from '@tensorflow/tfjs-core'
import { RefusedError } from '../../src/errors.ts'
import type { EngineName } from './engine.ts'

export interface Refusal {
  /** As the caller knows it. */
  readonly operation: string
  /** What TensorFlow.js runs for it. */
  readonly kernel: string
  readonly instead: string
  /** Only where attributes and, of kernels, inputs say so; otherwise always. */
  readonly when?: (
    attributes: Readonly<Record<string, unknown>>,
    inputs: Readonly<Record<string, { readonly shape: readonly number[] } | undefined>>,
  ) => boolean
}

/** Without a gradient on any engine. */
export const withoutGradient: readonly Refusal[] = [
  { operation: 'stridedSlice', kernel: 'StridedSlice', instead: 'slice and reshape' },
  { operation: 'gatherND', kernel: 'GatherNd', instead: 'gather on a reshaped tensor' },
  { operation: 'depthToSpace', kernel: 'DepthToSpace', instead: 'reshape and transpose' },
  { operation: 'einsum', kernel: 'Einsum', instead: 'reshape, transpose and matMul' },
  {
    operation: 'conv3dTranspose',
    kernel: 'Conv3DBackpropInputV2',
    instead: 'a repeated tensor and 27 slices',
  },
  {
    operation: 'conv2d with dilation',
    kernel: 'Conv2D',
    instead: 'pooling before an ordinary conv2d',
    when: ({ dilations }) => [dilations].flat().some((dilation) => dilation !== 1),
  },
]

/** TensorFlow.js takes the height of the kernel for its width where it works out the shape that one number of padding leaves. */
const unevenPadding: Refusal = {
  operation: 'conv2d with one number of padding and a kernel that is not square',
  kernel: 'Conv2D',
  instead: "padding 'same' or 'valid', or one given for every side",
  when: ({ pad }, { filter }) => typeof pad === 'number' && filter?.shape[0] !== filter?.shape[1],
}

/** Kernels that are wrong or missing on one engine, forward or in gradients. */
export const wrongKernels: Readonly<Record<EngineName, readonly Refusal[]>> = {
  native: [unevenPadding],
  wasm: [
    unevenPadding,
    {
      operation: 'oneHot of other numbers than int32',
      kernel: 'OneHot',
      instead: 'oneHot as int32 and a cast',
      when: ({ dtype }) => dtype !== 'int32',
    },
    {
      operation: 'the gradient of conv3d, and conv3dTranspose',
      kernel: 'Conv3DBackpropInputV2',
      instead: '27 slices and one matMul, as models/local-tone does',
    },
    { operation: 'einsum', kernel: 'Einsum', instead: 'reshape, transpose and matMul' },
    {
      operation: 'gather with batchDims',
      kernel: 'GatherV2',
      instead: 'gather on a reshaped tensor, with indices that count its rows',
      when: ({ batchDims }) => batchDims !== 0,
    },
  ],
  cpu: [unevenPadding],
}

const backends: Readonly<Record<EngineName, string>> = { native: 'tensorflow', wasm: 'wasm', cpu: 'cpu' }

/** Puts refusals in the place of what is wrong on the engine; may be called again. */
export function refuseOperations(engine: EngineName): void {
  for (const refusal of withoutGradient) refuseGradient(refusal)
  for (const refusal of wrongKernels[engine]) refuseKernel(refusal, engine)
}

function refuseKernel(refusal: Refusal, engine: EngineName): void {
  const { kernel: kernelName, operation, when = () => true } = refusal
  const backendName = backends[engine]
  const shipped = tf.getKernel(kernelName, backendName) as tf.KernelConfig | undefined
  if (shipped !== undefined && guarded.has(shipped)) return
  const guard: tf.KernelConfig = {
    ...shipped,
    kernelName,
    backendName,
    kernelFunc: (call) => {
      if (shipped === undefined || when({ ...call.attrs }, { ...call.inputs }))
        throw refused(refusal, `The ${engine} engine computes ${operation} wrong, or not at all.`)
      return shipped.kernelFunc(call)
    },
  }
  guarded.add(guard)
  if (shipped !== undefined) tf.unregisterKernel(kernelName, backendName)
  tf.registerKernel(guard)
}

/** Gradients are registered once for all engines. */
function refuseGradient(refusal: Refusal): void {
  const { kernel: kernelName, operation, when = () => true } = refusal
  const shipped = tf.getGradient(kernelName)
  if (shipped !== undefined && guarded.has(shipped)) return
  const guard: tf.GradConfig = {
    ...shipped,
    kernelName,
    gradFunc: (dy, saved, attributes) => {
      if (shipped === undefined || when({ ...attributes }, {}))
        throw refused(refusal, `No engine has a gradient of ${operation}.`)
      return shipped.gradFunc(dy, saved, attributes)
    },
  }
  guarded.add(guard)
  tf.registerGradient(guard)
}

const guarded = new WeakSet<tf.GradConfig | tf.KernelConfig>()

function refused({ instead }: Refusal, what: string): RefusedError {
  return new RefusedError(what, `Use ${instead} in its place.`)
}
