/** `residual-unet` written down plainly, in float64 and loop by loop: what network and graph are compared with. */
import { blocks, CHANNELS, weightShapes } from '../models/residual-unet/network.ts'
import type { ResidualUnetModel } from '../src/harmonizer/residual-unet-model.ts'
import { random } from '../src/kernels/random.ts'
import { exportResidualUnet } from '../training/parts/onnx-residual-unet.ts'

/** Values at [row, column, channel]. */
export interface Plane {
  readonly height: number
  readonly width: number
  readonly channels: number
  readonly at: (row: number, column: number, channel: number) => number
}

export type SampleWeights = Readonly<Record<string, Float32Array>>

/** Weights that leave no part of the network idle. */
export function sampleUnetWeights(
  code: number,
  seed: number,
  shapes: ReturnType<typeof weightShapes> = weightShapes(code),
): SampleWeights {
  const rng = random(seed, 'unet weights')
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const size = shape.reduce((product, n) => product * n, 1)
      const spread = name.includes('kernel') ? Math.sqrt((2 * shape.at(-1)!) / size) : 0.1
      return [name, Float32Array.from({ length: size }, () => spread * rng.normal())]
    }),
  )
}

/** @param slices [height, width, 3], @param code standardized; @returns [height, width] */
export function oracleResidual(
  weights: SampleWeights,
  slices: Float32Array,
  [height, width]: readonly [number, number],
  code: Float32Array,
  bound: number,
): Float64Array {
  const head = oracleHead(weights, slices, [height, width], code, blocks())
  const raw = new Float64Array(height * width)
  for (let i = 0; i < raw.length; i++)
    raw[i] = bound * Math.tanh(head.at(Math.floor(i / width), i % width, 0))
  return smoothed(raw, height, width)
}

/** The U-Net up to its head, before any bound. */
export function oracleHead(
  weights: SampleWeights,
  slices: Float32Array,
  [height, width]: readonly [number, number],
  code: Float32Array,
  list: ReturnType<typeof blocks>,
): Plane {
  const hidden = dense(code, weights['code/kernel']!, weights['code/bias']!).map(leaky)
  const film = [...dense(hidden, weights['film/kernel']!, weights['film/bias']!)]
  const block = (x: Plane, name: string, outputs: number): Plane => {
    const [scale, shift] = [film.splice(0, outputs), film.splice(0, outputs)]
    const first = convolve(x, weights[`${name}/kernel1`]!, outputs)
    const h = mapped(first, (value, c) => leaky(value * (1 + scale[c]!) + shift[c]!))
    const bias = weights[`${name}/bias2`]!
    return mapped(convolve(h, weights[`${name}/kernel2`]!, outputs), (value, c) => leaky(value + bias[c]!))
  }
  let x: Plane = { height, width, channels: 3, at: (r, c, k) => slices[(r * width + c) * 3 + k]! }
  const skips: Plane[] = []
  for (const [level, { name, outputs }] of list.slice(0, CHANNELS.length).entries()) {
    x = block(level === 0 ? x : halved(x), name, outputs)
    skips.push(x)
  }
  for (const [step, { name, outputs }] of list.slice(CHANNELS.length).entries())
    x = block(joined(doubled(x), skips[CHANNELS.length - 2 - step]!), name, outputs)
  const bias = weights['head/bias']!
  const kernel = weights['head/kernel']!
  const last = x
  const at = (r: number, c: number, o: number): number => {
    let sum = bias[o]!
    for (let k = 0; k < last.channels; k++) sum += kernel[k * bias.length + o]! * last.at(r, c, k)
    return sum
  }
  return { height: x.height, width: x.width, channels: bias.length, at }
}

const leaky = (value: number): number => (value > 0 ? value : 0.1 * value)

function dense(x: ArrayLike<number>, kernel: Float32Array, bias: Float32Array): Float64Array {
  return Float64Array.from(bias, (start, o) => {
    let sum = start
    for (let i = 0; i < x.length; i++) sum += x[i]! * kernel[i * bias.length + o]!
    return sum
  })
}

function stored(height: number, width: number, channels: number, value: Plane['at']): Plane {
  const data = new Float64Array(height * width * channels)
  for (let r = 0, i = 0; r < height; r++)
    for (let c = 0; c < width; c++) for (let k = 0; k < channels; k++) data[i++] = value(r, c, k)
  return { height, width, channels, at: (r, c, k) => data[(r * width + c) * channels + k]! }
}

function mapped(x: Plane, f: (value: number, channel: number) => number): Plane {
  return stored(x.height, x.width, x.channels, (r, c, k) => f(x.at(r, c, k), k))
}

function convolve(x: Plane, kernel: Float32Array, outputs: number): Plane {
  return stored(x.height, x.width, outputs, (r, c, o) => {
    let sum = 0
    for (let dr = -1; dr <= 1; dr++)
      for (let dc = -1; dc <= 1; dc++) {
        if (r + dr < 0 || r + dr >= x.height || c + dc < 0 || c + dc >= x.width) continue
        const tap = ((dr + 1) * 3 + dc + 1) * x.channels
        for (let i = 0; i < x.channels; i++) sum += x.at(r + dr, c + dc, i) * kernel[(tap + i) * outputs + o]!
      }
    return sum
  })
}

function halved(x: Plane): Plane {
  return stored(x.height / 2, x.width / 2, x.channels, (r, c, k) => {
    const sum = x.at(2 * r, 2 * c, k) + x.at(2 * r + 1, 2 * c, k)
    return (sum + x.at(2 * r, 2 * c + 1, k) + x.at(2 * r + 1, 2 * c + 1, k)) / 4
  })
}

/** Even pixels are those of `x`, odd ones lie half-way to the next; beyond the last it stands again. */
function doubled(x: Plane): Plane {
  const along = (i: number, n: number): readonly [number, number] => [
    Math.floor(i / 2),
    Math.min(n - 1, Math.floor((i + 1) / 2)),
  ]
  return stored(2 * x.height, 2 * x.width, x.channels, (r, c, k) => {
    const [r0, r1] = along(r, x.height)
    const [c0, c1] = along(c, x.width)
    return (x.at(r0, c0, k) + x.at(r0, c1, k) + x.at(r1, c0, k) + x.at(r1, c1, k)) / 4
  })
}

function joined(a: Plane, b: Plane): Plane {
  return stored(a.height, a.width, a.channels + b.channels, (r, c, k) =>
    k < a.channels ? a.at(r, c, k) : b.at(r, c, k - a.channels),
  )
}

/** By a Gaussian of SD 1 cut at 3, with zeros outside. */
function smoothed(raw: Float64Array, height: number, width: number): Float64Array {
  const reach = [-3, -2, -1, 0, 1, 2, 3]
  const total = reach.reduce((sum, d) => sum + Math.exp((-d * d) / 2), 0)
  const out = new Float64Array(raw.length)
  for (let r = 0; r < height; r++)
    for (let c = 0; c < width; c++)
      for (const dr of reach)
        for (const dc of reach) {
          if (r + dr < 0 || r + dr >= height || c + dc < 0 || c + dc >= width) continue
          const weight = Math.exp(-(dr * dr + dc * dc) / 2) / total ** 2
          out[r * width + c]! += weight * raw[(r + dr) * width + c + dc]!
        }
  return out
}

/** A model with weights of its own, after a straight tone. */
export function sampleUnet(
  code: readonly string[],
  bound: number,
  seed = 7,
): { readonly model: ResidualUnetModel; readonly graph: Uint8Array } {
  const stage = { kind: 'tone', referenceScale: 380, knots: [0, 1, 2], tones: { a: [0, 1, 2] } } as const
  const model = { kind: 'residual-unet', stage, bound, code } as const
  const standard = { mean: code.map(() => 0), sd: code.map(() => 1) }
  const weights = sampleUnetWeights(code.length, seed)
  return { model, graph: exportResidualUnet({ model, weights, standard, referenceScale: 380 }) }
}
