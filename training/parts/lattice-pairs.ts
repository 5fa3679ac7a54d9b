/** Pairs of scans read on one lattice: what `local-tone` is trained on, whatever the images' own grids. */

import { type Cohort, type Pair, pairsOf, type Scan } from '../../src/cohort/cohort.ts'
import { loadScan, readMask } from '../../src/cohort/images.ts'
import { INSIDE, LATTICE, sampleLattice } from '../../src/kernels/lattice.ts'
import type { Vector3 } from '../../src/kernels/matrix.ts'
import { sortFloats } from '../../src/kernels/sort.ts'
import { resample } from '../../src/spatial/resample.ts'
import { frameOf, placeBox } from '../../src/volume/frame.ts'
import { sameGrid, type Volume, volumeOf } from '../../src/volume/volume.ts'
import { imageScale } from './features.ts'

/** Further lattice points on every side, so that the box can be shifted in training. */
export const MARGIN = 6
export const WIDE = LATTICE.shape.map((n) => n + 2 * MARGIN) as unknown as Vector3

/** One pair on the widened lattice, [108, 132, 108] along R, A, S. */
export interface LatticePair {
  readonly subject: string
  readonly domain: string
  /** Path of the target scan: tells which pairs share its gain. */
  readonly targetScan: string
  /** Source intensities in the file's unit, as apply will read them. */
  readonly image: Float32Array
  /**
   * The source without its noise, where that is known: what the loss reads. Curves fitted to noisy intensities are flatter than the truth.
   */
  readonly expected?: Float32Array
  /** The source's own mask, 0 or 1. */
  readonly mask: Uint8Array
  /** Target intensities. */
  readonly target: Float32Array
  /** 1 where both scans are inside their masks. */
  readonly common: Uint8Array
  /** The source's scale, as `imageScale` finds it. */
  readonly scale: number
  /** Median of the source's voxels brighter than half its scale: tissue without air, bone and fluid. */
  readonly tissueMedian: number
}

/** Every pair of the cohort, and every reference scan paired with itself. */
export async function loadLatticePairs(
  cohort: Cohort,
  target: string,
  onPair: (done: number, total: number) => void,
): Promise<LatticePair[]> {
  const pairs = pairsOf(cohort, target)
  const references = cohort.scans
    .filter((scan) => scan.domain === target)
    .map((scan): Pair => ({ subject: scan.subject, source: scan, target: scan }))
  const loaded: LatticePair[] = []
  for (const pair of [...pairs, ...references]) {
    loaded.push(shared(await readPair(pair)))
    onPair(loaded.length, pairs.length + references.length)
  }
  return loaded
}

/** Its arrays in memory that all threads see. */
function shared(pair: LatticePair): LatticePair {
  const moved = <T extends Float32Array | Uint8Array>(x: T): T => {
    const memory = new SharedArrayBuffer(x.byteLength)
    const out = (x instanceof Uint8Array ? new Uint8Array(memory) : new Float32Array(memory)) as T
    out.set(x)
    return out
  }
  const { image, mask, target, common } = pair
  return { ...pair, image: moved(image), mask: moved(mask), target: moved(target), common: moved(common) }
}

async function readPair({ subject, source, target }: Pair): Promise<LatticePair> {
  const from = await loadScan(source)
  const to = await onGridOf(from.volume, target)
  const region = source.region === undefined ? undefined : await readMask(source.region, from.volume)
  const counts = region ? [to.mask, region] : [to.mask]
  const { volume, mask } = from
  return {
    subject,
    domain: source.domain,
    targetScan: target.image,
    ...latticePair({ source: volume, mask, target: to.volume, counts }),
  }
}

/** Two images of one head on one grid. */
export interface GridPair {
  readonly source: Volume
  /** The source's own mask, 0 or 1. */
  readonly mask: Uint8Array
  readonly target: Volume
  /** The pair counts where each of these is 1. */
  readonly counts: readonly Uint8Array[]
  /** The source without its noise, where that is known. */
  readonly expected?: Volume
}

/** @throws {UnfittableError} when the source shows nothing in its mask */
export function latticePair({
  source,
  mask,
  target,
  counts,
  expected,
}: GridPair): Omit<LatticePair, 'subject' | 'domain' | 'targetScan'> {
  const frame = frameOf(source)
  const placement = { ...frame, corner: placeBox(frame, mask) }
  const read = ({ data, scale, shape }: Volume): Float32Array =>
    sampleLattice(data, shape, placement, scale.slope, scale.intercept, MARGIN)
  const binary = (inside: Uint8Array): Uint8Array => {
    const share = sampleLattice(inside, source.shape, placement, 1, 0, MARGIN)
    const places = new Uint8Array(share.length)
    for (let i = 0; i < share.length; i++) places[i] = share[i]! >= INSIDE ? 1 : 0
    return places
  }
  const image = read(source)
  const goal = read(target)
  const own = binary(mask)
  const common = own.slice()
  for (const places of counts.map(binary)) for (let i = 0; i < common.length; i++) common[i]! &= places[i]!
  for (const x of [image, goal]) leaveOutUnknown(x, common)
  leaveOutUnknown(image, own)
  const scale = imageScale(crop(image, [0, 0, 0]), crop(own, [0, 0, 0]))
  return {
    image,
    ...(expected && { expected: read(expected) }),
    mask: own,
    target: goal,
    common,
    scale,
    tissueMedian: medianAbove(image, scale / 2, own),
  }
}

/** Points that read NaN or infinity count as outside. */
function leaveOutUnknown(x: Float32Array, mask: Uint8Array): void {
  for (let i = 0; i < x.length; i++) if (!Number.isFinite(x[i])) mask[i] = 0
}

/** What was set to 0 is no tissue, whatever the mask says. */
export function notBlanked({ data }: Volume): Uint8Array {
  const kept = new Uint8Array(data.length)
  for (let v = 0; v < kept.length; v++) kept[v] = data[v] === 0 ? 0 : 1
  return kept
}

/** Volume of a mask on the lattice, or on the widened one. */
export function latticeMl(mask: ArrayLike<number>): number {
  let points = 0
  for (let i = 0; i < mask.length; i++) points += mask[i]!
  return points * (LATTICE.spacing ** 3 / 1000)
}

/** @returns the lower median of the values above `least` where `mask` is 1; NaN where there are none */
export function medianAbove(x: Float32Array, least: number, mask?: Uint8Array): number {
  const above = sortFloats(x.filter((value, i) => value > least && (mask === undefined || mask[i] === 1)))
  return above[Math.floor((above.length - 1) / 2)] ?? Number.NaN
}

async function onGridOf(grid: Volume, scan: Scan): Promise<{ volume: Volume; mask: Uint8Array }> {
  const { volume, mask } = await loadScan(scan)
  if (sameGrid(volume, grid)) return { volume, mask }
  const moved = resample(volumeOf(volume, mask), grid, 'nearest').data
  return { volume: resample(volume, grid, 'linear'), mask: Uint8Array.from(moved) }
}

/** The box out of a widened lattice, shifted by up to `MARGIN` points along each axis, mirrored left to right if asked. */
export function crop<T extends Float32Array | Uint8Array>(wide: T, shift: Vector3, mirror = false): T {
  const [nr, na, ns] = LATTICE.shape
  const out = (
    wide instanceof Uint8Array ? new Uint8Array(LATTICE.points) : new Float32Array(LATTICE.points)
  ) as T
  for (let r = 0, i = 0; r < nr; r++)
    for (let a = 0; a < na; a++, i += ns) {
      const start = lineInWide(r, a, shift, mirror)
      out.set(wide.subarray(start, start + ns), i)
    }
  return out
}

/** Where the line of the box at r, a begins in a widened lattice. */
export function lineInWide(r: number, a: number, shift: Vector3, mirror: boolean): number {
  const from = mirror ? LATTICE.shape[0] - 1 - r : r
  return ((from + MARGIN + shift[0]) * WIDE[1] + a + MARGIN + shift[1]) * WIDE[2] + MARGIN + shift[2]
}
