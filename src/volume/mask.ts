/** Where the head (or body) is, found from the image alone. */
import { dilate, erode, fillHoles, largestComponent } from '../kernels/morphology.ts'
import { quantilesOfSorted } from '../kernels/quantile.ts'
import { type Shape, type Volume, voxelSize } from './volume.ts'

/** Edge of the blocks in mm on which the mask is found. */
const BLOCK_MM = 4

/** Block means of the finite voxels; blocks without one are 0. */
interface Blocks {
  readonly shape: Shape
  readonly factors: Shape
  readonly values: Float32Array
}

/**
 * Head or body against air: 1 inside, 0 outside, on the volume's grid; empty where there is no foreground.
 * NaN and infinite voxels are never foreground. Independent of storage order and of gain.
 */
export function foregroundMask(volume: Volume): Uint8Array {
  const blocks = blockMeans(volume)
  const threshold = logOtsu(blocks.values)
  if (threshold === undefined) return new Uint8Array(volume.data.length)
  const { shape } = blocks
  const bright = Uint8Array.from(blocks.values, (value) => (value > threshold ? 1 : 0))
  const head = largestComponent(bright, shape)
  const closed = erode(dilate(head, shape, 2), shape, 2)
  return upsample(fillHoles(closed, shape), blocks, volume)
}

function blockMeans(volume: Volume): Blocks {
  const { shape, data, scale } = volume
  const size = voxelSize(volume)
  const factor = (axis: 0 | 1 | 2): number =>
    Math.min(shape[axis], Math.max(1, Math.round(BLOCK_MM / size[axis])))
  const factors: Shape = [factor(0), factor(1), factor(2)]
  const blocks: Shape = [
    Math.ceil(shape[0] / factors[0]),
    Math.ceil(shape[1] / factors[1]),
    Math.ceil(shape[2] / factors[2]),
  ]
  const sums = new Float64Array(blocks[0] * blocks[1] * blocks[2])
  const counts = new Uint32Array(sums.length)
  const columns = Uint16Array.from({ length: shape[0] }, (_, i) => Math.floor(i / factors[0]))
  let v = 0
  for (let k = 0; k < shape[2]; k++)
    for (let j = 0; j < shape[1]; j++) {
      const row = (Math.floor(k / factors[2]) * blocks[1] + Math.floor(j / factors[1])) * blocks[0]
      for (let i = 0; i < shape[0]; i++, v++) {
        const value = data[v] as number
        if (value - value !== 0) continue
        const block = row + (columns[i] as number)
        sums[block] = (sums[block] as number) + value
        counts[block] = (counts[block] as number) + 1
      }
    }
  const values = Float32Array.from(sums, (sum, b) =>
    counts[b] === 0 ? 0 : (sum / (counts[b] as number)) * scale.slope + scale.intercept,
  )
  return { shape: blocks, factors, values }
}

/** Otsu's threshold on a logarithmic scale over the blocks above 0; `undefined` where they do not differ. */
function logOtsu(values: Float32Array): number | undefined {
  const positive = values.filter((value) => value > 0).sort()
  const [top] = quantilesOfSorted(positive, [0.98])
  const high = positive.at(-1)
  if (top === undefined || high === undefined || !(top > 0) || positive[0] === high) return undefined
  const floor = top * 0.005
  const bins = 256
  const span = Math.log(high / floor + 1)
  const counts = new Float64Array(bins)
  for (const value of positive) {
    const bin = Math.min(bins - 1, Math.floor((Math.log(value / floor + 1) / span) * bins))
    counts[bin] = (counts[bin] as number) + 1
  }
  let total = 0
  for (let b = 0; b < bins; b++) total += b * (counts[b] as number)
  let [below, sumBelow, best, bestBin] = [0, 0, -1, 0]
  for (let b = 0; b < bins - 1; b++) {
    below += counts[b] as number
    sumBelow += b * (counts[b] as number)
    const above = positive.length - below
    if (below === 0 || above === 0) continue
    const between = below * above * (sumBelow / below - (total - sumBelow) / above) ** 2
    if (between > best) [best, bestBin] = [between, b]
  }
  return best < 0 ? undefined : floor * (Math.exp(((bestBin + 1) / bins) * span) - 1)
}

function upsample(mask: Uint8Array, { shape, factors }: Blocks, volume: Volume): Uint8Array {
  const [nx, ny, nz] = volume.shape
  const out = new Uint8Array(volume.data.length)
  let v = 0
  for (let k = 0; k < nz; k++)
    for (let j = 0; j < ny; j++) {
      const row = (Math.floor(k / factors[2]) * shape[1] + Math.floor(j / factors[1])) * shape[0]
      for (let i = 0; i < nx; i++, v++) {
        const value = volume.data[v] as number
        if (value - value === 0) out[v] = mask[row + Math.floor(i / factors[0])] as number
      }
    }
  return out
}
