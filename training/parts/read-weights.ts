/** The weights of a trained `local-tone`, read back from its curves graph: what `exportLocalTone` wrote. */
import { InputError } from '../../src/errors.ts'
import type { LocalToneWeights } from '../../src/inference/local-tone-model.ts'
import { decodeNodes } from './onnx-model.ts'

type Layer = LocalToneWeights['conv1']

/**
 * @param curves the bundle's curves.onnx
 * @throws {InputError} when it is not a graph that `exportLocalTone` wrote
 */
export function readWeights(curves: Uint8Array): LocalToneWeights {
  const nodes = decodeNodes(curves)
  const [conv1, conv2, conv3, head, ...more] = nodes.flatMap(({ type, constants: [kernel, bias] }) =>
    type === 'Conv' && kernel && bias ? [{ kernel: unturned(kernel), bias: bias.values }] : [],
  )
  const context = nodes.find(({ type, constants }) => type === 'MatMul' && constants.length === 1)
  const place = nodes.find(({ type, constants }) => type === 'Gather' && constants[0]?.dims.length === 5)
  if (!conv1 || !conv2 || !conv3 || !head || more.length > 0 || !context || !place)
    throw new InputError('A network file is not that of `local-tone`.', 'Start from another bundle.')
  return {
    conv1,
    conv2,
    conv3,
    head,
    context: (context.constants[0] as { readonly values: Float32Array }).values,
    place: (place.constants[0] as { readonly values: Float32Array }).values,
  }
}

/** From [out, in, edge, edge, edge] to [taps, in, out]. */
function unturned({
  dims,
  values,
}: {
  readonly dims: readonly number[]
  readonly values: Float32Array
}): Layer['kernel'] {
  const [outputs, inputs, edge] = dims as [number, number, number]
  const taps = edge ** 3
  const kernel = new Float32Array(values.length)
  for (let to = 0, i = 0; to < outputs; to++)
    for (let from = 0; from < inputs; from++)
      for (let tap = 0; tap < taps; tap++, i++) kernel[(tap * inputs + from) * outputs + to] = values[i]!
  return kernel
}
