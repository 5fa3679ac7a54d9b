/** What tools have blanked in an image: everything but the brain, or the face. Seen from the voxels alone. */
import { closestAxes } from '../volume/orientation.ts'
import { type Volume, voxelCount, voxelSize } from '../volume/volume.ts'
import type { Preparation } from './preparation.ts'

/**
 * What is left of a head without its skull is 1.0 to 1.95 l (MNI 152, the digital heads, one patient); whole heads leave at least
 * 2.4 l, even where the field of view cuts them at the eyes. In between nothing is said.
 */
const BRAIN_ML = [500, 2000] as const
const HEAD_ML = 2300
/** Less than this share of blank voxels is no blanked background. */
const BLANKED_SHARE = 0.3
/** Edge of blocks in voxels: noise rounded to 0 does not fill a block of 64. */
const BLOCK = 4
/** Share of blank blocks in a quadrant of the image that counts as blanked, and that counts as none. Chosen between the cases measured. */
const FACE_BLANK = 0.1
const NOT_BLANK = 0.02

/**
 * `skullStripped` and `defaced` as `yes` or `no`, absent where the image does not tell: blanked air hides whether a face was.
 * Blank is NaN, or the value that all eight corners have, otherwise 0.
 */
export function blankedParts(volume: Volume): Preparation {
  const { blankShare, leftMl, quadrants } = surveyBlank(volume)
  const [face, ...others] = quadrants
  const elsewhere = Math.max(...others)
  const stripped =
    blankShare >= BLANKED_SHARE && leftMl >= BRAIN_ML[0] && leftMl <= BRAIN_ML[1]
      ? 'yes'
      : blankShare < BLANKED_SHARE || leftMl >= HEAD_ML
        ? 'no'
        : undefined
  const defaced =
    stripped === 'yes'
      ? undefined
      : face - elsewhere > FACE_BLANK
        ? 'yes'
        : face < NOT_BLANK
          ? 'no'
          : undefined
  return {
    ...(stripped !== undefined && { skullStripped: stripped }),
    ...(defaced !== undefined && { defaced }),
  }
}

interface Blank {
  readonly blankShare: number
  /** Volume of what is not blank, in ml. */
  readonly leftMl: number
  /** Share of blank blocks: in front and below; in front and above; behind and below; behind and above. */
  readonly quadrants: readonly [number, number, number, number]
}

function surveyBlank(volume: Volume): Blank {
  const { data, shape, scale } = volume
  const [nx, ny, nz] = shape
  const corners = [0, nx - 1].flatMap((x) =>
    [0, ny - 1].flatMap((y) => [0, nz - 1].map((z) => data[x + nx * (y + ny * z)] as number)),
  )
  const corner = corners[0] as number
  const zero = -scale.intercept / scale.slope
  const blank = corners.every((value) => value === corner) ? corner : zero
  const { axes, flips } = closestAxes(volume.affine)
  const half = [1, 2].map((direction) => {
    const axis = axes[direction] as 0 | 1 | 2
    return { axis, middle: shape[axis] / 2, flipped: flips[direction] as boolean }
  }) as [Half, Half]
  const found = [0, 0, 0, 0]
  const blocks = [0, 0, 0, 0]
  let blankVoxels = 0
  let voxels = 0
  // every other layer of blocks tells as much
  for (let z = 0; z < nz; z += 2 * BLOCK)
    for (let y = 0; y < ny; y += BLOCK)
      for (let x = 0; x < nx; x += BLOCK) {
        const [ex, ey, ez] = [Math.min(nx, x + BLOCK), Math.min(ny, y + BLOCK), Math.min(nz, z + BLOCK)]
        let count = 0
        for (let c = z; c < ez; c++)
          for (let b = y; b < ey; b++)
            for (let i = x + nx * (b + ny * c), end = i + ex - x; i < end; i++) {
              const value = data[i] as number
              if (value === blank || Number.isNaN(value)) count++
            }
        voxels += (ex - x) * (ey - y) * (ez - z)
        blankVoxels += count
        const at = [x, y, z]
        const front = isUpper(half[0], at)
        const above = isUpper(half[1], at)
        const quadrant = (front ? 0 : 2) + (above ? 1 : 0)
        blocks[quadrant] = (blocks[quadrant] as number) + 1
        if (count === (ex - x) * (ey - y) * (ez - z)) found[quadrant] = (found[quadrant] as number) + 1
      }
  const [a, b, c] = voxelSize(volume)
  const blankShare = blankVoxels / voxels
  return {
    blankShare,
    leftMl: ((1 - blankShare) * voxelCount(volume) * a * b * c) / 1000,
    quadrants: found.map((count, q) => count / Math.max(1, blocks[q] as number)) as [
      number,
      number,
      number,
      number,
    ],
  }
}

/** One stored axis cut in two. */
interface Half {
  readonly axis: 0 | 1 | 2
  readonly middle: number
  readonly flipped: boolean
}

/** Whether a block lies in the half that the world axis points to. */
function isUpper({ axis, middle, flipped }: Half, at: readonly number[]): boolean {
  return (at[axis] as number) >= middle !== flipped
}
