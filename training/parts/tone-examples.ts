/** What one scan teaches the last pass of a universal harmonizer: what it reads, and what one curve for the whole image should do. A few kilobytes, kept. */
import { readFile } from 'node:fs/promises'
import { writeFileAtomic } from '../../src/files.ts'
import { readLattice } from '../../src/inference/reading.ts'
import { LATTICE } from '../../src/kernels/lattice.ts'
import type { Volume } from '../../src/volume/volume.ts'
import { evenBlockFeatures } from './even-blocks.ts'
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

/** Bins of intensity, in units of the canonical level: finer where fluid and grey matter lie. */
const EDGES: readonly number[] = [
  ...Array.from({ length: 20 }, (_, k) => k / 50),
  ...Array.from({ length: 20 }, (_, k) => 0.4 + k / 25),
  ...Array.from({ length: 9 }, (_, k) => 1.2 + k / 10),
]
export const BINS: number = EDGES.length
/** Of the truth in a bin: what the mean absolute error is taken over. */
export const DECILES = 10
/** Bins with fewer voxels than this count nothing. */
const FEWEST = 20

/** @param level what 1 stands for */
export function toneExample({ image, expected, target, mask, brain }: LeftScan, level: number): ToneExample {
  const { image: lattice, mask: inside } = readLattice(image, mask)
  const u = lattice.map((value) => value / level)
  const head = mask.map((counts, v) => (image.data[v] === 0 ? 0 : counts))
  const inBrain = head.map((counts, v) => counts & brain[v]!)
  const table = new Float32Array(2 * BINS * (2 + DECILES))
  for (const [k, place] of [head, inBrain].entries())
    table.set(errorTable(expected, target, place, level), k * BINS * (2 + DECILES))
  const [, pointsA, pointsS] = LATTICE.shape
  const values = new Float32Array(SAMPLED[0] * SAMPLED[1] * SAMPLED[2])
  const boxMask = new Uint8Array(values.length)
  let ml = 0
  for (let i = 0; i < inside.length; i++) ml += (inside[i]! * LATTICE.spacing ** 3) / 1000
  for (let s = 0, point = 0; s < SAMPLED[2]; s++)
    for (let a = 0; a < SAMPLED[1]; a++)
      for (let r = 0; r < SAMPLED[0]; r++, point++) {
        const at = (r * STRIDE * pointsA + a * STRIDE) * pointsS + s * STRIDE
        values[point] = u[at]!
        boxMask[point] = inside[at]!
      }
  return { features: evenBlockFeatures(u, inside), table, box: { values, mask: boxMask }, ml }
}

function errorTable(
  expected: Float32Array,
  target: Float32Array,
  place: Uint8Array,
  level: number,
): Float32Array {
  const rows = new Float32Array(BINS * (2 + DECILES))
  const bins: { sum: number; truth: number[] }[] = EDGES.map(() => ({ sum: 0, truth: [] }))
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
  if (value < 0.4) return Math.floor(50 * value)
  if (value < 1.2) return 20 + Math.floor(25 * (value - 0.4))
  return Math.min(BINS - 1, 40 + Math.floor(10 * (value - 1.2)))
}

const ARRAYS = ['features', 'table', 'values', 'mask'] as const
type Stored = Record<(typeof ARRAYS)[number], string> & { readonly key: string; readonly ml: number }

/** @param key ties it to what it was made of */
export async function writeExample(
  path: string,
  key: string,
  { features, table, box, ml }: ToneExample,
): Promise<void> {
  const text = (x: Float32Array | Uint8Array): string =>
    Buffer.from(x.buffer, x.byteOffset, x.byteLength).toString('base64')
  const stored: Stored = {
    ...{ key, ml, features: text(features), table: text(table) },
    ...{ values: text(box.values), mask: text(box.mask) },
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
  const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'base64'))
  const floats = (text: string): Float32Array => new Float32Array(bytes(text).buffer as ArrayBuffer)
  return {
    features: floats(stored.features),
    table: floats(stored.table),
    box: { values: floats(stored.values), mask: bytes(stored.mask) },
    ml: stored.ml,
  }
}
