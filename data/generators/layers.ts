/**
 * Base anatomies with thinner or thicker layers, as age, illness and build make them: cortex, white matter, scalp and skull. The seven base maps
 * show few of the combinations that occur, and a deformation keeps the share that each layer has of its surroundings.
 */
import type { Random } from '../../src/kernels/random.ts'
import type { Shape } from '../../src/volume/volume.ts'
import type { Anatomy } from './anatomy.ts'
import { LABEL, oneOf, WHITE_MATTER_LABELS } from './labels.ts'
import type { Range } from './protocols.ts'
import { smoothField } from './random-field.ts'

/** Of cerebrum and cerebellum, left and right. */
const CORTEX = [3, 42, 8, 47]
const WHITE = [...WHITE_MATTER_LABELS, 7, 46]

/** A border that may move: by `mm` into the inner layer, or out of it where that is negative. */
interface Border {
  readonly inner: readonly number[]
  readonly outer: readonly number[]
  readonly mm: Range
}

/**
 * Chosen so that the cortex of the smallest brain in data/anatomy (atrophy: 311 ml) and of the largest (610 ml) can each be made from the others, with
 * skull and scalp as variable.
 */
export const BORDERS: Readonly<Record<'pial' | 'white' | 'scalp' | 'inner table' | 'diploe', Border>> = {
  pial: { inner: CORTEX, outer: [LABEL.csf], mm: [-0.5, 1.3] },
  white: { inner: WHITE, outer: CORTEX, mm: [-0.4, 1.3] },
  scalp: { inner: [LABEL.fat], outer: [LABEL.skin, LABEL.other], mm: [-1.5, 1.5] },
  'inner table': { inner: [LABEL.corticalBone], outer: [LABEL.csf], mm: [-1.2, 1] },
  diploe: { inner: [LABEL.marrow], outer: [LABEL.corticalBone], mm: [-1, 1] },
}
/** How unevenly a border moves over the head, as a share of its mean, and on which scale. */
const UNEVEN = { share: 0.5, mm: 40 } as const

/** `anatomy` with each border moved by an amount of its own. */
export function withOtherLayers(random: Random, anatomy: Anatomy): Anatomy {
  const { shape } = anatomy
  const labels = anatomy.labels.slice()
  let { soft } = anatomy
  for (const [name, { inner, outer, mm }] of Object.entries(BORDERS)) {
    const own = random.fork(name)
    const by = own.between(...mm)
    const field = smoothField(own.fork('field'), shape, 1, UNEVEN.mm)
    const [giving, taking] = by > 0 ? [inner, outer] : [outer, inner]
    for (let left = Math.abs(by); left > 0; left--) {
      const share = (v: number): number =>
        Math.min(1, Math.max(0, left + Math.abs(by) * UNEVEN.share * (field[v] as number)))
      const moved = (x: Uint8Array): Uint8Array => extremeMoved(x, shape, by > 0, share)
      if (soft && name === 'pial') soft = pialMoved(soft, moved)
      else if (soft && name === 'white') soft = whiteMoved(soft, moved)
      else moveByVoxel(labels, shape, giving, taking, (v) => own.uniform() < share(v))
    }
  }
  return { ...anatomy, labels, ...(soft && { soft }) }
}

/** Voxels of `giving` beside one of `taking` become what that is, where `moves` says so; so a share of them moves the border by that share of a voxel. */
function moveByVoxel(
  labels: Uint8Array,
  shape: Shape,
  giving: readonly number[],
  taking: readonly number[],
  moves: (voxel: number) => boolean,
): void {
  const before = labels.slice()
  const [gives, takes] = [oneOf(giving), oneOf(taking)]
  forInner(shape, (v, neighbours) => {
    if (!gives(before[v]!)) return
    for (const step of neighbours) {
      const label = before[v + step]!
      if (!takes(label)) continue
      if (moves(v)) labels[v] = label
      return
    }
  })
}

type Soft = NonNullable<Anatomy['soft']>

/** Grey and white matter together shrink (or grow); grey matter makes up for it. */
function pialMoved({ grey, white }: Soft, moved: (x: Uint8Array) => Uint8Array): Soft {
  const before = grey.map((g, v) => Math.min(255, g + white[v]!))
  const after = moved(before)
  const out = grey.map((g, v) => Math.min(255, Math.max(0, g + after[v]! - before[v]!)))
  return { grey: out, white: white.map((w, v) => Math.min(w, after[v]!, 255 - out[v]!)) }
}

/** White matter shrinks, and grey matter takes its place; or it grows, as far as grey matter gives way. */
function whiteMoved({ grey, white }: Soft, moved: (x: Uint8Array) => Uint8Array): Soft {
  const wanted = moved(white)
  const out = white.map((w, v) => Math.min(wanted[v]!, w + grey[v]!))
  return { grey: grey.map((g, v) => g + white[v]! - out[v]!), white: out }
}

/** Each value on its way to the smallest (or largest) of its neighbours. */
function extremeMoved(
  x: Uint8Array,
  shape: Shape,
  least: boolean,
  share: (voxel: number) => number,
): Uint8Array {
  const out = x.slice()
  forInner(shape, (v, neighbours) => {
    let extreme = x[v]!
    for (const step of neighbours)
      extreme = least ? Math.min(extreme, x[v + step]!) : Math.max(extreme, x[v + step]!)
    if (extreme !== x[v]!) out[v] = Math.round(x[v]! + share(v) * (extreme - x[v]!))
  })
  return out
}

/** Every voxel off the border of the map, with the steps to its six neighbours. */
function forInner([nx, ny, nz]: Shape, visit: (voxel: number, neighbours: readonly number[]) => void): void {
  const neighbours = [-1, 1, -nx, nx, -nx * ny, nx * ny]
  for (let z = 1; z < nz - 1; z++)
    for (let y = 1; y < ny - 1; y++)
      for (let v = (z * ny + y) * nx + 1, end = v + nx - 2; v < end; v++) visit(v, neighbours)
}
