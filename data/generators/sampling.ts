/** An individual on a voxel grid: how much of which tissue is in each voxel, by sampling inside the voxel. */
import type { Affine } from '../../src/kernels/matrix.ts'
import type { Grid, Shape } from '../../src/volume/volume.ts'
import { FLOW_MARGIN_MM, type Individual } from './anatomy.ts'
import { COMPOSITION, LABEL, tissueIndex } from './labels.ts'
import { TISSUE_NAMES } from './tissues.ts'

/**
 * Tissue contents, sparse: voxel v holds entries `start[v]` to `start[v + 1]`. What is missing to 1 is air.
 * Tissues count from 1 in the order of TISSUE_NAMES.
 */
export interface TissueMap extends Grid {
  readonly start: Uint32Array
  readonly tissue: Uint8Array
  readonly fraction: Float32Array
  /** Lesion that fills at least half of the voxel, or 0. */
  readonly lesions: Uint8Array
  /** Size of the space in which the individual was drawn, mm; the origin is its centre. */
  readonly extentMm: Shape
}

/** Air around the head, mm, on every side but below, where the neck leaves the field of view. */
export const AIR_MARGIN_MM = 12

/** For each label, its tissues and their shares as flat lists. */
function compositionTable(): { readonly tissues: readonly number[]; readonly shares: readonly number[] }[] {
  const lesion = { tissues: [tissueIndex('lesion')], shares: [1] }
  return Array.from({ length: 256 }, (_, label) => {
    if (label > LABEL.lesion) return lesion
    const content = Object.entries(COMPOSITION.get(label) ?? {})
    return {
      tissues: content.map(([name]) => tissueIndex(name as (typeof TISSUE_NAMES)[number])),
      shares: content.map(([, share]) => share),
    }
  })
}

/** Samples per voxel and axis: two to three, at 2 mm and below finer than the 1 mm of the label maps. */
export function samplesPerAxis(voxelMm: number): number {
  return Math.min(3, Math.max(2, Math.round(voxelMm / 0.67)))
}

/** Samples the individual and crops to the head and its margin of air, or to `window`, a grid that an earlier call gave. */
export function sampleTissues(individual: Individual, voxelMm: number, window?: Grid): TissueMap {
  const { anatomy, flow, linear } = individual
  const extent = flow.shape.map((n) => (n - 1) * flow.spacingMm) as unknown as Shape
  const shape = extent.map((mm) => Math.floor(mm / voxelMm)) as unknown as Shape
  const [nx, ny, nz] = shape
  const per = samplesPerAxis(voxelMm)
  const table = compositionTable()
  const { labels, soft } = anatomy
  const [bx, by, bz] = anatomy.shape
  const voxels = nx * ny * nz
  const start = new Uint32Array(voxels + 1)
  const lesions = new Uint8Array(voxels)
  let tissue = new Uint8Array(voxels)
  let fraction = new Float32Array(voxels)
  let entries = 0

  const nT = TISSUE_NAMES.length + 1
  const row = new Float32Array(nx * nT)
  const rowLesion = new Uint16Array(nx)
  const rowLesionId = new Uint8Array(nx)
  const sampleWeight = 1 / per ** 3
  const step = voxelMm / per
  const half = extent.map((mm) => mm / 2)
  const [fnx, fny] = flow.shape
  const [fx, fy, fz] = flow.along
  const perSpacing = 1 / flow.spacingMm
  const lines = [fx, fy, fz].map(() => new Float64Array(fnx))
  // the grid's cells are centred in the space of the individual
  const first = [0, 1, 2].map((a) => (extent[a]! - shape[a]! * voxelMm) / 2 + step / 2)
  const [mx, my, mz] = linear
  const [lx, ly, lz] = lines as [Float64Array, Float64Array, Float64Array]

  for (let z = 0; z < nz; z++)
    for (let y = 0; y < ny; y++) {
      row.fill(0)
      rowLesion.fill(0)
      for (let sz = 0; sz < per; sz++)
        for (let sy = 0; sy < per; sy++) {
          const qy = first[1]! + y * voxelMm + sy * step
          const qz = first[2]! + z * voxelMm + sz * step
          const gy = qy * perSpacing
          const gz = qz * perSpacing
          const y0 = gy | 0
          const z0 = gz | 0
          flowLine(flow.along, fnx, fny, y0, z0, gy - y0, gz - z0, lines)
          for (let s = 0; s < nx * per; s++) {
            const qx = first[0]! + s * step
            const gx = qx * perSpacing
            const x0 = gx | 0
            const t = gx - x0
            const px = qx + lx[x0]! + t * (lx[x0 + 1]! - lx[x0]!) - half[0]!
            const py = qy + ly[x0]! + t * (ly[x0 + 1]! - ly[x0]!) - half[1]!
            const pz = qz + lz[x0]! + t * (lz[x0 + 1]! - lz[x0]!) - half[2]!
            const ix = Math.floor(mx[0]! * px + mx[1]! * py + mx[2]! * pz + bx / 2)
            const iy = Math.floor(my[0]! * px + my[1]! * py + my[2]! * pz + by / 2)
            let iz = Math.floor(mz[0]! * px + mz[1]! * py + mz[2]! * pz + bz / 2)
            if (iz < 0) iz = 0 // the neck goes on below the base map
            if (ix < 0 || iy < 0 || ix >= bx || iy >= by || iz >= bz) continue
            const index = (iz * by + iy) * bx + ix
            const label = labels[index]!
            if (label === 0) continue
            const x = (s / per) | 0
            const at = x * nT
            let rest = 1
            if (label > LABEL.lesion) {
              rowLesion[x]!++
              rowLesionId[x] = label - LABEL.lesion
            } else if (soft) {
              const grey = soft.grey[index]! / 255
              const white = Math.min(1 - grey, soft.white[index]! / 255)
              row[at + 1]! += white
              row[at + 2]! += grey
              rest = 1 - grey - white
            }
            const { tissues, shares } = table[label]!
            for (let k = 0; k < tissues.length; k++) row[at + tissues[k]!]! += rest * shares[k]!
          }
        }
      for (let x = 0; x < nx; x++) {
        const v = (z * ny + y) * nx + x
        start[v] = entries
        if (rowLesion[x]! * 2 * sampleWeight >= 1) lesions[v] = rowLesionId[x]!
        for (let k = 1; k < nT; k++) {
          const amount = row[x * nT + k]!
          if (amount === 0) continue
          if (entries === tissue.length) {
            tissue = grown(tissue, new Uint8Array(entries * 2))
            fraction = grown(fraction, new Float32Array(entries * 2))
          }
          tissue[entries] = k
          fraction[entries++] = amount * sampleWeight
        }
      }
    }
  start[voxels] = entries
  const affine = centred(shape, voxelMm)
  const map = { shape, affine, start, tissue, fraction, lesions, extentMm: extent }
  return cropped(map, voxelMm, window ? windowOf(map, voxelMm, window) : headOf(map, voxelMm))
}

/** Axes R, A, S; the origin is the grid's centre. */
function centred(shape: Shape, voxelMm: number): Affine {
  const [x, y, z] = shape.map((n) => (-(n - 1) / 2) * voxelMm) as [number, number, number]
  return [voxelMm, 0, 0, x, 0, voxelMm, 0, y, 0, 0, voxelMm, z, 0, 0, 0, 1]
}

/** The flow along x at fractional grid row (y, z): bilinear between four rows. */
function flowLine(
  along: readonly Float32Array[],
  nx: number,
  ny: number,
  y0: number,
  z0: number,
  ty: number,
  tz: number,
  lines: readonly Float64Array[],
): void {
  const a = (z0 * ny + y0) * nx
  const b = a + nx
  const c = a + nx * ny
  const d = c + nx
  const wa = (1 - ty) * (1 - tz)
  const wb = ty * (1 - tz)
  const wc = (1 - ty) * tz
  const wd = ty * tz
  for (let axis = 0; axis < 3; axis++) {
    const u = along[axis]!
    const line = lines[axis]!
    for (let x = 0; x < nx; x++) line[x] = wa * u[a + x]! + wb * u[b + x]! + wc * u[c + x]! + wd * u[d + x]!
  }
}

function grown<T extends Uint8Array | Float32Array>(old: T, larger: T): T {
  larger.set(old)
  return larger
}

/** Voxels from `from` up to, not including, `to`. */
interface Box {
  readonly from: readonly number[]
  readonly to: readonly number[]
}

/** The box of `window`, whose grid has the same voxels. */
function windowOf(map: TissueMap, voxelMm: number, window: Grid): Box {
  const from = [3, 7, 11].map((k) => Math.round((window.affine[k]! - map.affine[k]!) / voxelMm))
  return { from, to: from.map((low, axis) => low + window.shape[axis]!) }
}

/** The head plus AIR_MARGIN_MM; below, to the lowest level that the base map covers. */
function headOf(map: TissueMap, voxelMm: number): Box {
  const [nx, ny, nz] = map.shape
  const low = [nx, ny, nz]
  const high = [-1, -1, -1]
  for (let z = 0, v = 0; z < nz; z++)
    for (let y = 0; y < ny; y++)
      for (let x = 0; x < nx; x++, v++) {
        if (map.start[v + 1] === map.start[v]) continue
        low[0] = Math.min(low[0]!, x)
        low[1] = Math.min(low[1]!, y)
        low[2] = Math.min(low[2]!, z)
        high[0] = Math.max(high[0]!, x)
        high[1] = Math.max(high[1]!, y)
        high[2] = z
      }
  const margin = Math.round(AIR_MARGIN_MM / voxelMm)
  const below = Math.ceil(FLOW_MARGIN_MM / voxelMm)
  const from = [Math.max(0, low[0]! - margin), Math.max(0, low[1]! - margin), Math.max(low[2]!, below)]
  return { from, to: [0, 1, 2].map((a) => Math.min(map.shape[a]!, high[a]! + margin + 1)) }
}

function cropped(map: TissueMap, voxelMm: number, { from, to }: Box): TissueMap {
  const [nx, ny, nz] = map.shape
  const shape: Shape = [to[0]! - from[0]!, to[1]! - from[1]!, to[2]! - from[2]!]
  const voxels = shape[0] * shape[1] * shape[2]
  const start = new Uint32Array(voxels + 1)
  const tissue = new Uint8Array(map.start[nx * ny * nz]!)
  const fraction = new Float32Array(tissue.length)
  const lesions = new Uint8Array(voxels)
  let entries = 0
  for (let z = 0, v = 0; z < shape[2]; z++)
    for (let y = 0; y < shape[1]; y++)
      for (let x = 0; x < shape[0]; x++, v++) {
        const old = ((z + from[2]!) * ny + y + from[1]!) * nx + x + from[0]!
        start[v] = entries
        lesions[v] = map.lesions[old]!
        for (let e = map.start[old]!; e < map.start[old + 1]!; e++) {
          tissue[entries] = map.tissue[e]!
          fraction[entries++] = map.fraction[e]!
        }
      }
  start[voxels] = entries
  const affine = map.affine.map((value, k) =>
    k % 4 === 3 && k < 12 ? value + from[(k - 3) / 4]! * voxelMm : value,
  )
  return {
    shape,
    affine,
    start,
    tissue: tissue.slice(0, entries),
    fraction: fraction.slice(0, entries),
    lesions,
    extentMm: map.extentMm,
  }
}

/** Index of the tissue that fills most of each voxel, 0 where air does. */
export function dominantTissue({ start, tissue, fraction, lesions }: TissueMap): Uint8Array {
  const out = new Uint8Array(lesions.length)
  for (let v = 0; v < out.length; v++) {
    let most = 1
    for (let e = start[v]!; e < start[v + 1]!; e++) most -= fraction[e]!
    for (let e = start[v]!; e < start[v + 1]!; e++)
      if (fraction[e]! > most) {
        most = fraction[e]!
        out[v] = tissue[e]!
      }
  }
  return out
}
