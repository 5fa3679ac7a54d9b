/** What one scan teaches the last pass of a universal harmonizer: what it reads, and what one curve for the whole image should do. A few kilobytes, kept. */
import { readFile } from 'node:fs/promises'
import { writeFileAtomic } from '../../src/files.ts'
import { readLattice } from '../../src/inference/reading.ts'
import { decodeBytes, decodeFloats, encodeBytes, encodeFloats } from '../../src/kernels/float-text.ts'
import { LATTICE } from '../../src/kernels/lattice.ts'
import type { Volume } from '../../src/volume/volume.ts'
import { evenBlockFeatures } from './even-blocks.ts'
import { latticeMl, notBlanked } from './lattice-pairs.ts'
import { SAMPLED, STRIDE } from './samples.ts'

/** A scan as the passes before leave it, and its truth, in any unit. */
export interface LeftScan {
  readonly image: Volume
  readonly expected: Float32Array
  readonly target: Float32Array
  readonly mask: Uint8Array
  /** 1 in brain. */
  readonly brain: Uint8Array
}

export interface ToneExample {
  readonly features: Float32Array
  /** [2, BINS, 2 + DECILES]: head and brain; of each bin its share of the voxels, their mean, and what the truth is there. */
  readonly table: Float32Array
  /** The scan on a coarse grid, for guards on what comes out. */
  readonly box: { readonly values: Float32Array; readonly mask: Uint8Array }
  /** Of the mask. */
  readonly ml: number
}

/** Bins of intensity, in units of the canonical level: finer where fluid and grey matter lie. The last holds all above. */
const PIECES = [
  { from: 0, perUnit: 50, bins: 20 },
  { from: 0.4, perUnit: 25, bins: 20 },
  { from: 1.2, perUnit: 10, bins: 9 },
] as const
export const BINS: number = PIECES.reduce((sum, { bins }) => sum + bins, 0)
/** Of the truth in a bin: what the mean absolute error is taken over. */
export const DECILES = 10
/** Bins with fewer voxels than this count nothing. */
const FEWEST = 20

/** @param level what 1 stands for */
export function toneExample({ image, expected, target, mask, brain }: LeftScan, level: number): ToneExample {
  const { image: lattice, mask: inside } = readLattice(image, mask)
  const u = lattice.map((value) => value / level)
  const tissue = notBlanked(image)
  const head = mask.map((counts, v) => counts & tissue[v]!)
  const inBrain = head.map((counts, v) => counts & brain[v]!)
  const table = new Float32Array(2 * BINS * (2 + DECILES))
  for (const [k, place] of [head, inBrain].entries())
    table.set(errorTable(expected, target, place, level), k * BINS * (2 + DECILES))
  const [, pointsA, pointsS] = LATTICE.shape
  const values = new Float32Array(SAMPLED[0] * SAMPLED[1] * SAMPLED[2])
  const boxMask = new Uint8Array(values.length)
  for (let s = 0, point = 0; s < SAMPLED[2]; s++)
    for (let a = 0; a < SAMPLED[1]; a++)
      for (let r = 0; r < SAMPLED[0]; r++, point++) {
        const at = (r * STRIDE * pointsA + a * STRIDE) * pointsS + s * STRIDE
        values[point] = u[at]!
        boxMask[point] = inside[at]!
      }
  return {
    features: evenBlockFeatures(u, inside),
    table,
    box: { values, mask: boxMask },
    ml: latticeMl(inside),
  }
}

function errorTable(
  expected: Float32Array,
  target: Float32Array,
  place: Uint8Array,
  level: number,
): Float32Array {
  const rows = new Float32Array(BINS * (2 + DECILES))
  const bins: { sum: number; truth: number[] }[] = Array.from({ length: BINS }, () => ({ sum: 0, truth: [] }))
  let total = 0
  for (let v = 0; v < expected.length; v++) {
    const value = expected[v]! / level
    if (place[v] === 0 || !(value >= 0)) continue
    const bin = bins[binOf(value)]!
    bin.sum += value
    bin.truth.push(target[v]! / level)
    total++
  }
  for (const [k, { sum, truth }] of bins.entries()) {
    if (truth.length < FEWEST) continue
    const ranked = Float32Array.from(truth).sort()
    const row = k * (2 + DECILES)
    rows[row] = truth.length / total
    rows[row + 1] = sum / truth.length
    for (let d = 0; d < DECILES; d++)
      rows[row + 2 + d] = ranked[Math.floor(((d + 0.5) * truth.length) / DECILES)]!
  }
  return rows
}

function binOf(value: number): number {
  let before = 0
  for (const { from, perUnit, bins } of PIECES) {
    const own = Math.floor(perUnit * (value - from))
    if (own < bins) return before + own
    before += bins
  }
  return BINS - 1
}

type Stored = Record<'key' | 'features' | 'table' | 'values' | 'mask', string> & { readonly ml: number }

/** @param key ties it to what it was made of */
export async function writeExample(
  path: string,
  key: string,
  { features, table, box, ml }: ToneExample,
): Promise<void> {
  const stored: Stored = {
    ...{ key, ml, features: encodeFloats(features), table: encodeFloats(table) },
    ...{ values: encodeFloats(box.values), mask: encodeBytes(box.mask) },
  }
  await writeFileAtomic(path, JSON.stringify(stored))
}

/** @returns `undefined` where there is none, or one with another key */
export async function readExample(path: string, key: string): Promise<ToneExample | undefined> {
  let stored: Stored
  try {
    stored = JSON.parse(await readFile(path, 'utf8')) as Stored
  } catch {
    return undefined
  }
  if (stored.key !== key) return undefined
  return {
    features: decodeFloats(stored.features),
    table: decodeFloats(stored.table),
    box: { values: decodeFloats(stored.values), mask: decodeBytes(stored.mask) },
    ml: stored.ml,
  }
}
