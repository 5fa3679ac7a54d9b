/** What the network of `local-tone` sees of an image: local histograms on a coarse grid of 12 mm. */

import { UnfittableError } from '../../src/errors.ts'
import { LATTICE } from '../../src/kernels/lattice.ts'
import type { Vector3 } from '../../src/kernels/matrix.ts'
import { erode } from '../../src/kernels/morphology.ts'

export const COARSE = [16, 20, 16] as const
const POOL = 6
const COARSE_VOXELS = COARSE[0] * COARSE[1] * COARSE[2]

/** Lattice points along each edge of a block whose mean counts for the scale: 6 mm. */
export const BLOCK = 3
const BLOCKS = LATTICE.shape.map((n) => n / BLOCK) as unknown as Vector3
/** A block is deep when all blocks up to this many away along each axis lie half in the mask: 12 mm below the scalp. */
export const DEPTH = 2
/** Percentile of their means that is the scale; chosen on tuning seeds for its steadiness from head to head. */
export const SCALE_PERCENTILE = 93

/** What lies in each block of 6 mm, [32, 40, 32] along R, A, S; NaN counts as outside the mask. */
export interface Blocks {
  /** 1 where more than half of the block lies in the mask. */
  readonly inside: Uint8Array
  /** Of the points in the mask, NaN where there is none. */
  readonly means: Float32Array
}

export function blocksOf(lattice: Float32Array, mask: ArrayLike<number>): Blocks {
  const [nr, na] = LATTICE.shape
  const [br, ba, bs] = BLOCKS
  const count = new Float32Array(br * ba * bs)
  const means = new Float32Array(br * ba * bs)
  for (let r = 0, i = 0; r < nr; r++)
    for (let a = 0; a < na; a++) {
      const line = (Math.floor(r / BLOCK) * ba + Math.floor(a / BLOCK)) * bs
      for (let block = line; block < line + bs; block++) {
        let n = 0
        let total = 0
        for (const end = i + BLOCK; i < end; i++) {
          if (mask[i] === 0) continue
          const value = lattice[i]!
          if (Number.isNaN(value)) continue
          n++
          total += value
        }
        count[block]! += n
        means[block]! += total
      }
    }
  for (let block = 0; block < count.length; block++) means[block]! /= count[block]!
  return { inside: new Uint8Array(count.map((n) => (n > BLOCK ** 3 / 2 ? 1 : 0))), means }
}

/** Blocks all whose neighbours up to `depth` away along each axis lie in the mask by half; beyond the lattice counts as inside. */
export function deepBlocks(inside: Uint8Array, depth: number): Uint8Array {
  const [br, ba, bs] = BLOCKS
  return erode(inside, [bs, ba, br], depth, 26)
}

/**
 * The image's scale: the 93rd percentile (the lower of two) of the mean intensity of deep blocks of 6 mm: white matter in a
 * T1-weighted head, whatever its shares of fat, bone and fluid. Where no block is deep, all blocks half in the mask count.
 * @throws {UnfittableError} when no block lies half in the mask, or the percentile is not positive
 */
export function imageScale(lattice: Float32Array, mask: ArrayLike<number>): number {
  const { inside, means } = blocksOf(lattice, mask)
  const deep = deepBlocks(inside, DEPTH)
  const chosen = deep.includes(1) ? deep : inside
  const ranked = means.filter((_, i) => chosen[i] === 1).sort()
  const scale = ranked[Math.floor((SCALE_PERCENTILE * (ranked.length - 1)) / 100)] ?? Number.NaN
  if (!(scale > 0))
    throw new UnfittableError(
      `The ${SCALE_PERCENTILE}rd percentile of intensity deep in the mask is ${scale}.`,
      'Check that the mask covers the head and that intensities are positive.',
    )
  return scale
}

/** Equal steps from 0 to the last knot, of which each tells where to begin to look for a bin. */
const BIN_STEPS = 1024

/** For each step, the bin that its intensities begin in, or one below: of the step before, so that rounding cannot pass a knot. */
function firstBinsOf(knots: readonly number[]): Uint8Array {
  const last = knots.length - 1
  let bin = 0
  return Uint8Array.from({ length: BIN_STEPS + 1 }, (_, step) => {
    while (bin < last - 1 && ((step - 1) / BIN_STEPS) * knots[last]! >= knots[bin + 1]!) bin++
    return bin
  })
}

/** Channels: K + 1 histogram, mask, 3 coordinates, one per domain. */
export function featureCount(knots: number, domains: number): number {
  return knots + 4 + domains
}

/**
 * @param u      lattice intensities in units of the image's scale, [96, 120, 96]; NaN counts as outside the mask
 * @param mask   0 or 1, same shape
 * @param domain index of the image's domain
 * @returns [16, 20, 16, F], channel fastest
 */
export function coarseFeatures(
  u: Float32Array,
  mask: ArrayLike<number>,
  knots: readonly number[],
  domain: number,
  domains: number,
): Float32Array {
  const channels = featureCount(knots.length, domains)
  const out = new Float32Array(COARSE_VOXELS * channels)
  const last = knots.length - 1
  const top = knots[last]!
  const perPoint = 1 / POOL ** 3
  const perWidth = Float64Array.from({ length: last }, (_, bin) => 1 / (knots[bin + 1]! - knots[bin]!))
  const firstBins = firstBinsOf(knots)
  const perStep = BIN_STEPS / top
  const [pointsR, pointsA] = LATTICE.shape
  for (let r = 0, i = 0; r < pointsR; r++)
    for (let a = 0; a < pointsA; a++) {
      const line = (Math.floor(r / POOL) * COARSE[1] + Math.floor(a / POOL)) * COARSE[2] * channels
      for (let voxel = 0, base = line; voxel < COARSE[2]; voxel++, base += channels)
        for (const end = i + POOL; i < end; i++) {
          if (mask[i] === 0 || Number.isNaN(u[i]!)) continue
          const value = Math.min(Math.max(u[i]!, 0), top)
          let bin = firstBins[Math.floor(value * perStep)]!
          while (bin < last - 1 && value >= knots[bin + 1]!) bin++
          const share = (value - knots[bin]!) * perWidth[bin]!
          out[base + bin]! += (1 - share) * perPoint
          out[base + bin + 1]! += share * perPoint
          out[base + knots.length]! += perPoint
        }
    }
  const [nr, na, ns] = COARSE
  for (let r = 0, base = 0; r < nr; r++)
    for (let a = 0; a < na; a++)
      for (let s = 0; s < ns; s++, base += channels) {
        const at = base + knots.length + 1
        out[at] = ((r + 0.5) / nr) * 2 - 1
        out[at + 1] = ((a + 0.5) / na) * 2 - 1
        out[at + 2] = ((s + 0.5) / ns) * 2 - 1
        out[at + 3 + domain] = 1
      }
  return out
}
