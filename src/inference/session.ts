/** ONNX Runtime behind one small interface; the native library is loaded when the first session opens. */
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { AttuneError, InputError, MissingError } from '../errors.ts'

type Runtime = typeof import('onnxruntime-node')

/** A dense tensor, last axis fastest; int64 values are BigInt. */
export interface Tensor {
  readonly data: Float32Array | BigInt64Array
  readonly dims: readonly number[]
}

export interface Session {
  /**
   * One pass through the graph. Calls may overlap.
   * @param feeds one tensor per graph input, by name
   * @returns the float32 outputs by name
   * @throws {InputError} when the inputs do not fit the graph
   */
  run(feeds: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Float32Array>>>
  close(): Promise<void>
}

export interface SessionOptions {
  /** CPU threads inside one operator. */
  readonly threads: number
  /** What the graph is, for messages: a path or a name. */
  readonly name: string
}

let runtime: Promise<Runtime> | undefined

/**
 * @param onnx a model file
 * @throws {MissingError} when ONNX Runtime cannot be loaded
 * @throws {InputError} when `onnx` is not a graph that it can run
 */
export async function openSession(onnx: Uint8Array, { threads, name }: SessionOptions): Promise<Session> {
  runtime ??= loadRuntime()
  const ort = await runtime
  const session = await foreseen(
    `${name} is not a network that ONNX Runtime can run`,
    'Was the file cut short or changed? Write the harmonizer again.',
    () =>
      ort.InferenceSession.create(onnx, {
        executionProviders: ['cpu'],
        executionMode: 'sequential',
        graphOptimizationLevel: 'all',
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        logSeverityLevel: 3,
      }),
  )
  return {
    run: (feeds) =>
      foreseen(`${name} refused its inputs`, 'Check the shapes of image and mask.', () =>
        run(ort, session, feeds),
      ),
    close: () => session.release(),
  }
}

async function loadRuntime(): Promise<Runtime> {
  try {
    return await import('onnxruntime-node')
  } catch (cause) {
    runtime = undefined
    throw new MissingError(
      `ONNX Runtime cannot be loaded: ${reason(cause)}.`,
      `Install onnxruntime-node for ${process.platform}-${process.arch} (npm install onnxruntime-node); on Linux it needs glibc.`,
      { cause },
    )
  }
}

async function run(
  ort: Runtime,
  session: InferenceSession,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<Record<string, Float32Array>> {
  const tensors: Record<string, OrtTensor> = {}
  for (const [key, { data, dims }] of Object.entries(feeds))
    tensors[key] =
      data instanceof Float32Array
        ? new ort.Tensor('float32', data, dims)
        : new ort.Tensor('int64', data, dims)
  const outputs: Record<string, Float32Array> = {}
  for (const [key, tensor] of Object.entries(await session.run(tensors)))
    outputs[key] = tensor.data as Float32Array
  return outputs
}

async function foreseen<T>(what: string, remedy: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof AttuneError) throw cause
    throw new InputError(`${what}: ${reason(cause)}.`, remedy, { cause })
  }
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
