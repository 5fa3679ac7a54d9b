import { distanceToMask, erode } from '../kernels/morphology.ts'
import type { Shape } from '../volume/volume.ts'

/** Lesions up to this volume are too few voxels for a contrast. */
export const MIN_LESION_MM3 = 50
/** The shell around a lesion, far enough that partial volume and oedema do not reach it. */
const SHELL_MM = [2, 6] as const
const MIN_SHELL_VOXELS = 10

/** One lesion's measuring places: voxel indices, and how they were found. */
export interface LesionPlaces {
  readonly lesion: number
  readonly volumeMm3: number
  /** Whether `inside` is the eroded lesion, or its innermost voxels because erosion left nothing. */
  readonly measured: 'eroded' | 'core'
  readonly inside: Uint32Array
  readonly shell: Uint32Array
}

export interface LesionInput {
  readonly shape: Shape
  readonly voxelMm: readonly [number, number, number]
  /** Lesion labels 1..n, 0 elsewhere, length V. */
  readonly lesions: ArrayLike<number>
  /** Tissue labels, length V; without them the shell is not restricted. */
  readonly tissue?: ArrayLike<number> | undefined
  /** Shells stay inside it. */
  readonly mask: Uint8Array
}

/**
 * Where each lesion above 50 mm³ is measured: its mask eroded by one voxel (6 neighbours), and a shell 2 to 6 mm
 * away in one tissue, the label most frequent there (white matter for most lesions). Shell voxels that lie within 2 mm of
 * any lesion are left out. Lesions without 10 shell voxels are left out too: `unmeasured` counts them.
 */
export function lesionPlaces(input: LesionInput): {
  readonly places: readonly LesionPlaces[]
  readonly unmeasured: number
} {
  const { shape, voxelMm, lesions } = input
  const byLabel = new Map<number, number[]>()
  for (let i = 0; i < lesions.length; i++) {
    const label = lesions[i]!
    if (!(label > 0)) continue
    const voxels = byLabel.get(label)
    if (voxels === undefined) byLabel.set(label, [i])
    else voxels.push(i)
  }
  const voxelMm3 = voxelMm[0] * voxelMm[1] * voxelMm[2]
  const places: LesionPlaces[] = []
  let unmeasured = 0
  for (const [lesion, voxels] of [...byLabel].toSorted(([a], [b]) => a - b)) {
    const volumeMm3 = voxels.length * voxelMm3
    if (volumeMm3 <= MIN_LESION_MM3) continue
    const box = boxAround(voxels, shape, voxelMm)
    const own = new Uint8Array(box.voxels.length)
    const any = new Uint8Array(box.voxels.length)
    for (const [k, i] of box.voxels.entries()) {
      if (lesions[i] === lesion) own[k] = 1
      if (lesions[i]! > 0) any[k] = 1
    }
    const eroded = erode(own, box.shape)
    const measured = eroded.includes(1) ? 'eroded' : 'core'
    const inside = measured === 'eroded' ? select(box.voxels, eroded) : core(box, own, voxelMm)
    const shell = shellOf(input, box, own, any)
    if (shell.length < MIN_SHELL_VOXELS) unmeasured++
    else places.push({ lesion, volumeMm3, measured, inside, shell })
  }
  return { places, unmeasured }
}

interface Box {
  readonly shape: Shape
  /** Index in the whole image of each voxel of the box. */
  readonly voxels: Uint32Array
}

/** One voxel more than lesion and shell need on every side, so that erosion and distances see what surrounds the lesion. */
function boxAround(voxels: readonly number[], shape: Shape, voxelMm: readonly number[]): Box {
  const [nx, ny] = shape
  const low: number[] = [...shape]
  const high = [0, 0, 0]
  for (const i of voxels) {
    const at = [i % nx, Math.floor(i / nx) % ny, Math.floor(i / (nx * ny))]
    for (let axis = 0; axis < 3; axis++) {
      low[axis] = Math.min(low[axis]!, at[axis]!)
      high[axis] = Math.max(high[axis]!, at[axis]!)
    }
  }
  const reach = voxelMm.map((edge) => Math.ceil((SHELL_MM[0] + SHELL_MM[1]) / edge) + 1)
  const from = low.map((v, axis) => Math.max(0, v - reach[axis]!)) as [number, number, number]
  const to = high.map((v, axis) => Math.min(shape[axis]! - 1, v + reach[axis]!)) as [number, number, number]
  const boxShape: Shape = [to[0] - from[0] + 1, to[1] - from[1] + 1, to[2] - from[2] + 1]
  const indices = new Uint32Array(boxShape[0] * boxShape[1] * boxShape[2])
  let k = 0
  for (let z = from[2]; z <= to[2]; z++)
    for (let y = from[1]; y <= to[1]; y++)
      for (let x = from[0]; x <= to[0]; x++) indices[k++] = x + nx * (y + ny * z)
  return { shape: boxShape, voxels: indices }
}

/** The lesion's voxels that lie deepest, all of them that are equally deep. */
function core(box: Box, own: Uint8Array, voxelMm: readonly [number, number, number]): Uint32Array {
  const outside = own.map((v) => (v === 0 ? 1 : 0))
  const depth = distanceToMask(outside, box.shape, voxelMm)
  const deepest = depth.reduce((a, b) => Math.max(a, b), 0)
  return select(
    box.voxels,
    own.map((v, k) => (v !== 0 && depth[k]! >= deepest * (1 - 1e-6) ? 1 : 0)),
  )
}

function shellOf(
  { voxelMm, tissue, mask }: LesionInput,
  box: Box,
  own: Uint8Array,
  any: Uint8Array,
): Uint32Array {
  const toOwn = distanceToMask(own, box.shape, voxelMm)
  const toAny = distanceToMask(any, box.shape, voxelMm)
  const [near, far] = SHELL_MM.map((mm) => mm * mm) as [number, number]
  const shell = select(
    box.voxels,
    own.map((_, k) => (mask[box.voxels[k]!] !== 0 && toAny[k]! >= near && toOwn[k]! <= far ? 1 : 0)),
  )
  if (tissue === undefined) return shell
  const counts = new Map<number, number>()
  for (const i of shell) if (tissue[i]! > 0) counts.set(tissue[i]!, (counts.get(tissue[i]!) ?? 0) + 1)
  const [most] = [...counts].toSorted((a, b) => b[1] - a[1])
  return most === undefined ? new Uint32Array(0) : shell.filter((i) => tissue[i] === most[0])
}

function select(voxels: Uint32Array, chosen: Uint8Array): Uint32Array {
  return voxels.filter((_, k) => chosen[k] !== 0)
}

/**
 * Contrast of one lesion: mean inside minus mean in the shell, in the unit of the image; negative for a dark lesion.
 *
 *     kept = contrast(harmonized) / contrast(target blurred to the source's resolution)
 *
 * 1 means unchanged; below 1 the lesion fades, above 1 it is exaggerated. CNR = |contrast| / noise SD; where the
 * source's is below 1 the source cannot show the lesion, and no method can keep what is not there: such lesions
 * are counted apart.
 */
export function lesionContrast(x: ArrayLike<number>, { inside, shell }: LesionPlaces): number {
  return meanOf(x, inside) - meanOf(x, shell)
}

function meanOf(x: ArrayLike<number>, voxels: Uint32Array): number {
  let sum = 0
  for (const i of voxels) sum += x[i]!
  return sum / voxels.length
}
