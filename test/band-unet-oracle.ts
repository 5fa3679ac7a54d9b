/** `band-unet` written down plainly, in float64 and loop by loop: what network and graph are compared with. */
import { BAND_SD, type BandLimits, bandWeightShapes, COARSE, TINY, UPS } from '../models/band-unet/network.ts'
import { blocks } from '../models/residual-unet/network.ts'
import type { BandUnetModel, KeptUnit } from '../src/inference/band-unet-model.ts'
import type { BandUnetParts } from '../training/parts/onnx-band-unet.ts'
import { oracleHead, type SampleWeights, sampleUnetWeights } from './residual-unet-oracle.ts'

const WINDOWS = {
  HU: { window: { low: -950, high: 1500, ramp: 50 }, most: { size: 150 }, scale: 300 },
  SUVbw: { window: { low: -2, high: 20, ramp: 2 }, most: { share: 0.5 }, scale: 3 },
} as const

/** Parts with weights that nobody trained: whatever holds of these holds of all. */
export function sampleBandUnet(
  unit: KeptUnit,
  seed: number,
  voxelMm: BandUnetModel['voxelMm'] = [2.5, 2.5, 3.75],
): BandUnetParts {
  const { window, most, scale } = WINDOWS[unit]
  const code = ['log noise', 'log FWHM']
  return {
    model: { kind: 'band-unet', unit, window, most, voxelMm, code },
    weights: sampleUnetWeights(code.length, seed, bandWeightShapes(code.length)),
    standard: { mean: [0, 0], sd: [1, 1] },
    scale,
  }
}

/** @param slices [height, width, 3] in the unit, @param code standardized; @returns [height, width] in the unit */
export function oracleBandResidual(
  weights: SampleWeights,
  slices: Float32Array,
  [height, width]: readonly [number, number],
  code: Float32Array,
  { scale, window, most }: BandLimits,
): Float64Array {
  const clipped = slices.map((value) => Math.min(window.high, Math.max(window.low, value)) / scale)
  const head = oracleHead(weights, clipped, [height, width], code, blocks(UPS))
  const x = Float64Array.from({ length: height * width }, (_, i) => slices[3 * i + 1]!)
  const blurs = BAND_SD.map((sd) => blurred(x, height, width, sd, Math.ceil(4 * sd)))
  const change = new Float64Array(x.length)
  for (let k = 0; k < BAND_SD.length; k++) {
    const coarse = Float64Array.from({ length: head.height * head.width }, (_, i) =>
      Math.tanh(head.at(Math.floor(i / head.width), i % head.width, k)),
    )
    const smooth = blurred(coarse, head.height, head.width, 1.5, 5)
    const gain = (row: number, column: number): number => {
      const [r, c] = [row / COARSE, column / COARSE]
      const [r0, c0] = [Math.floor(r), Math.floor(c)]
      const at = (i: number, j: number): number =>
        smooth[Math.min(head.height - 1, i) * head.width + Math.min(head.width - 1, j)]!
      const upper = at(r0, c0) * (1 - c + c0) + at(r0, c0 + 1) * (c - c0)
      const lower = at(r0 + 1, c0) * (1 - c + c0) + at(r0 + 1, c0 + 1) * (c - c0)
      return upper * (1 - r + r0) + lower * (r - r0)
    }
    for (let i = 0; i < x.length; i++)
      change[i]! +=
        gain(Math.floor(i / width), i % width) * ((k === 0 ? x : blurs[k - 1]!)[i]! - blurs[k]![i]!)
  }
  const clip = (value: number): number => Math.min(1, Math.max(0, value))
  const fade = (value: number): number =>
    clip((value - window.low) / window.ramp) * clip((window.high - value) / window.ramp)
  return change.map((value, i) => {
    const size = 'size' in most ? most.size : most.share * Math.max(0, x[i]!)
    const bounded = size * Math.tanh(value / (size + ('size' in most ? 0 : TINY)))
    return bounded * fade(x[i]!) * fade(blurs.at(-1)![i]!)
  })
}

/** Beyond the border counts as 0. */
function blurred(x: Float64Array, height: number, width: number, sd: number, reach: number): Float64Array {
  const weight = (offset: number): number => Math.exp(-0.5 * (offset / sd) ** 2)
  let total = 0
  for (let d = -reach; d <= reach; d++) total += weight(d)
  return x.map((_, i) => {
    let sum = 0
    for (let a = -reach; a <= reach; a++)
      for (let b = -reach; b <= reach; b++) {
        const [row, column] = [Math.floor(i / width) + a, (i % width) + b]
        if (row < 0 || row >= height || column < 0 || column >= width) continue
        sum += weight(a) * weight(b) * x[row * width + column]!
      }
    return sum / total ** 2
  })
}
