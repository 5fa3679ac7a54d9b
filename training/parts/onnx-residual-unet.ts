/** The network of `residual-unet` as an ONNX graph: from slices in the reference's unit to what is to be added to the middle ones. */
import { BAND, blocks, CHANNELS, LEAK, SLICES, weightShapes } from '../../models/residual-unet/network.ts'
import type { ResidualUnetModel } from '../../src/harmonizer/residual-unet-model.ts'
import type { CodeScale } from './code-scale.ts'
import { CODE_LIMIT } from './code-scale.ts'
import { encodeModel, GraphBuilder, type Value } from './onnx-model.ts'

export interface ResidualUnetParts {
  readonly model: ResidualUnetModel
  /** By name; see models/residual-unet/network.ts. */
  readonly weights: Readonly<Record<string, Float32Array>>
  readonly standard: CodeScale
  /** Intensity of the reference that the network's unit stands for. */
  readonly referenceScale: number
}

/** Same parts, same bytes. */
export function exportResidualUnet(parts: ResidualUnetParts): Uint8Array {
  const { model, standard, referenceScale } = parts
  const g = new GraphBuilder('residual-unet')
  const shape = ['n', SLICES, 'height', 'width'] as const
  const slices = g.input(
    'slices',
    'float32',
    shape,
    'Each slice of the image after the first stage, between its neighbours, on the lattice of 2 mm; height and width are multiples of 8.',
  )
  const code = g.input(
    'code',
    'float32',
    [1, model.code.length],
    'Code of the image; see the metadata entry code.',
  )
  const codes = standardCode(g, code, standard)
  const scaled = g.op('Div', [slices, g.floats([referenceScale])])
  const { head, deepest } = headGraph(
    g,
    parts.weights,
    weightShapes(model.code.length),
    blocks(),
    scaled,
    codes,
  )
  const found = smooth(g, g.op('Mul', [g.op('Tanh', [head]), g.floats([model.bound / referenceScale])]))
  g.output(
    'residual',
    g.op('Mul', [found, g.floats([referenceScale])]),
    'float32',
    ['n', 1, 'height', 'width'],
    'To be added to the middle slices.',
  )
  const features = CHANNELS.at(-1) as number
  g.output(
    'features',
    g.op('Reshape', [g.op('GlobalAveragePool', [deepest]), g.integers([-1, features])]),
    'float32',
    ['n', features],
    'Mean of each channel of the deepest level: tells slices unlike those of training.',
  )
  return encodeModel(g, 'attune residual-unet: a bounded correction of slices after the first stage.', {
    kind: model.kind,
    code: JSON.stringify(model.code),
    bound: String(model.bound),
    'unit:slices': 'intensity of the reference domain',
    'unit:residual': 'intensity of the reference domain',
  })
}

/** Scale and shift of the code, within its limit. */
export function standardCode(g: GraphBuilder, code: Value, { mean, sd }: CodeScale): Value {
  const spread = g.op('Div', [g.op('Sub', [code, g.floats(mean)]), g.floats(sd)])
  return g.op('Clip', [spread, g.floats([-CODE_LIMIT], []), g.floats([CODE_LIMIT], [])])
}

/** The U-Net up to its head, as `headOf` of models/residual-unet/network.ts; and its deepest level. */
export function headGraph(
  g: GraphBuilder,
  weights: ResidualUnetParts['weights'],
  shapes: ReturnType<typeof weightShapes>,
  list: ReturnType<typeof blocks>,
  slices: Value,
  codes: Value,
): { readonly head: Value; readonly deepest: Value } {
  const constant = (name: string): Value => g.floats(weights[name]!, shapes[name])
  const kernel = (name: string): Value => {
    const [height, width, inputs, outputs] = shapes[name] as [number, number, number, number]
    return g.floats(channelsFirst(weights[name]!, height * width, inputs, outputs), [
      outputs,
      inputs,
      height,
      width,
    ])
  }
  const leaky = (x: Value): Value => g.op('LeakyRelu', [x], { alpha: { float: LEAK } })
  const same = (x: Value, name: string): Value =>
    g.op('Conv', [x, kernel(name)], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] })
  const perChannel = (x: Value, channels: number): Value =>
    g.op('Reshape', [x, g.integers([1, channels, 1, 1])])
  const hidden = leaky(g.op('Add', [g.op('MatMul', [codes, constant('code/kernel')]), constant('code/bias')]))
  const film = g.op('Add', [g.op('MatMul', [hidden, constant('film/kernel')]), constant('film/bias')])
  let from = 0
  const modulation = (channels: number): Value => {
    const part = g.op('Slice', [film, g.integers([from]), g.integers([from + channels]), g.integers([1])])
    from += channels
    return perChannel(part, channels)
  }
  const block = (x: Value, { name, outputs }: (typeof list)[number]): Value => {
    const first = same(x, `${name}/kernel1`)
    const scale = g.op('Add', [modulation(outputs), g.floats([1])])
    const h = leaky(g.op('Add', [g.op('Mul', [first, scale]), modulation(outputs)]))
    const second = g.op('Add', [same(h, `${name}/kernel2`), perChannel(constant(`${name}/bias2`), outputs)])
    return leaky(second)
  }
  const levels = CHANNELS.length
  const skips: Value[] = []
  let x = slices
  for (const [level, one] of list.slice(0, levels).entries()) {
    x = block(level === 0 ? x : g.op('AveragePool', [x], { kernel_shape: [2, 2], strides: [2, 2] }), one)
    skips.push(x)
  }
  const deepest = x
  for (const [step, one] of list.slice(levels).entries()) {
    const up = g.op('Resize', [x, g.floats([], [0]), g.floats([1, 1, 2, 2])], {
      mode: 'linear',
      coordinate_transformation_mode: 'asymmetric',
    })
    x = block(g.op('Concat', [up, skips[levels - 2 - step]!], { axis: 1 }), one)
  }
  const head = g.op('Add', [
    g.op('Conv', [x, kernel('head/kernel')], { kernel_shape: [1, 1] }),
    perChannel(constant('head/bias'), shapes['head/bias']?.[0] ?? 1),
  ])
  return { head, deepest }
}

function smooth(g: GraphBuilder, x: Value): Value {
  const n = BAND.length
  const reach = (n - 1) / 2
  const down = g.op('Conv', [x, g.floats(BAND, [1, 1, n, 1])], {
    kernel_shape: [n, 1],
    pads: [reach, 0, reach, 0],
  })
  return g.op('Conv', [down, g.floats(BAND, [1, 1, 1, n])], {
    kernel_shape: [1, n],
    pads: [0, reach, 0, reach],
  })
}

/** From [taps, in, out] to [out, in, taps]. */
function channelsFirst(values: Float32Array, taps: number, inputs: number, outputs: number): Float32Array {
  const out = new Float32Array(values.length)
  for (let t = 0; t < taps; t++)
    for (let i = 0; i < inputs; i++)
      for (let o = 0; o < outputs; o++)
        out[(o * inputs + i) * taps + t] = values[(t * inputs + i) * outputs + o]!
  return out
}
