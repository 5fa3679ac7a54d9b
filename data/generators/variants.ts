/** Images as pipelines and sharing leave them: without skull, without face, without background. */
import { dilate, erode, fillHoles, largestComponent } from '../../src/kernels/morphology.ts'
import { type Volume, volumeOf } from '../../src/volume/volume.ts'
import { tissueIndex } from './labels.ts'
import type { TissueMap } from './sampling.ts'

export const VARIANTS = ['whole', 'skull-stripped', 'defaced', 'zero-background'] as const
export type VariantName = (typeof VARIANTS)[number]

const INTRACRANIAL = [
  'white-matter',
  'grey-matter',
  'striatum',
  'thalamus',
  'pallidum',
  'csf',
  'lesion',
] as const
/** Nerves and vessels thinner than twice this are no part of the brain mask. */
const OPENING_MM = 3
/** The plane of defacing stays this far from the brain, as quickshear's buffer. */
const DEFACE_BUFFER_MM = 10

/** `image` with 0 wherever the variant keeps nothing; `map` lies on its grid. */
export function variantOf(image: Volume, map: TissueMap, variant: VariantName): Volume {
  if (variant === 'whole') return image
  const keep =
    variant === 'skull-stripped' ? brainMask(map) : variant === 'defaced' ? defacedMask(map) : tissueMask(map)
  return volumeOf(
    image,
    image.data.map((value, v) => (keep[v] === 0 ? 0 : value)),
  )
}

/** Voxels that hold any tissue. */
export function tissueMask({ start, lesions }: TissueMap): Uint8Array {
  return Uint8Array.from(lesions, (_, v) => (start[v + 1]! > start[v]! ? 1 : 0))
}

/** Brain and the fluid around it: at least half of the voxel, opened, its largest part, without holes. */
export function brainMask(map: TissueMap): Uint8Array {
  const { start, tissue, fraction, shape } = map
  const inside = new Set<number>(INTRACRANIAL.map(tissueIndex))
  const mask = Uint8Array.from(map.lesions, (_, v) => {
    let share = 0
    for (let e = start[v]!; e < start[v + 1]!; e++) if (inside.has(tissue[e]!)) share += fraction[e]!
    return share >= 0.5 ? 1 : 0
  })
  const steps = Math.max(1, Math.round(OPENING_MM / map.affine[0]!))
  const core = largestComponent(erode(mask, shape, steps), shape)
  return fillHoles(
    dilate(core, shape, steps + 1).map((value, v) => value & mask[v]!),
    shape,
  )
}

/**
 * All but what lies before and below a plane at 45 degrees that touches the brain's front, 10 mm off.
 * @see Schimke and Hale, Quickshear defacing for neuroimages, Proc 2nd USENIX HealthSec (2011)
 */
export function defacedMask(map: TissueMap): Uint8Array {
  const [nx, ny, nz] = map.shape
  const brain = brainMask(map)
  const voxelMm = map.affine[0]!
  const forward = (y: number, z: number): number => ((y - z) * voxelMm) / Math.SQRT2
  let front = Number.NEGATIVE_INFINITY
  for (let z = 0, v = 0; z < nz; z++)
    for (let y = 0; y < ny; y++)
      for (let x = 0; x < nx; x++, v++) if (brain[v] !== 0) front = Math.max(front, forward(y, z))
  const keep = new Uint8Array(brain.length)
  for (let z = 0, v = 0; z < nz; z++)
    for (let y = 0; y < ny; y++, v += nx)
      if (forward(y, z) <= front + DEFACE_BUFFER_MM) keep.fill(1, v, v + nx)
  return keep
}
