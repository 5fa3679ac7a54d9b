/** Slices of images on one grid as PNG pictures, the same place and window in each. */
import { encode } from 'fast-png'
import type { Picture, Plane } from '../src/evidence/evidence.ts'
import { type Frame, frameOf } from '../src/volume/frame.ts'
import type { Grid } from '../src/volume/volume.ts'
import { type Extent, type Index3, maskExtent } from './mask-extent.ts'

export interface PictureInput {
  readonly grid: Grid
  readonly before: Float32Array
  readonly after: Float32Array
  readonly target: Float32Array
  /** Pictures are cropped to its bounding box, and differences are shown inside it. */
  readonly mask: Uint8Array
  /** Stored voxel index through which all three slices go. */
  readonly through: Index3
  readonly window: { readonly low: number; readonly high: number }
  readonly differenceSpan: number
}

/** Pictures have pixels of the smallest voxel edge, but of no less than this many mm. */
const MIN_PIXEL_MM = 1
const BORDER_MM = 6

const PLANES: readonly {
  readonly name: Plane['name']
  readonly across: 0 | 1 | 2
  readonly up: 0 | 1 | 2
  readonly fixed: 0 | 1 | 2
}[] = [
  { name: 'axial', across: 0, up: 1, fixed: 2 },
  { name: 'coronal', across: 0, up: 2, fixed: 1 },
  { name: 'sagittal', across: 1, up: 2, fixed: 0 },
]

/**
 * Three planes of five pictures each: before, after, target, and both differences from the target.
 * The patient's right is at the right, front or top at the top (sagittal: front at the right).
 */
export function drawPlanes(input: PictureInput): readonly Plane[] {
  const frame = frameOf(input.grid)
  const box = maskBox(frame, input)
  const { before, after, target, mask, window, differenceSpan } = input
  const grey =
    (x: Float32Array) =>
    (i: number): readonly number[] => [shade((at(x, i) - window.low) / (window.high - window.low))]
  const difference =
    (x: Float32Array) =>
    (i: number): readonly number[] =>
      diverging(mask[i] === 0 ? 0 : (at(x, i) - at(target, i)) / differenceSpan)
  return PLANES.map((plane) => {
    const draw = (
      name: Picture['name'],
      channels: 1 | 3,
      color: (i: number) => readonly number[],
    ): Picture => {
      const { width, height, voxels } = sampled(
        frame,
        input.grid,
        plane,
        box,
        frameIndex(frame, input.through)[plane.fixed],
      )
      const data = new Uint8Array(width * height * channels)
      for (const [pixel, voxel] of voxels.entries()) data.set(color(voxel), pixel * channels)
      const png = encode({ width, height, data, channels, depth: 8 })
      return { name, width, height, png: Buffer.from(png).toString('base64') }
    }
    return {
      name: plane.name,
      images: [
        draw('before', 1, grey(before)),
        draw('after', 1, grey(after)),
        draw('target', 1, grey(target)),
        draw('difference-before', 3, difference(before)),
        draw('difference-after', 3, difference(after)),
      ],
    }
  })
}

/** Stored voxel of each pixel of a slice, row by row from the top left; nearest voxel, so that no value is made up. */
function sampled(
  frame: Frame,
  grid: Grid,
  { across, up, fixed }: (typeof PLANES)[number],
  box: Extent,
  slice: number,
): { width: number; height: number; voxels: Uint32Array } {
  const pixel = Math.max(MIN_PIXEL_MM, Math.min(...frame.voxel))
  const extent = (axis: 0 | 1 | 2): number => (box.high[axis] - box.low[axis] + 1) * frame.voxel[axis]
  const width = Math.max(1, Math.round(extent(across) / pixel))
  const height = Math.max(1, Math.round(extent(up) / pixel))
  const strides = [1, grid.shape[0], grid.shape[0] * grid.shape[1]]
  const offset = (axis: 0 | 1 | 2, index: number): number => {
    const stored = frame.flips[axis] ? frame.shape[axis] - 1 - index : index
    return stored * (strides[frame.axes[axis]] as number)
  }
  const along = (axis: 0 | 1 | 2, position: number): number =>
    offset(axis, Math.min(box.high[axis], box.low[axis] + Math.floor((position * pixel) / frame.voxel[axis])))
  const voxels = new Uint32Array(width * height)
  const base = offset(fixed, slice)
  for (let row = 0; row < height; row++) {
    const line = base + along(up, height - row - 0.5)
    for (let column = 0; column < width; column++)
      voxels[row * width + column] = line + along(across, column + 0.5)
  }
  return { width, height, voxels }
}

/** The mask's bounding box with a border, along R, A, S. */
function maskBox(frame: Frame, { grid, mask }: PictureInput): Extent {
  const extent = maskExtent(grid.shape, mask)
  const ends = [frameIndex(frame, extent.low), frameIndex(frame, extent.high)] as const
  const border = (axis: 0 | 1 | 2): number => Math.round(BORDER_MM / frame.voxel[axis])
  const low = (axis: 0 | 1 | 2): number => Math.max(0, Math.min(ends[0][axis], ends[1][axis]) - border(axis))
  const high = (axis: 0 | 1 | 2): number =>
    Math.min(frame.shape[axis] - 1, Math.max(ends[0][axis], ends[1][axis]) + border(axis))
  return { low: [low(0), low(1), low(2)], high: [high(0), high(1), high(2)] }
}

function frameIndex(frame: Frame, stored: Index3): [number, number, number] {
  const along = (axis: 0 | 1 | 2): number => {
    const index = stored[frame.axes[axis]] as number
    return frame.flips[axis] ? frame.shape[axis] - 1 - index : index
  }
  return [along(0), along(1), along(2)]
}

function at(x: Float32Array, i: number): number {
  return x[i] as number
}

/** 0..1 to 0..255; NaN, which no picture can show, to black. */
function shade(value: number): number {
  return Number.isNaN(value) ? 0 : Math.round(255 * Math.min(1, Math.max(0, value)))
}

/** −1 is blue, 0 black, 1 orange (Okabe-Ito hues, told apart by all common forms of colour blindness). */
function diverging(value: number): readonly number[] {
  const end = value < 0 ? [86, 180, 233] : [240, 150, 20]
  const strength = Math.min(1, Math.abs(value))
  return end.map((channel) => shade((strength * channel) / 255))
}
