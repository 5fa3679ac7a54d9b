/**
 * What the last pass of a universal harmonizer reads, spelled out from docs/decisions/0018-tone-pass.md in plain loops: slow, and written without
 * looking at the graph or the trainer that it judges.
 */
import { random } from '../src/kernels/random.ts'
import type { TrainedTone } from '../training/parts/tone-curve.ts'
import { likenessOf } from '../training/parts/unlikeness.ts'

interface Block {
  readonly at: readonly [number, number, number]
  readonly values: readonly number[]
}

/** @param u [96, 120, 96] in units of the canonical level, NaN where there is nothing */
export function oracleEvenBlocks(u: ArrayLike<number>, mask: ArrayLike<number>): number[] {
  const blocks: Block[] = []
  for (let r = 0; r < 32; r++)
    for (let a = 0; a < 40; a++)
      for (let s = 0; s < 32; s++) {
        const values: number[] = []
        for (const i of [0, 1, 2])
          for (const j of [0, 1, 2])
            for (const k of [0, 1, 2]) {
              const point = ((3 * r + i) * 120 + 3 * a + j) * 96 + 3 * s + k
              const value = u[point] as number
              if (mask[point] === 1 && !Number.isNaN(value)) values.push(value)
            }
        // more than half of 27
        if (values.length >= 14) blocks.push({ at: [r, a, s], values })
      }
  const inside = new Uint8Array(32 * 40 * 32)
  for (const { at } of blocks) inside[(at[0] * 40 + at[1]) * 32 + at[2]] = 1
  const within = (i: number, n: number): boolean => i >= 0 && i < n
  const isDeep = ({ at: [r, a, s] }: Block, depth: number): boolean => {
    for (let i = -depth; i <= depth; i++)
      for (let j = -depth; j <= depth; j++)
        for (let k = -depth; k <= depth; k++) {
          const [x, y, z] = [r + i, a + j, s + k]
          const real = within(x, 32) && within(y, 40) && within(z, 32)
          if (real && inside[(x * 40 + y) * 32 + z] === 0) return false
        }
    return true
  }
  const mean = (values: readonly number[]): number => values.reduce((x, y) => x + y, 0) / values.length
  const sd = ({ values }: Block): number => Math.sqrt(mean(values.map((x) => (x - mean(values)) ** 2)))
  const lower = (values: readonly number[], percent: number): number =>
    values.length === 0
      ? 0
      : ([...values].sort((x, y) => x - y)[Math.floor((percent * (values.length - 1)) / 100)] as number)
  const histograms: number[] = []
  const shares: number[] = []
  let spreads: number[] = []
  for (const depth of [2, 4, 6]) {
    const deep = blocks.filter((block) => isDeep(block, depth))
    const all = deep.map(sd)
    const most = lower(all, 30)
    const even = deep.filter((_, i) => (all[i] as number) <= most)
    for (let level = 0; level <= 40; level++) {
      const hat = (x: number): number =>
        Math.max(0, 1 - Math.abs(Math.min(1.6, Math.max(0, x)) - level * 0.04) / 0.04)
      histograms.push(even.length === 0 ? 0 : Math.sqrt(mean(even.map(({ values }) => hat(mean(values))))))
    }
    shares.push(deep.length / blocks.length)
    if (depth === 2) spreads = [10, 30, 50].map((percent) => lower(all, percent))
  }
  return [...histograms, ...shares, Math.log(blocks.length / 10_000), ...spreads]
}

/** A network of the last pass with weights that are normally distributed. */
export function sampleTone(seed: number, domains: readonly string[] = ['*']): TrainedTone {
  const rng = random(seed, 'tone')
  const drawn = (size: number, sd: number): Float32Array =>
    Float32Array.from({ length: size }, () => sd * rng.normal())
  const features = 130
  const knots = [0, 0.3, 0.7, 1.1, 2]
  return {
    model: {
      ...{ kind: 'local-tone', referenceScale: 1000, knots, domains },
      tones: Object.fromEntries(domains.map((name) => [name, knots])),
      bounds: { slopeRatio: 4, perMm: 0 },
    },
    weights: {
      hidden: { kernel: drawn(features * 8, 0.5), bias: drawn(8, 0.5) },
      out: { kernel: drawn(8 * 4, 0.5), bias: drawn(4, 0.3) },
    },
    likeness: likenessOf(Array.from({ length: 200 }, () => drawn(features, 0.3))),
  }
}
