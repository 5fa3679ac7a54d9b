/**
 * `local-tone` spelled out from docs/decisions/0002-local-tone.md in plain loops: slow, and written without looking at
 * the graph, the trainer or the kernel that it judges. Positions are indices along R, A, S.
 */
import type { LocalToneModel, LocalToneWeights } from '../src/inference/local-tone-model.ts'
import { random } from '../src/kernels/random.ts'

type Triple = readonly [number, number, number]
/** A field of vectors on a grid: channels at (r, a, s). */
interface Field {
  readonly size: Triple
  readonly channels: number
  at(r: number, a: number, s: number, channel: number): number
}

const COARSE: Triple = [16, 20, 16]
/** Lattice points along the edge of a coarse voxel. */
const POOL = 6
export const CELLS: Triple = [8, 10, 8]
const CELL_MM = 24

function field(
  size: Triple,
  channels: number,
  value: (r: number, a: number, s: number, channel: number) => number,
): Field {
  const data = new Float64Array(size[0] * size[1] * size[2] * channels)
  const index = (r: number, a: number, s: number, c: number): number =>
    ((r * size[1] + a) * size[2] + s) * channels + c
  for (let r = 0; r < size[0]; r++)
    for (let a = 0; a < size[1]; a++)
      for (let s = 0; s < size[2]; s++)
        for (let c = 0; c < channels; c++) data[index(r, a, s, c)] = value(r, a, s, c)
  return { size, channels, at: (r, a, s, c) => data[index(r, a, s, c)] as number }
}

const number = (values: ArrayLike<number>, index: number): number => values[index] as number

/** 93rd percentile of the means of blocks of 3 x 3 x 3 points whose neighbours up to two blocks away lie half in the mask. */
export function oracleScale(image: Float32Array, mask: Float32Array): number {
  const means = new Map<string, number>()
  for (let r = 0; r < 32; r++)
    for (let a = 0; a < 40; a++)
      for (let s = 0; s < 32; s++) {
        const values: number[] = []
        for (let i = 0; i < 27; i++) {
          const point =
            ((3 * r + Math.floor(i / 9)) * 120 + 3 * a + (Math.floor(i / 3) % 3)) * 96 + 3 * s + (i % 3)
          if (number(mask, point) !== 0 && !Number.isNaN(number(image, point)))
            values.push(number(image, point))
        }
        if (values.length >= 14)
          means.set(`${r} ${a} ${s}`, values.reduce((x, y) => x + y, 0) / values.length)
      }
  const steps = [-2, -1, 0, 1, 2]
  const beyond = (i: number, n: number): boolean => i < 0 || i >= n
  const deep = [...means].filter(([key]) => {
    const [r = 0, a = 0, s = 0] = key.split(' ').map(Number)
    return steps.every((i) =>
      steps.every((j) =>
        steps.every(
          (k) =>
            beyond(r + i, 32) ||
            beyond(a + j, 40) ||
            beyond(s + k, 32) ||
            means.has(`${r + i} ${a + j} ${s + k}`),
        ),
      ),
    )
  })
  const sorted = (deep.length > 0 ? deep : [...means]).map(([, mean]) => mean).sort((x, y) => x - y)
  return sorted[Math.floor(0.93 * (sorted.length - 1) + 1e-9)] as number
}

function hat(knots: readonly number[], k: number, u: number): number {
  const [left, here, right] = [number(knots, k - 1), number(knots, k), number(knots, k + 1)]
  if (u === here) return 1
  if (u < here) return k > 0 && u > left ? (u - left) / (here - left) : 0
  return k < knots.length - 1 && u < right ? (right - u) / (right - here) : 0
}

/** What the network sees, [16, 20, 16, K + 5 + domains]. */
export function oracleFeatures(
  image: Float32Array,
  mask: Float32Array,
  { knots, domains }: LocalToneModel,
  domain: string,
): Field {
  const scale = oracleScale(image, mask)
  const top = knots[knots.length - 1] as number
  const count = knots.length
  const sums = new Float64Array(count + 1)
  const collect = (r: number, a: number, s: number): void => {
    sums.fill(0)
    for (let i = 0; i < POOL; i++)
      for (let j = 0; j < POOL; j++)
        for (let k = 0; k < POOL; k++) {
          const point = ((r * POOL + i) * 120 + a * POOL + j) * 96 + s * POOL + k
          const value = number(image, point) / scale
          if (mask[point] === 0 || Number.isNaN(value)) continue
          const u = Math.min(Math.max(value, 0), top)
          for (let knot = 0; knot < count; knot++) sums[knot] = number(sums, knot) + hat(knots, knot, u)
          sums[count] = number(sums, count) + 1
        }
  }
  return field(COARSE, count + 4 + domains.length, (r, a, s, c) => {
    if (c === 0) collect(r, a, s)
    if (c <= count) return number(sums, c) / POOL ** 3
    if (c === count + 1) return ((r + 0.5) / COARSE[0]) * 2 - 1
    if (c === count + 2) return ((a + 0.5) / COARSE[1]) * 2 - 1
    if (c === count + 3) return ((s + 0.5) / COARSE[2]) * 2 - 1
    return domains[c - count - 4] === domain ? 1 : 0
  })
}

/** 3x3x3, zero padding, kernel [27, in, out], tap (dx * 3 + dy) * 3 + dz; zeros are skipped to save time. */
function convolved(x: Field, { kernel, bias }: LocalToneWeights['conv1'], extra?: readonly number[]): Field {
  const [nr, na, ns] = x.size
  const outputs = bias.length
  const sums = new Float64Array(outputs)
  const gather = (r: number, a: number, s: number): void => {
    for (let to = 0; to < outputs; to++)
      sums[to] = number(bias, to) + (extra === undefined ? 0 : number(extra, to))
    for (let tap = 0; tap < 27; tap++) {
      const [dx, dy, dz] = [Math.floor(tap / 9), Math.floor(tap / 3) % 3, tap % 3]
      const [i, j, k] = [r + dx - 1, a + dy - 1, s + dz - 1]
      if (i < 0 || j < 0 || k < 0 || i >= nr || j >= na || k >= ns) continue
      for (let from = 0; from < x.channels; from++) {
        const value = x.at(i, j, k, from)
        if (value === 0) continue
        const start = (tap * x.channels + from) * outputs
        for (let to = 0; to < outputs; to++)
          sums[to] = (sums[to] as number) + value * (kernel[start + to] as number)
      }
    }
  }
  return field(x.size, outputs, (r, a, s, to) => {
    if (to === 0) gather(r, a, s)
    return Math.max(number(sums, to), 0)
  })
}

function halved(x: Field): Field {
  return field([x.size[0] / 2, x.size[1] / 2, x.size[2] / 2], x.channels, (r, a, s, c) => {
    let sum = 0
    for (let i = 0; i < 2; i++)
      for (let j = 0; j < 2; j++) for (let k = 0; k < 2; k++) sum += x.at(2 * r + i, 2 * a + j, 2 * s + k, c)
    return sum / 8
  })
}

/** p, K numbers per cell, for the domain of the given index. */
function network(x: Field, weights: LocalToneWeights, domain: number): Field {
  const h2 = convolved(halved(convolved(x, weights.conv1)), weights.conv2)
  const means = Array.from({ length: h2.channels }, (_, c) => {
    let sum = 0
    for (let r = 0; r < 8; r++)
      for (let a = 0; a < 10; a++) for (let s = 0; s < 8; s++) sum += h2.at(r, a, s, c)
    return sum / 640
  })
  const width = weights.conv3.bias.length
  const context = Array.from({ length: width }, (_, to) =>
    means.reduce((sum, mean, from) => sum + mean * number(weights.context, from * width + to), 0),
  )
  const h3 = convolved(h2, weights.conv3, context)
  const bins = weights.head.bias.length
  return field(CELLS, bins, (r, a, s, k) => {
    let sum =
      number(weights.head.bias, k) +
      number(weights.place, domain * 640 * bins + ((r * 10 + a) * 8 + s) * bins + k)
    for (let from = 0; from < width; from++)
      sum += h3.at(r, a, s, from) * number(weights.head.kernel, from * bins + k)
    return sum
  })
}

/** Halfway between the highest field below and the lowest above that change by at most `step` from cell to cell. */
function levelled(curve: Field, step: number): Field {
  return field(CELLS, curve.channels, (r, a, s, k) => {
    let [below, above] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
    for (let i = 0; i < 8; i++)
      for (let j = 0; j < 10; j++)
        for (let l = 0; l < 8; l++) {
          const reach = step * (Math.abs(i - r) + Math.abs(j - a) + Math.abs(l - s))
          below = Math.min(below, curve.at(i, j, l, k) + reach)
          above = Math.max(above, curve.at(i, j, l, k) - reach)
        }
    return (below + above) / 2
  })
}

/** Both bounds, from p to curves [8, 10, 8, K + 1]. */
function bounded(p: Field, { tones, bounds }: LocalToneModel, domain: string): Float64Array {
  const tone = tones[domain] as readonly number[]
  const knots = tone.length
  const raw = field(CELLS, knots, (r, a, s, k) => {
    let sum = 0
    for (let j = 1; j <= k; j++)
      sum +=
        (number(tone, j) - number(tone, j - 1)) *
        Math.exp(Math.log(bounds.slopeRatio) * Math.tanh(p.at(r, a, s, j - 1)))
    return sum
  })
  const curve = levelled(raw, 0.75 * bounds.perMm * CELL_MM)
  let steepest = 0
  for (let r = 0; r < 7; r++)
    for (let a = 0; a < 9; a++)
      for (let s = 0; s < 7; s++)
        for (let k = 0; k < knots; k++) {
          const [dr, da, ds] = [[], [], []] as [number[], number[], number[]]
          for (const i of [0, 1])
            for (const j of [0, 1]) {
              dr.push(Math.abs(curve.at(r + 1, a + i, s + j, k) - curve.at(r, a + i, s + j, k)))
              da.push(Math.abs(curve.at(r + i, a + 1, s + j, k) - curve.at(r + i, a, s + j, k)))
              ds.push(Math.abs(curve.at(r + i, a + j, s + 1, k) - curve.at(r + i, a + j, s, k)))
            }
          steepest = Math.max(
            steepest,
            Math.hypot(Math.max(...dr), Math.max(...da), Math.max(...ds)) / CELL_MM,
          )
        }
  const share = steepest > bounds.perMm ? bounds.perMm / steepest : 1
  const out = new Float64Array(640 * knots)
  for (let k = 0; k < knots; k++) {
    let mean = 0
    for (let r = 0; r < 8; r++)
      for (let a = 0; a < 10; a++) for (let s = 0; s < 8; s++) mean += curve.at(r, a, s, k) / 640
    for (let r = 0; r < 8; r++)
      for (let a = 0; a < 10; a++)
        for (let s = 0; s < 8; s++)
          out[((r * 10 + a) * 8 + s) * knots + k] = mean + share * (curve.at(r, a, s, k) - mean)
  }
  return out
}

/** From the lattice to the curves of the cells, [8, 10, 8, K + 1] in units of the reference scale. */
export function oracleCurves(
  model: LocalToneModel,
  weights: LocalToneWeights,
  image: Float32Array,
  mask: Float32Array,
  domain: string,
): Float64Array {
  const p = network(oracleFeatures(image, mask, model, domain), weights, model.domains.indexOf(domain))
  return bounded(p, model, domain)
}

/**
 * The curve at a point of the box (mm along R, A, S) and a normalized intensity, in units of the reference scale; beyond
 * the knots it continues with the outer slope of the curves' mean over the cells.
 */
export function oracleCurveAt(
  curves: ArrayLike<number>,
  knots: readonly number[],
  point: readonly number[],
  u: number,
): number {
  const last = knots.length - 1
  const inside = Math.min(Math.max(u, 0), number(knots, last))
  if (u !== inside) {
    const k = u < inside ? 0 : last - 1
    let rise = 0
    for (let cell = 0; cell < 640; cell++)
      rise += (number(curves, cell * knots.length + k + 1) - number(curves, cell * knots.length + k)) / 640
    const slope = rise / (number(knots, k + 1) - number(knots, k))
    return oracleCurveAt(curves, knots, point, inside) + slope * (u - inside)
  }
  let bin = 0
  while (bin < last - 1 && u >= number(knots, bin + 1)) bin++
  const share = (u - number(knots, bin)) / (number(knots, bin + 1) - number(knots, bin))
  const cell = CELLS.map((n, axis) => {
    const at = Math.min(Math.max(number(point, axis) / CELL_MM - 0.5, 0), n - 1)
    return { low: Math.floor(at), share: at - Math.floor(at), high: Math.min(Math.floor(at) + 1, n - 1) }
  }) as [Cell, Cell, Cell]
  let sum = 0
  for (const [r, wr] of ends(cell[0]))
    for (const [a, wa] of ends(cell[1]))
      for (const [s, ws] of ends(cell[2])) {
        const at = ((r * 10 + a) * 8 + s) * knots.length + bin
        const value = number(curves, at) + share * (number(curves, at + 1) - number(curves, at))
        sum += wr * wa * ws * value
      }
  return sum
}

interface Cell {
  readonly low: number
  readonly high: number
  readonly share: number
}
function ends({ low, high, share }: Cell): readonly (readonly [number, number])[] {
  return [
    [low, 1 - share],
    [high, share],
  ]
}

/** A model with K bins of uneven width and convex tones, the curvature growing with the domain. */
export function sampleModel(bins = 12, domains: readonly string[] = ['a', 'b', 'c']): LocalToneModel {
  const knots = Array.from({ length: bins + 1 }, (_, k) => 2.6 * (k / bins) ** 1.3)
  return {
    kind: 'local-tone',
    referenceScale: 300,
    knots,
    domains,
    tones: Object.fromEntries(
      domains.map((name, i) => [name, knots.map((u) => u * (0.8 + 0.1 * i) + 0.05 * (i + 1) * u * u)]),
    ),
    bounds: { slopeRatio: 4, perMm: 0.01 },
  }
}

/** Normally distributed weights; `size` 1 keeps activations near 1. */
export function sampleWeights(model: LocalToneModel, seed: number, size = 1): LocalToneWeights {
  const source = random(seed, 'local-tone weights')
  const bins = model.knots.length - 1
  const inputs = bins + 5 + model.domains.length
  const normal = (length: number, sd: number): Float32Array =>
    Float32Array.from({ length }, () => source.normal() * sd * size)
  return {
    conv1: { kernel: normal(27 * inputs * 24, 0.1), bias: normal(24, 0.1) },
    conv2: { kernel: normal(27 * 24 * 32, 0.05), bias: normal(32, 0.1) },
    conv3: { kernel: normal(27 * 32 * 32, 0.05), bias: normal(32, 0.1) },
    context: normal(32 * 32, 0.1),
    head: { kernel: normal(32 * bins, 0.2), bias: normal(bins, 0.1) },
    place: normal(model.domains.length * 640 * bins, 0.3),
  }
}

/** A lattice image of smooth blobs and noise in an ellipsoidal mask; values are near 350. */
export function sampleLatticeImage(seed: number): { image: Float32Array; mask: Float32Array } {
  const source = random(seed, 'lattice image')
  const [p, q] = [source.between(5, 12), source.between(5, 12)]
  const image = new Float32Array(96 * 120 * 96)
  const mask = new Float32Array(image.length)
  for (let r = 0, i = 0; r < 96; r++)
    for (let a = 0; a < 120; a++)
      for (let s = 0; s < 96; s++, i++) {
        const inside = Math.hypot((r - 48) / 35, (a - 60) / 45, (s - 55) / 36) < 1
        mask[i] = inside ? 1 : 0
        image[i] = inside
          ? 350 + 250 * Math.sin(r / p) * Math.cos(a / q) * Math.sin(s / 7) + 20 * source.normal()
          : 5 * source.uniform()
      }
  return { image, mask }
}
