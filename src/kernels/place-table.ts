/**
 * A table over place in the head and intensity, read and filled between its nodes: 6 x 7 x 6 nodes along R, A, S, and 6 levels.
 * Nodes are about 32 mm apart (chosen: what differs between neighbouring lobes is seen, and six people fill every cell of the head with
 * some hundred voxels each).
 */
import type { Vector3 } from './matrix.ts'

export const PLACES: Vector3 = [6, 7, 6]
export const LEVELS = 6
export const TABLE_SIZE: number = PLACES[0] * PLACES[1] * PLACES[2] * LEVELS
/** Nodes around a voxel: two along each of R, A, S and intensity. */
export const TAPS = 16
/** Distance of neighbouring nodes along R, A, S in a table. */
export const PLACE_STRIDES: Vector3 = [PLACES[1] * PLACES[2] * LEVELS, PLACES[2] * LEVELS, LEVELS]

/** Where the voxels along one stored axis fall in the table. */
export interface TableAxis {
  /** Offset of the node below, for each index along the axis. */
  readonly low: Int32Array
  /** Share of the node above, 0 to 1. */
  readonly share: Float64Array
  /** From one node to the next. */
  readonly stride: number
}

/** @param nodes coordinates in nodes, for each index; outside the table its faces count */
export function tableAxis(nodes: Float64Array, count: number, stride: number): TableAxis {
  const low = new Int32Array(nodes.length)
  const share = new Float64Array(nodes.length)
  for (let i = 0; i < nodes.length; i++) {
    const inside = Math.min(count - 1, Math.max(0, nodes[i]!))
    const below = Math.min(count - 2, Math.floor(inside))
    low[i] = below * stride
    share[i] = inside - below
  }
  return { low, share, stride }
}

/**
 * The nodes around one voxel with their weights, which sum to 1.
 * @param offsets @param weights of length `TAPS`, written to
 * @param axes  along the stored axes
 * @param level intensity in levels; outside 0 to LEVELS - 1 the ends count
 */
export function tapsInto(
  offsets: Int32Array,
  weights: Float64Array,
  [ax, ay, az]: readonly [TableAxis, TableAxis, TableAxis],
  x: number,
  y: number,
  z: number,
  level: number,
): void {
  const inside = Math.min(LEVELS - 1, Math.max(0, level))
  const below = Math.min(LEVELS - 2, Math.floor(inside))
  const origin = ax.low[x]! + ay.low[y]! + az.low[z]! + below
  const upX = ax.share[x]!
  const upY = ay.share[y]!
  const upZ = az.share[z]!
  const upLevel = inside - below
  for (let tap = 0; tap < TAPS; tap++) {
    const right = tap & 1
    const back = (tap >> 1) & 1
    const above = (tap >> 2) & 1
    const brighter = tap >> 3
    offsets[tap] = origin + right * ax.stride + back * ay.stride + above * az.stride + brighter
    weights[tap] =
      (right === 1 ? upX : 1 - upX) *
      (back === 1 ? upY : 1 - upY) *
      (above === 1 ? upZ : 1 - upZ) *
      (brighter === 1 ? upLevel : 1 - upLevel)
  }
}
