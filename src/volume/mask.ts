/** Where the head (or body) is, found from the image alone. */
import { close, fillHoles, largestComponent } from '../kernels/morphology.ts'
import { quantilesOfSorted } from '../kernels/quantile.ts'
import { sortFloats } from '../kernels/sort.ts'
import { closestAxes } from './orientation.ts'
import { type Scale, type Shape, type Volume, voxelSize } from './volume.ts'

/** Smallest edge in mm (within a tenth) of the blocks on which the mask is found: they average noise and are small against a head. */
const BLOCK_MM = 4
/** Gaps up to twice this many blocks are closed: sinuses, ear canals, bone. */
const CLOSE_BLOCKS = 2
/** Two classes less than this factor apart are both tissue: an image cut inside the head, or with its air set to 0. */
const SAME_TISSUE = 2
/** Intensities far below this part of the brightest blocks are one on the logarithmic scale. */
const DARK = 0.005

/**
 * Head or body against air: 1 inside, 0 outside, on the volume's grid. Means of blocks are split on a logarithmic scale, where coil
 * shading is small against the step from air to tissue; the largest connected part is closed and its holes are filled.
 * Blocks of exact zeros (defaced or masked) are outside and take no part in the choice of the threshold.
 * NaN and infinite voxels are never foreground. The same whatever the storage order and the gain; empty where nothing stands out.
 * @see Otsu, IEEE Trans. SMC 9(1):62-66 (1979), doi:10.1109/TSMC.1979.4310076
 */
export function foregroundMask(volume: Volume): Uint8Array {
  const { data, scale } = volume
  const blocks = blocksOf(volume)
  const x = data instanceof Float32Array ? data : new Float32Array(data)
  const means = blockMeans(x, volume.shape, blocks, scale)
  const threshold = logOtsu(means)
  const bright = new Uint8Array(means.length)
  for (let b = 0; b < means.length; b++) bright[b] = (means[b] as number) > threshold ? 1 : 0
  const head = largestComponent(bright, blocks.shape)
  const whole = fillHoles(close(head, blocks.shape, CLOSE_BLOCKS), blocks.shape)
  return spreadBlocks(whole, x, volume.shape, blocks)
}

/** Voxels in blocks that start at the left, posterior, inferior end, however they are stored: per axis the ends of the runs. */
interface Blocks {
  readonly shape: Shape
  readonly ends: readonly [Int32Array, Int32Array, Int32Array]
}

function blocksOf(volume: Volume): Blocks {
  const size = voxelSize(volume)
  const { axes, flips } = closestAxes(volume.affine)
  const along = (axis: 0 | 1 | 2): Int32Array => {
    const n = volume.shape[axis]
    const factor = Math.ceil((0.9 * BLOCK_MM) / size[axis])
    const count = Math.ceil(n / factor)
    const spare = flips[axes.indexOf(axis)] ? count * factor - n : 0
    return Int32Array.from({ length: count }, (_, b) => Math.min(n, (b + 1) * factor - spare))
  }
  const ends = [along(0), along(1), along(2)] as const
  return { shape: [ends[0].length, ends[1].length, ends[2].length], ends }
}

/** Scaled means of the finite samples of each block; 0 where it has none. */
function blockMeans(x: Float32Array, grid: Shape, blocks: Blocks, { slope, intercept }: Scale): Float32Array {
  const sums = new Float64Array(blocks.shape[0] * blocks.shape[1] * blocks.shape[2])
  const counts = new Int32Array(sums.length)
  forEachRun(grid, blocks, (block, start, end) => {
    let sum = 0
    let count = 0
    for (let v = start; v < end; v++) {
      const value = x[v] as number
      if (value - value !== 0) continue
      sum += value
      count++
    }
    sums[block] = (sums[block] as number) + sum
    counts[block] = (counts[block] as number) + count
  })
  const means = new Float32Array(sums.length)
  for (let b = 0; b < means.length; b++)
    if (counts[b] !== 0) means[b] = ((sums[b] as number) / (counts[b] as number)) * slope + intercept
  return means
}

/** Otsu's threshold of log(1 + mean / dark) over the blocks above 0: 0 where all are tissue, Infinity where they do not differ. */
function logOtsu(means: Float32Array): number {
  const positive = sortFloats(means.filter((mean) => mean > 0))
  const highest = positive.at(-1)
  if (highest === undefined || positive[0] === highest) return Number.POSITIVE_INFINITY
  const dark = DARK * (quantilesOfSorted(positive, [0.98])[0] as number)
  const logs = new Float64Array(positive.length)
  let total = 0
  for (let n = 0; n < logs.length; n++) {
    logs[n] = Math.log1p((positive[n] as number) / dark)
    total += logs[n] as number
  }
  let [below, best, cut, belowCut] = [0, 0, 0, 0]
  for (let n = 1; n < logs.length; n++) {
    below += logs[n - 1] as number
    const between = n * (logs.length - n) * (below / n - (total - below) / (logs.length - n)) ** 2
    if (between > best) [best, cut, belowCut] = [between, n, below]
  }
  const apart = (total - belowCut) / (logs.length - cut) - belowCut / cut
  return apart < Math.log(SAME_TISSUE) ? 0 : (positive[cut - 1] as number)
}

function spreadBlocks(mask: Uint8Array, x: Float32Array, grid: Shape, blocks: Blocks): Uint8Array {
  const out = new Uint8Array(x.length)
  forEachRun(grid, blocks, (block, start, end) => {
    if (mask[block] === 0) return
    for (let v = start; v < end; v++) {
      const value = x[v] as number
      if (value - value === 0) out[v] = 1
    }
  })
  return out
}

/** Calls `visit` with every run [start, end) of voxels that lie side by side in memory and in one block. */
function forEachRun(
  [nx, ny, nz]: Shape,
  { shape, ends }: Blocks,
  visit: (block: number, start: number, end: number) => void,
): void {
  const [columns, rows, slices] = ends
  for (let k = 0, c = 0; k < nz; k++) {
    if (k === slices[c]) c++
    for (let j = 0, b = 0; j < ny; j++) {
      if (j === rows[b]) b++
      const first = (c * shape[1] + b) * shape[0]
      const row = (k * ny + j) * nx
      for (let a = 0, i = 0; a < shape[0]; a++) {
        const end = columns[a] as number
        visit(first + a, row + i, row + end)
        i = end
      }
    }
  }
}
