/**
 * Digital bodies for CT and PET: a trunk of ellipsoids with the tissues that phantoms have, since there is no public set of people scanned on
 * several CT or PET scanners. Not anatomy: regions of known value, borders and small structure, at sizes that differ between people.
 */
import type { Random } from '../../src/kernels/random.ts'
import type { Grid } from '../../src/volume/volume.ts'
import { smoothField } from './random-field.ts'

export type BodyTissue =
  | 'air'
  | 'fat'
  | 'muscle'
  | 'liver'
  | 'water'
  | 'lung'
  | 'marrow'
  | 'bone'
  | 'lesion'
  | 'metal'

/** Labels of truth maps count from 0 in this order. */
export const BODY_TISSUES: readonly BodyTissue[] = [
  'air',
  'fat',
  'muscle',
  'liver',
  'water',
  'lung',
  'marrow',
  'bone',
  'lesion',
  'metal',
]

/** CT numbers, HU, near those of the literature at 120 kV; SUV of FDG an hour after injection (water is the bladder). */
const VALUES: Readonly<Record<BodyTissue, { readonly HU: number; readonly SUVbw: number }>> = {
  air: { HU: -1000, SUVbw: 0 },
  fat: { HU: -100, SUVbw: 0.3 },
  muscle: { HU: 50, SUVbw: 0.7 },
  liver: { HU: 60, SUVbw: 2.2 },
  water: { HU: 0, SUVbw: 12 },
  lung: { HU: -850, SUVbw: 0.5 },
  marrow: { HU: 250, SUVbw: 1.2 },
  bone: { HU: 900, SUVbw: 0.6 },
  lesion: { HU: 30, SUVbw: 7 },
  metal: { HU: 3000, SUVbw: 0 },
}

/** Detail that every scanner sees alike: SD relative to 100 HU, or to the value in SUV. */
const TEXTURE: Readonly<Partial<Record<BodyTissue, number>>> = { muscle: 0.12, lung: 0.4, marrow: 0.4 }
const TEXTURE_MM = 2.5

interface Ellipsoid {
  readonly tissue: BodyTissue
  readonly centre: readonly [number, number, number]
  /** Half axes in mm; infinite along S for what runs through. */
  readonly radii: readonly [number, number, number]
}

export interface Body {
  readonly parts: readonly Ellipsoid[]
  readonly texture: Random
  /** Of the lesions, in draws around 1: not every tumour takes up the same. */
  readonly uptake: number
}

/** Field of view, mm along R, A, S. */
export const BODY_FIELD = [368, 272, 96] as const

/** One person: sizes, places and lesions are drawn. */
export function drawBody(rng: Random): Body {
  const size = rng.between(0.88, 1.08)
  const all = Number.POSITIVE_INFINITY
  const at = (x: number, y: number, z: number): readonly [number, number, number] => [
    size * x + rng.between(-3, 3),
    size * y + rng.between(-3, 3),
    z + rng.between(-4, 4),
  ]
  const half = (x: number, y: number, z: number): readonly [number, number, number] => {
    const own = size * rng.between(0.93, 1.07)
    return [own * x, own * y, own * z]
  }
  const fat = rng.between(0.82, 0.9)
  const ribs = Array.from({ length: 10 }, (_, k): Ellipsoid => {
    const angle = (2 * Math.PI * (k + 0.5)) / 10
    const [x, y] = [128 * fat * Math.cos(angle), 88 * fat * Math.sin(angle)]
    return { tissue: 'bone', centre: at(x, y, (k % 3) * 26 - 26), radii: half(9, 7, 14) }
  })
  const lesions = Array.from({ length: 6 }, (_, k): Ellipsoid => {
    const radius = rng.between(4, 12)
    const [x, y] =
      k < 4 ? [rng.between(30, 75), rng.between(-30, 25)] : [rng.between(-80, -60), rng.between(-45, -35)]
    return { tissue: 'lesion', centre: at(x, y, rng.between(-25, 25)), radii: [radius, radius, radius] }
  })
  return {
    uptake: rng.between(0.6, 1.5),
    texture: rng.fork('texture'),
    parts: [
      { tissue: 'fat', centre: [0, 0, 0], radii: [size * 162, size * 116, all] },
      { tissue: 'muscle', centre: [0, 0, 0], radii: [size * 162 * fat, size * 116 * fat, all] },
      { tissue: 'liver', centre: at(58, 0, 0), radii: half(62, 56, 52) },
      { tissue: 'lung', centre: at(-70, 30, 8), radii: half(44, 40, 60) },
      { tissue: 'water', centre: at(-35, -35, 0), radii: half(28, 26, 34) },
      { tissue: 'fat', centre: at(-90, -40, 0), radii: half(24, 24, 44) },
      { tissue: 'bone', centre: at(0, -72, 0), radii: [size * 25, size * 20, all] },
      { tissue: 'marrow', centre: at(0, -72, 0), radii: [size * 21, size * 16, all] },
      { tissue: 'bone', centre: at(20, 62, 0), radii: half(24, 18, 40) },
      { tissue: 'air', centre: at(-40, 80, -10), radii: half(18, 12, 18) },
      ...ribs,
      ...lesions,
      { tissue: 'metal', centre: at(34, -76, 10), radii: [5, 5, 16] },
    ],
  }
}

export interface PaintedBody {
  /** In the unit, before any scanner. */
  readonly values: Float32Array
  /** Index into BODY_TISSUES of what fills most of each voxel. */
  readonly labels: Uint8Array
}

/** @param grid whose axes run along R, A, S, with the body's centre at 0 */
export function paintBody({ parts, texture, uptake }: Body, grid: Grid, unit: 'HU' | 'SUVbw'): PaintedBody {
  const [nx, ny, nz] = grid.shape
  const voxel = [grid.affine[0] as number, grid.affine[5] as number, grid.affine[10] as number] as const
  const field = smoothField(texture, grid.shape, voxel[0], TEXTURE_MM)
  const air = VALUES.air[unit]
  const values = new Float32Array(nx * ny * nz).fill(air)
  const labels = new Uint8Array(values.length)
  for (const { tissue, centre, radii } of parts) {
    const own = VALUES[tissue][unit] * (tissue === 'lesion' && unit === 'SUVbw' ? uptake : 1)
    const spread = (TEXTURE[tissue] ?? 0) * (unit === 'HU' ? 100 : own)
    const label = BODY_TISSUES.indexOf(tissue)
    const distance = (axis: 0 | 1 | 2, i: number): number =>
      ((grid.affine[4 * axis + 3] as number) + i * voxel[axis] - centre[axis]) / radii[axis]
    const near = ([0, 1, 2] as const).map((axis) => span(axis, grid, voxel[axis], centre[axis], radii[axis]))
    const [[x0, x1], [y0, y1], [z0, z1]] = near as [Span, Span, Span]
    for (let z = z0; z <= z1; z++)
      for (let y = y0; y <= y1; y++)
        for (let x = x0; x <= x1; x++) {
          const v = x + nx * (y + ny * z)
          const radius = Math.hypot(distance(0, x), distance(1, y), distance(2, z))
          // Part of the voxel inside, by the distance of its centre from the surface.
          const part = Math.min(1, Math.max(0, 0.5 + ((1 - radius) * Math.min(...radii)) / voxel[0]))
          if (part === 0) continue
          values[v]! += part * (own + spread * field[v]! - values[v]!)
          if (part >= 0.5) labels[v] = label
        }
  }
  return { values, labels }
}

type Span = readonly [first: number, last: number]

/** Voxels along an axis that a part may reach: its half axis and two voxels more. */
function span(axis: 0 | 1 | 2, { shape, affine }: Grid, voxel: number, centre: number, radius: number): Span {
  const first = affine[4 * axis + 3] as number
  const index = (mm: number): number =>
    Math.min(shape[axis] - 1, Math.max(0, Math.round((mm - first) / voxel)))
  return [index(centre - radius - 2 * voxel), index(centre + radius + 2 * voxel)]
}
