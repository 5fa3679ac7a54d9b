/**
 * Applying a trained `residual-unet` to what its first stage made of an image: slices of the lattice go through the network, along one
 * axis or all three, and the mean of its residuals is added to the image. See docs/decisions/0007-residual-unet.md.
 */
import { InputError } from '../errors.ts'
import { addFromLattice, LATTICE, sampleLattice } from '../kernels/lattice.ts'
import type { Volume } from '../volume/volume.ts'
import type { LatticeReading } from './reading.ts'
import { openSession } from './session.ts'

/** `quality` averages axial, coronal and sagittal passes; `fast` is the axial one alone. */
export type Profile = 'quality' | 'fast'

/** What the network made of the axial slices of an image at its deepest level: mean and SD over slices, channel by channel. */
export interface SliceFeatures {
  readonly mean: readonly number[]
  readonly sd: readonly number[]
}

export interface ResidualUnet {
  /**
   * @param values what the first stage made of the volume, in the reference's unit; changed in place
   * @param code   of the image (image-code.ts)
   * @returns `undefined` for graphs of older versions, which do not give them
   */
  addResidual(
    values: Float32Array,
    volume: Volume,
    reading: Pick<LatticeReading, 'mask' | 'placement'>,
    code: Float32Array,
    profile: Profile,
  ): Promise<SliceFeatures | undefined>
  close(): Promise<void>
}

/** Axes of the lattice that a pass has as slices, height and width. */
export interface Pass {
  readonly slices: 0 | 1 | 2
  readonly height: 0 | 1 | 2
  readonly width: 0 | 1 | 2
}

/** Axial, coronal, sagittal. */
export const PASSES: readonly Pass[] = [
  { slices: 2, height: 0, width: 1 },
  { slices: 1, height: 0, width: 2 },
  { slices: 0, height: 1, width: 2 },
]

/** Slices that go through the network at once: memory stays near 100 MB. */
const BATCH = 16
const STRIDES = [LATTICE.shape[1] * LATTICE.shape[2], LATTICE.shape[2], 1] as const

/**
 * @param onnx  the graph written by training/parts/onnx-residual-unet.ts
 * @throws {MissingError} when ONNX Runtime cannot be loaded; {InputError} when `onnx` is not a graph that it can run
 */
export async function openResidualUnet(
  onnx: Uint8Array,
  { threads }: { readonly threads: number },
): Promise<ResidualUnet> {
  const session = await openSession(onnx, { threads, name: 'The residual-unet network' })

  const residualOf = async (
    lattice: Float32Array,
    mask: Float32Array,
    code: Float32Array,
    pass: Pass,
  ): Promise<{ readonly residual: Float32Array; readonly seen: readonly Float32Array[] }> => {
    const [height, width] = [LATTICE.shape[pass.height], LATTICE.shape[pass.width]]
    const wanted = slicesInMask(mask, pass)
    const out = new Float32Array(LATTICE.points)
    const seen: Float32Array[] = []
    for (let from = 0; from < wanted.length; from += BATCH) {
      const chosen = wanted.slice(from, from + BATCH)
      const n = chosen.length
      const slices = new Float32Array(n * 3 * height * width)
      for (const [k, index] of chosen.entries())
        for (const neighbour of [0, 1, 2])
          copySlice(slices, (k * 3 + neighbour) * height * width, lattice, pass, index + neighbour - 1)
      const { residual, features } = await session.run({
        slices: { data: slices, dims: [n, 3, height, width] },
        code: { data: code, dims: [1, code.length] },
      })
      if (residual?.length !== n * height * width)
        throw new InputError(
          `The residual-unet network gives ${residual?.length ?? 0} values for ${n} slices of ${height} x ${width}.`,
          'Its file was changed: take the whole bundle from where it was trained.',
        )
      const channels = (features?.length ?? 0) / n
      if (features !== undefined)
        for (let k = 0; k < n; k++) seen.push(features.subarray(k * channels, (k + 1) * channels))
      for (const [k, index] of chosen.entries()) pasteSlice(out, pass, index, residual, k * height * width)
    }
    return { residual: out, seen }
  }

  return {
    async addResidual(values, volume, { mask, placement }, code, profile) {
      const lattice = sampleLattice(values, volume.shape, placement)
      fillHoles(lattice)
      const passes = profile === 'fast' ? PASSES.slice(0, 1) : PASSES
      const sum = new Float32Array(LATTICE.points)
      let features: SliceFeatures | undefined
      for (const pass of passes) {
        const { residual, seen } = await residualOf(lattice, mask, code, pass)
        features ??= featuresOver(seen)
        for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (residual[i] as number)
      }
      for (let i = 0; i < sum.length; i++) sum[i] = ((sum[i] as number) / passes.length) * (mask[i] as number)
      addFromLattice(values, volume.shape, placement, sum)
      return features
    },
    close: () => session.close(),
  }
}

function featuresOver(slices: readonly Float32Array[]): SliceFeatures | undefined {
  const [first] = slices
  if (first === undefined) return undefined
  const over = (of: (slice: Float32Array, channel: number) => number): number[] =>
    Array.from(first, (_, c) => slices.reduce((sum, slice) => sum + of(slice, c), 0) / slices.length)
  const mean = over((slice, c) => slice[c] as number)
  const variance = over((slice, c) => ((slice[c] as number) - (mean[c] as number)) ** 2)
  return { mean, sd: variance.map(Math.sqrt) }
}

/** Nothing is added outside the mask: slices without it need no network. */
function slicesInMask(mask: Float32Array, pass: Pass): readonly number[] {
  const plane = new Float32Array(LATTICE.shape[pass.height] * LATTICE.shape[pass.width])
  return Array.from({ length: LATTICE.shape[pass.slices] }, (_, index) => index).filter((index) => {
    copySlice(plane, 0, mask, pass, index)
    return plane.some((value) => value > 0)
  })
}

/** What is no number becomes the mean of the neighbours that are, so that a hole is not seen as an edge. */
function fillHoles(lattice: Float32Array): void {
  const holes = [...lattice.keys()].filter((i) => !Number.isFinite(lattice[i]))
  const filled = holes.map((i) => {
    const around = STRIDES.flatMap((stride) => [lattice[i - stride], lattice[i + stride]]).filter(
      (value): value is number => value !== undefined && Number.isFinite(value),
    )
    return around.reduce((sum, value) => sum + value, 0) / Math.max(1, around.length)
  })
  for (const [k, i] of holes.entries()) lattice[i] = filled[k] as number
}

/** One slice of the lattice, width fastest, to `to`; beyond the box it is the outermost one. */
export function copySlice(
  to: Float32Array,
  start: number,
  lattice: ArrayLike<number>,
  { slices, height, width }: Pass,
  index: number,
): void {
  const inside = Math.min(LATTICE.shape[slices] - 1, Math.max(0, index))
  const origin = inside * STRIDES[slices]
  const [rows, columns] = [LATTICE.shape[height], LATTICE.shape[width]]
  for (let h = 0, at = start; h < rows; h++) {
    const row = origin + h * STRIDES[height]
    for (let w = 0; w < columns; w++, at++) to[at] = lattice[row + w * STRIDES[width]] as number
  }
}

function pasteSlice(
  lattice: Float32Array,
  { slices, height, width }: Pass,
  index: number,
  from: Float32Array,
  start: number,
): void {
  const origin = index * STRIDES[slices]
  const [rows, columns] = [LATTICE.shape[height], LATTICE.shape[width]]
  for (let h = 0, at = start; h < rows; h++) {
    const row = origin + h * STRIDES[height]
    for (let w = 0; w < columns; w++, at++) lattice[row + w * STRIDES[width]] = from[at] as number
  }
}
