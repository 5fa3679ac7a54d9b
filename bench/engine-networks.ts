/** The networks whose training steps `npm run bench -- engines` times: their weights, images and goals from one seed, and one step's loss. */
import type * as TensorFlow from '@tensorflow/tfjs-core'
import * as localTone from '../models/local-tone/network.ts'
import * as residualUnet from '../models/residual-unet/network.ts'
import { random } from '../src/kernels/random.ts'
import { COARSE, featureCount } from '../training/parts/features.ts'

type Tf = typeof TensorFlow

export interface Part {
  readonly shape: readonly number[]
  readonly values: readonly number[]
}

export interface NetworkProblem {
  readonly name: string
  /** Of what the table is headed with. */
  readonly title: string
  /** In bench/python: the same network in PyTorch. */
  readonly script: string
  /** Steps timed on the engines in JavaScript, in each round; 0 leaves one out. */
  readonly steps: Readonly<Record<'native' | 'PyTorch' | 'wasm' | 'cpu', number>>
  readonly note: string
  readonly rate: number
  readonly weights: Readonly<Record<string, Part>>
  /** Read by the script. */
  readonly settings: object
  /** Tensors from `part` live as long as the timing; `weights` are the variables by name. */
  readonly lossOf: (
    tf: Tf,
    weights: Readonly<Record<string, TensorFlow.Variable>>,
    tensor: (part: Part) => TensorFlow.Tensor,
  ) => () => TensorFlow.Scalar
}

const LOCAL_TONE = { batch: 2, bins: 12, domains: 4, rate: 4e-3, bounds: { slopeRatio: 4, perMm: 0.01 } }
const UNET = { batch: 8, height: 96, width: 120, code: 12, rate: 1e-3, bound: 0.25 }

export function networkProblems(): readonly NetworkProblem[] {
  return [localToneProblem(), residualUnetProblem()]
}

function partOf(shape: readonly number[], value: () => number): Part {
  const length = shape.reduce((product, n) => product * n, 1)
  return { shape, values: Array.from({ length }, () => Math.fround(value())) }
}

/** He's start for kernels, 0.1 elsewhere, so that every gradient is at work. */
function drawWeights(
  shapes: Readonly<Record<string, readonly number[]>>,
  rng: ReturnType<typeof random>,
): Readonly<Record<string, Part>> {
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const fanIn = shape.reduce((product, n) => product * n, 1) / (shape.at(-1) ?? 1)
      const spread = name.includes('kernel') && !name.startsWith('head') ? Math.sqrt(2 / fanIn) : 0.1
      return [name, partOf(shape, () => spread * rng.normal())]
    }),
  )
}

function localToneProblem(): NetworkProblem {
  const { batch, bins, domains: count, bounds, rate } = LOCAL_TONE
  const rng = random(1, 'engines')
  const channels = featureCount(bins + 1, count)
  const weights = drawWeights(localTone.weightShapes(channels, bins, count), rng)
  const cells = localTone.CELLS[0] * localTone.CELLS[1] * localTone.CELLS[2]
  const features = partOf([batch, ...COARSE, channels], () => rng.uniform())
  const increments = partOf([bins], () => rng.between(0.05, 0.15))
  const goal = partOf([batch, cells, bins], () => rng.between(0.05, 0.15))
  const domains = Array.from({ length: batch }, () => rng.integer(count))
  return {
    name: 'local-tone',
    title: `local-tone: batch ${batch}, features [16, 20, 16, ${channels}], ${bins} bins`,
    script: 'local_tone_steps.py',
    steps: { native: 40, PyTorch: 40, wasm: 12, cpu: 0 },
    note: 'attune convolves by three 3x3 convolutions of slabs, PyTorch uses conv3d. About a thousand small operations a step: their start costs as much as their work.',
    rate,
    weights,
    settings: {
      features,
      increments,
      goal,
      domains,
      bins,
      cells: localTone.CELLS,
      cellMm: localTone.CELL_MM,
      perAxis: localTone.PER_AXIS,
      ...bounds,
    },
    lossOf: (tf, variables, tensor) => {
      const x = tensor({ ...features, shape: [batch * COARSE[0], ...features.shape.slice(2)] })
      const wanted = tensor(goal)
      const tones = tensor({ shape: [batch, bins], values: domains.flatMap(() => increments.values) })
      return () => {
        const found = localTone.curveIncrements(
          tf,
          variables as unknown as localTone.Weights,
          x as TensorFlow.Tensor4D,
          tones as TensorFlow.Tensor2D,
          domains,
          bounds,
        )
        return tf.mean(tf.square(tf.sub(found, wanted)))
      }
    },
  }
}

function residualUnetProblem(): NetworkProblem {
  const { batch, height, width, code, bound, rate } = UNET
  const rng = random(2, 'engines')
  const weights = drawWeights(residualUnet.weightShapes(code), rng)
  const slices = partOf([batch, height, width, residualUnet.SLICES], () => rng.uniform())
  const goal = partOf([batch, height, width, 1], () => rng.between(-0.2, 0.2))
  const codes = partOf([batch, code], () => rng.normal())
  const list = residualUnet.blocks().map(({ name, outputs }) => [name, outputs] as const)
  const levels = residualUnet.CHANNELS.length
  return {
    name: 'residual-unet',
    title: `residual-unet: batch ${batch}, slices [${height}, ${width}, ${residualUnet.SLICES}]`,
    script: 'residual_unet_steps.py',
    steps: { native: 12, PyTorch: 12, wasm: 2, cpu: 0 },
    note: 'Channels last against both layouts of PyTorch. PyTorch puts the centres of upsampled pixels elsewhere (half-pixel): equal work, other values.',
    rate,
    weights,
    settings: {
      slices,
      goal,
      codes,
      bound,
      leak: residualUnet.LEAK,
      band: residualUnet.BAND,
      down: list.slice(0, levels),
      up: list.slice(levels),
    },
    lossOf: (tf, variables, tensor) => {
      const [x, y, c] = [tensor(slices), tensor(goal), tensor(codes)]
      return () => {
        const found = residualUnet.residual(
          tf,
          variables,
          x as TensorFlow.Tensor4D,
          c as TensorFlow.Tensor2D,
          bound,
        )
        return tf.mean(tf.abs(tf.sub(found, y as TensorFlow.Tensor)))
      }
    },
  }
}
