/**
 * ONNX models written from scratch: the messages of onnx.proto that a float32 inference graph needs, and a builder
 * that names values, keeps constants and nests subgraphs. Nothing here knows any network.
 *
 * Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. Operators: opset 20, the first whose
 * GridSample takes volumes. Numbering is by order of creation, so the same calls give the same bytes.
 */
import protobuf from 'protobufjs/light.js'
import { InputError } from '../../src/errors.ts'

const IR_VERSION = 9
const OPSET = 20

/** TensorProto.DataType; also the `to` of Cast. */
export const DATA_TYPE = { float32: 1, int64: 7 } as const
/** AttributeProto.AttributeType */
const ATTRIBUTE_TYPE = { float: 1, int: 2, string: 3, graph: 5, ints: 7 } as const

const field = (type: string, id: number): protobuf.IField => ({ type, id })
/** Not packed: proto2 writes repeated numbers one by one. */
const list = (type: string, id: number): protobuf.IField => ({
  type,
  id,
  rule: 'repeated',
  options: { packed: false },
})

const schema = protobuf.Root.fromJSON({
  nested: {
    Attribute: {
      fields: {
        name: field('string', 1),
        f: field('float', 2),
        i: field('int64', 3),
        s: field('bytes', 4),
        g: field('Graph', 6),
        ints: list('int64', 8),
        type: field('int32', 20),
      },
    },
    Node: {
      fields: {
        input: list('string', 1),
        output: list('string', 2),
        name: field('string', 3),
        opType: field('string', 4),
        attribute: list('Attribute', 5),
      },
    },
    Tensor: {
      fields: {
        dims: list('int64', 1),
        dataType: field('int32', 2),
        name: field('string', 8),
        rawData: field('bytes', 9),
      },
    },
    Dimension: { fields: { dimValue: field('int64', 1), dimParam: field('string', 2) } },
    TensorShape: { fields: { dim: list('Dimension', 1) } },
    TensorType: { fields: { elemType: field('int32', 1), shape: field('TensorShape', 2) } },
    Type: { fields: { tensorType: field('TensorType', 1) } },
    ValueInfo: {
      fields: { name: field('string', 1), type: field('Type', 2), docString: field('string', 3) },
    },
    Graph: {
      fields: {
        node: list('Node', 1),
        name: field('string', 2),
        initializer: list('Tensor', 5),
        docString: field('string', 10),
        input: list('ValueInfo', 11),
        output: list('ValueInfo', 12),
      },
    },
    Entry: { fields: { key: field('string', 1), value: field('string', 2) } },
    OperatorSet: { fields: { domain: field('string', 1), version: field('int64', 2) } },
    Model: {
      fields: {
        irVersion: field('int64', 1),
        producerName: field('string', 2),
        docString: field('string', 6),
        graph: field('Graph', 7),
        opsetImport: list('OperatorSet', 8),
        metadataProps: list('Entry', 14),
      },
    },
  },
})

/** A value inside a graph; only the builder that made it, or a subgraph of that builder, can use it. */
export interface Value {
  readonly name: string
}
export type ElementType = keyof typeof DATA_TYPE
/** A size, or the name of a size that the caller chooses. */
export type Dimension = number | string
export type Attribute = number | string | readonly number[] | { readonly float: number } | GraphBuilder

interface Numbering {
  next: number
}

/** Nodes in order of use, constants, inputs and outputs of one graph. */
export class GraphBuilder {
  readonly #name: string
  readonly #numbering: Numbering
  readonly #nodes: object[] = []
  readonly #constants: object[] = []
  readonly #inputs: object[] = []
  readonly #outputs: object[] = []

  constructor(name: string, numbering: Numbering = { next: 0 }) {
    this.#name = name
    this.#numbering = numbering
  }

  /** A body for Scan, Loop or If: it may use this graph's values, and its names never meet this graph's. */
  subgraph(name: string): GraphBuilder {
    return new GraphBuilder(name, this.#numbering)
  }

  input(name: string, type: ElementType, shape: readonly Dimension[], meaning: string): Value {
    this.#inputs.push(valueInfo(name, type, shape, meaning))
    return { name }
  }

  output(name: string, value: Value, type: ElementType, shape: readonly Dimension[], meaning: string): void {
    this.#nodes.push({ opType: 'Identity', name, input: [value.name], output: [name], attribute: [] })
    this.#outputs.push(valueInfo(name, type, shape, meaning))
  }

  /** A float32 constant. */
  floats(values: ArrayLike<number>, shape: readonly number[] = [values.length]): Value {
    const bytes = new Uint8Array(values.length * 4)
    const view = new DataView(bytes.buffer)
    for (let i = 0; i < values.length; i++) view.setFloat32(i * 4, values[i]!, true)
    return this.#constant('float32', shape, bytes)
  }

  /** An int64 constant; a bare number is a scalar of rank 0. */
  integers(values: number | readonly number[]): Value {
    const list = typeof values === 'number' ? [values] : values
    const bytes = new Uint8Array(list.length * 8)
    const view = new DataView(bytes.buffer)
    for (const [i, value] of list.entries()) view.setBigInt64(i * 8, BigInt(value), true)
    return this.#constant('int64', typeof values === 'number' ? [] : [list.length], bytes)
  }

  /** A node. @returns its first output; `outputs` counts those that the operator must have */
  op(
    type: string,
    inputs: readonly Value[],
    attributes: Readonly<Record<string, Attribute>> = {},
    outputs = 1,
  ): Value {
    const name = this.#fresh(type)
    const rest = Array.from({ length: outputs - 1 }, (_, i) => `${name}_output${i + 1}`)
    this.#nodes.push({
      opType: type,
      name,
      input: inputs.map((value) => value.name),
      output: [name, ...rest],
      attribute: Object.entries(attributes).map(([key, value]) => attributeOf(key, value)),
    })
    return { name }
  }

  /** The GraphProto as plain data. */
  message(): object {
    return {
      name: this.#name,
      node: this.#nodes,
      initializer: this.#constants,
      input: this.#inputs,
      output: this.#outputs,
    }
  }

  #constant(type: ElementType, dims: readonly number[], rawData: Uint8Array): Value {
    const name = this.#fresh('constant')
    this.#constants.push({ name, dims, dataType: DATA_TYPE[type], rawData })
    return { name }
  }

  #fresh(stem: string): string {
    return `${stem}_${this.#numbering.next++}`
  }
}

/** The bytes of a model file. `metadata` is kept in the order given. */
export function encodeModel(
  graph: GraphBuilder,
  description: string,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const model = schema.lookupType('Model')
  const message = {
    irVersion: IR_VERSION,
    producerName: 'attune',
    docString: description,
    graph: graph.message(),
    opsetImport: [{ domain: '', version: OPSET }],
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
  }
  return Uint8Array.from(model.encode(model.fromObject(message)).finish())
}

/** A node as it stands in a file, and the float32 constants that it reads. */
export interface ReadNode {
  readonly type: string
  readonly constants: readonly { readonly dims: readonly number[]; readonly values: Float32Array }[]
}

/**
 * The nodes of a model file's graph, in order.
 * @throws {InputError} when the bytes are no model
 */
export function decodeNodes(bytes: Uint8Array): readonly ReadNode[] {
  const type = schema.lookupType('Model')
  const options = { longs: Number, arrays: true, defaults: true } as const
  let graph: DecodedGraph | null
  const wrong = (cause?: unknown): InputError =>
    new InputError('A network file is not ONNX.', 'Copy the bundle again.', { cause })
  try {
    graph = (type.toObject(type.decode(bytes), options) as { graph: DecodedGraph | null }).graph
  } catch (cause) {
    throw wrong(cause)
  }
  if (graph === null) throw wrong()
  const floats = graph.initializer.filter(({ dataType }) => dataType === DATA_TYPE.float32)
  const constants = new Map(
    floats.map(({ name, dims, rawData }) => [
      name,
      { dims, values: new Float32Array(Uint8Array.from(rawData).buffer) },
    ]),
  )
  return graph.node.map(({ opType, input }) => ({
    type: opType,
    constants: input.flatMap((name) => constants.get(name) ?? []),
  }))
}

interface DecodedGraph {
  readonly node: readonly { readonly opType: string; readonly input: readonly string[] }[]
  readonly initializer: readonly {
    readonly name: string
    readonly dims: readonly number[]
    readonly dataType: number
    readonly rawData: Uint8Array
  }[]
}

function attributeOf(name: string, value: Attribute): object {
  if (typeof value === 'number') return { name, type: ATTRIBUTE_TYPE.int, i: value }
  if (typeof value === 'string')
    return { name, type: ATTRIBUTE_TYPE.string, s: new TextEncoder().encode(value) }
  if (value instanceof GraphBuilder) return { name, type: ATTRIBUTE_TYPE.graph, g: value.message() }
  if ('float' in value) return { name, type: ATTRIBUTE_TYPE.float, f: value.float }
  return { name, type: ATTRIBUTE_TYPE.ints, ints: value }
}

function valueInfo(name: string, type: ElementType, shape: readonly Dimension[], meaning: string): object {
  const dim = shape.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }))
  return { name, docString: meaning, type: { tensorType: { elemType: DATA_TYPE[type], shape: { dim } } } }
}
