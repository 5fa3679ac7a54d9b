/** Lesions of white matter, as multiple sclerosis makes them: ellipsoids with an uneven border, drawn into the base label map. */
import type { Random } from '../../src/kernels/random.ts'
import type { Anatomy } from './anatomy.ts'
import { LABEL, WHITE_MATTER_LABELS } from './labels.ts'
import { LESION_T1_FACTOR } from './tissues.ts'

/** Radii in mm: small plaques are common, large ones rare. */
export const LESION_RADIUS_MM: readonly [number, number] = [2.5, 8]

export interface Lesion {
  /** 1..n: the value in the truth map. */
  readonly id: number
  /** Voxel of the base map. */
  readonly centre: readonly [number, number, number]
  readonly radiiMm: readonly [number, number, number]
  /** Of the lesion tissue's T1 in the table. */
  readonly t1Factor: number
}

/** Share of an ellipsoid that must be white matter before a lesion is put there. */
const LEAST_WHITE = 0.6
const TRIES = 4000

/**
 * `anatomy` with `count` lesions that do not touch each other; only voxels of white matter change. Fewer where there is no room.
 */
export function withLesions(
  random: Random,
  anatomy: Anatomy,
  count: number,
): { readonly anatomy: Anatomy; readonly lesions: readonly Lesion[] } {
  if (count === 0) return { anatomy, lesions: [] }
  const { shape, soft } = anatomy
  const [nx, ny] = shape
  const labels = anatomy.labels.slice()
  const grey = soft?.grey.slice()
  const white = soft?.white.slice()
  const isWhite = (i: number): boolean =>
    soft ? soft.white[i]! > 200 && labels[i]! <= LABEL.lesion : WHITE_MATTER_LABELS.includes(labels[i]!)
  const candidates: number[] = []
  for (let i = 0; i < labels.length; i++) if (isWhite(i)) candidates.push(i)
  const lesions: Lesion[] = []
  for (let attempt = 0; lesions.length < count && attempt < TRIES; attempt++) {
    const at = candidates[random.integer(candidates.length)]!
    const centre = [at % nx, Math.floor(at / nx) % ny, Math.floor(at / (nx * ny))] as const
    const [least, most] = LESION_RADIUS_MM
    const radius = least + (most - least) * random.uniform() ** 2
    const radiiMm = [0, 1, 2].map(() => Math.min(most, radius * random.between(0.8, 1.25)))
    const border = roughBorder(random)
    const reach = Math.ceil(Math.max(...radiiMm) * 1.3)
    const inside: number[] = []
    let all = 0
    let free = true
    for (let z = centre[2] - reach; z <= centre[2] + reach; z++)
      for (let y = centre[1] - reach; y <= centre[1] + reach; y++)
        for (let x = centre[0] - reach; x <= centre[0] + reach; x++) {
          const [dx, dy, dz] = [x - centre[0], y - centre[1], z - centre[2]]
          const r = Math.hypot(dx / radiiMm[0]!, dy / radiiMm[1]!, dz / radiiMm[2]!)
          const i = (z * ny + y) * nx + x
          if (r < 1.6 && labels[i]! > LABEL.lesion) free = false
          if (r >= border(dx, dy, dz)) continue
          all++
          if (isWhite(i)) inside.push(i)
        }
    if (!free || inside.length < LEAST_WHITE * all) continue
    const id = lesions.length + 1
    for (const i of inside) {
      labels[i] = LABEL.lesion + id
      if (white && grey) white[i] = grey[i] = 0
    }
    lesions.push({
      id,
      centre,
      radiiMm: [radiiMm[0]!, radiiMm[1]!, radiiMm[2]!],
      t1Factor: random.between(...LESION_T1_FACTOR),
    })
  }
  return { anatomy: { ...anatomy, labels, ...(grey && white && { soft: { grey, white } }) }, lesions }
}

/** Radius of the border (about 1) in a direction: three waves around the ellipsoid. */
function roughBorder(random: Random): (dx: number, dy: number, dz: number) => number {
  const waves = [0, 1, 2].map(() => [
    random.normal(),
    random.normal(),
    random.normal(),
    random.uniform() * 6.283,
  ])
  return (dx, dy, dz) => {
    let border = 1
    for (const [a, b, c, phase] of waves)
      border += 0.07 * Math.sin(0.5 * (a! * dx + b! * dy + c! * dz) + phase!)
    return border
  }
}
