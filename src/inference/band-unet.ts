/**
 * Applying a trained `band-unet`: axial slices on the image's own grid go through the network, which gives what is to be added. See
 * docs/decisions/0012-units.md.
 */
import { InputError, RefusedError } from '../errors.ts'
import { frameOf } from '../volume/frame.ts'
import { fromPlanes, type Planes, toPlanes } from '../volume/planes.ts'
import type { Volume } from '../volume/volume.ts'
import type { BandUnetModel } from './band-unet-model.ts'
import { openSession } from './session.ts'

export interface BandUnet {
  /**
   * @param x    values of `volume` in the model's unit
   * @param code of the image (unit-code.ts)
   * @returns a new array; values outside the model's window, and what is no number, are as they came
   * @throws {RefusedError} when its voxels are not those that were trained on
   */
  apply(volume: Volume, x: Float32Array, code: Float32Array): Promise<Float32Array>
  close(): Promise<void>
}

/** By how much pixels may differ from those of training (chosen): bands of so many pixels are then as many mm, within what kernels differ. */
const PIXEL_TOLERANCE = 1.1
/** The same of the distance of slices, which the network only looks across. */
const SLICE_TOLERANCE = 2
/** Slices that go through the network at once. */
const BATCH = 4

/**
 * @param onnx   the graph written by training/parts/onnx-band-unet.ts
 * @param margin pixels around each slice, in which its border is repeated
 * @throws {MissingError} when ONNX Runtime cannot be loaded; {InputError} when `onnx` is not a graph that it can run
 */
export async function openBandUnet(
  model: BandUnetModel,
  onnx: Uint8Array,
  { threads }: { readonly threads: number },
): Promise<BandUnet> {
  const session = await openSession(onnx, { threads, name: 'The band-unet network' })
  return {
    async apply(volume, x, code) {
      checkVoxels(volume, model)
      const { data, shape } = toPlanes(x, volume)
      const known = data.map((value) => (Number.isFinite(value) ? value : model.window.low))
      const [count, rows, columns] = shape
      const [height, width] = paddedSize(rows, columns)
      const found = new Float32Array(data.length)
      for (let from = 0; from < count; from += BATCH) {
        const n = Math.min(BATCH, count - from)
        const slices = new Float32Array(n * 3 * height * width)
        for (let k = 0; k < n; k++)
          for (let neighbour = 0; neighbour < 3; neighbour++) {
            const at = (k * 3 + neighbour) * height * width
            copyPlane(slices, at, { data: known, shape }, from + k + neighbour - 1, height, width)
          }
        const { residual } = await session.run({
          slices: { data: slices, dims: [n, 3, height, width] },
          code: { data: code, dims: [1, code.length] },
        })
        if (residual?.length !== n * height * width)
          throw new InputError(
            `The band-unet network gives ${residual?.length ?? 0} values for ${n} slices of ${height} x ${width}.`,
            'Its file was changed: take the whole bundle from where it was trained.',
          )
        for (let k = 0; k < n; k++)
          for (let j = 0; j < rows; j++) {
            const row = (k * height + j + MARGIN) * width + MARGIN
            found.set(residual.subarray(row, row + columns), ((from + k) * rows + j) * columns)
          }
      }
      for (let i = 0; i < found.length; i++) if (!Number.isFinite(data[i])) found[i] = 0
      if (model.unit === 'SUVbw') balance(found)
      const change = fromPlanes({ data: found, shape }, volume)
      return x.map((value, i) => (change[i] === 0 ? value : value + (change[i] as number)))
    },
    close: () => session.close(),
  }
}

/** Repeated pixels on every side, so that no band looks beyond the slice. */
export const MARGIN = 8

/** Height and width of a slice with its margins, in multiples of 8. */
export function paddedSize(rows: number, columns: number): readonly [number, number] {
  const padded = (n: number): number => 8 * Math.ceil((n + 2 * MARGIN) / 8)
  return [padded(rows), padded(columns)]
}

/** One plane with its margins, to `at`; beyond the image its border is repeated, and beyond the first and last plane these. */
export function copyPlane(
  to: Float32Array,
  at: number,
  { data, shape: [planes, rows, columns] }: Planes,
  plane: number,
  height: number,
  width: number,
): void {
  const inside = (index: number, n: number): number => Math.min(n - 1, Math.max(0, index))
  const from = inside(plane, planes) * rows * columns
  for (let j = 0; j < height; j++) {
    const row = from + inside(j - MARGIN, rows) * columns
    for (let i = 0; i < width; i++) to[at + j * width + i] = data[row + inside(i - MARGIN, columns)] as number
  }
}

/**
 * Makes the changes add up to 0, so that the activity in the image is what it was: those of the sign that prevails get smaller, the others larger,
 * each in proportion, and what is 0 stays 0. No change doubles or turns round.
 */
export function balance(change: Float32Array): void {
  let [sum, size] = [0, 0]
  for (const value of change) {
    sum += value
    size += Math.abs(value)
  }
  if (size === 0) return
  for (let i = 0; i < change.length; i++) {
    const value = change[i] as number
    change[i] = value - (sum / size) * Math.abs(value)
  }
}

function checkVoxels(volume: Volume, { voxelMm }: BandUnetModel): void {
  const { voxel } = frameOf(volume)
  const ratio = (axis: 0 | 1 | 2): number =>
    Math.max(voxel[axis] / voxelMm[axis], voxelMm[axis] / voxel[axis])
  if (Math.max(ratio(0), ratio(1)) <= PIXEL_TOLERANCE && ratio(2) <= SLICE_TOLERANCE) return
  const size = (mm: readonly number[]): string => mm.map((edge) => Number(edge.toPrecision(3))).join(' x ')
  throw new RefusedError(
    `The image has voxels of ${size(voxel)} mm; the bundle was trained on ${size(voxelMm)} mm, and corrects sharpness at that size.`,
    `Reconstruct with pixels within ${Math.round(100 * (PIXEL_TOLERANCE - 1))} % of that, or train on such images.`,
  )
}
