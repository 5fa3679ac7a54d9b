/** The network of `band-unet` as an ONNX graph: from slices in HU or SUV to what is to be added to the middle ones, window and bounds included. */
import {
  BAND_KERNELS,
  bandWeightShapes,
  COARSE,
  GAIN_KERNEL,
  TINY,
  UPS,
} from '../../models/band-unet/network.ts'
import { blocks, SLICES } from '../../models/residual-unet/network.ts'
import type { BandUnetModel } from '../../src/inference/band-unet-model.ts'
import type { CodeScale } from './code-scale.ts'
import { encodeModel, GraphBuilder, type Value } from './onnx-model.ts'
import { headGraph, standardCode } from './onnx-residual-unet.ts'

export interface BandUnetParts {
  readonly model: BandUnetModel
  /** By name; see models/band-unet/network.ts. */
  readonly weights: Readonly<Record<string, Float32Array>>
  readonly standard: CodeScale
  /** Value that the network's 1 stands for. */
  readonly scale: number
}

/** Same parts, same bytes. */
export function exportBandUnet({ model, weights, standard, scale }: BandUnetParts): Uint8Array {
  const g = new GraphBuilder('band-unet')
  const { low, high } = model.window
  const slices = g.input(
    'slices',
    'float32',
    ['n', SLICES, 'height', 'width'],
    'Axial slices between their neighbours, rows from posterior to anterior, columns from left to right, borders repeated; height and width are multiples of 8.',
  )
  const code = g.input('code', 'float32', [1, model.code.length], 'Code of the image; see the entry code.')
  const clipped = g.op('Clip', [slices, g.floats([low], []), g.floats([high], [])])
  const { head } = headGraph(
    g,
    weights,
    bandWeightShapes(model.code.length),
    blocks(UPS),
    g.op('Div', [clipped, g.floats([scale])]),
    standardCode(g, code, standard),
  )
  const coarse = blurEach(g, g.op('Tanh', [head]), GAIN_KERNEL, BAND_KERNELS.length)
  const gains = g.op('Resize', [coarse, g.floats([], [0]), g.floats([1, 1, COARSE, COARSE])], {
    mode: 'linear',
    coordinate_transformation_mode: 'asymmetric',
  })
  const x = g.op('Slice', [slices, g.integers([1]), g.integers([2]), g.integers([1])])
  const blurred = BAND_KERNELS.map((kernel) => blurEach(g, x, kernel, 1))
  const bands = blurred.map((own, k) => g.op('Sub', [k === 0 ? x : blurred[k - 1]!, own]))
  const weighted = g.op('Mul', [gains, g.op('Concat', bands, { axis: 1 })])
  const change = g.op('ReduceSum', [weighted, g.integers([1])], { keepdims: 1 })
  const around = blurred.at(-1)!
  const window = g.op('Mul', [fade(g, x, model), fade(g, around, model)])
  g.output(
    'residual',
    g.op('Mul', [within(g, change, x, model), window]),
    'float32',
    ['n', 1, 'height', 'width'],
    'To be added to the middle slices.',
  )
  return encodeModel(
    g,
    'attune band-unet: a bounded change of the sharpness and noise of slices in a physical unit.',
    {
      kind: model.kind,
      code: JSON.stringify(model.code),
      window: JSON.stringify(model.window),
      most: JSON.stringify(model.most),
      'unit:slices': model.unit,
      'unit:residual': model.unit,
    },
  )
}

function fade(g: GraphBuilder, x: Value, { window: { low, high, ramp } }: BandUnetModel): Value {
  const clip = (value: Value): Value => g.op('Clip', [value, g.floats([0], []), g.floats([1], [])])
  const up = clip(g.op('Div', [g.op('Sub', [x, g.floats([low])]), g.floats([ramp])]))
  return g.op('Mul', [up, clip(g.op('Div', [g.op('Sub', [g.floats([high]), x]), g.floats([ramp])]))])
}

function within(g: GraphBuilder, change: Value, x: Value, { most }: BandUnetModel): Value {
  if ('size' in most) {
    const size = g.floats([most.size])
    return g.op('Mul', [g.op('Tanh', [g.op('Div', [change, size])]), size])
  }
  const size = g.op('Mul', [g.op('Relu', [x]), g.floats([most.share])])
  const above = g.op('Add', [size, g.floats([TINY])])
  return g.op('Mul', [g.op('Tanh', [g.op('Div', [change, above])]), size])
}

/** Every channel by itself, along height, then along width; beyond the border counts as 0. */
function blurEach(g: GraphBuilder, x: Value, kernel: readonly number[], channels: number): Value {
  const n = kernel.length
  const reach = (n - 1) / 2
  const each = (shape: number[]): Value =>
    g.floats(Array.from({ length: channels }, () => kernel).flat(), [channels, 1, ...shape])
  const down = g.op('Conv', [x, each([n, 1])], {
    kernel_shape: [n, 1],
    pads: [reach, 0, reach, 0],
    group: channels,
  })
  return g.op('Conv', [down, each([1, n])], {
    kernel_shape: [1, n],
    pads: [0, reach, 0, reach],
    group: channels,
  })
}
