/**
 * A table over depth below the surface and intensity: 9 depths and 12 levels. What lies in layers (skin, fat, bone and its marrow, meninges, cortex) is
 * thinner than the distance of the nodes of a table of places.
 */

/** Of the nodes, in mm: as far apart as the mask's outline is sure near it, and ever farther below (chosen); from the last on all is one. */
export const DEPTHS_MM: readonly number[] = [0, 3, 6, 9, 12, 16, 22, 30, 45]
export const LAYER_LEVELS = 12
export const LAYER_TABLE_SIZE: number = DEPTHS_MM.length * LAYER_LEVELS
/** Nodes around a voxel: two in depth, two of intensity. */
export const LAYER_TAPS = 4

/**
 * The nodes around one voxel with their weights, which sum to 1.
 * @param offsets @param weights of length `LAYER_TAPS`, written to
 * @param depthMm below the surface; below the last node it counts
 * @param level   intensity, 0 to 1; outside the ends count
 */
export function layerTapsInto(
  offsets: Int32Array,
  weights: Float64Array,
  depthMm: number,
  level: number,
): void {
  const last = DEPTHS_MM.length - 2
  let node = 0
  while (node < last && depthMm >= DEPTHS_MM[node + 1]!) node++
  const [above, below] = [DEPTHS_MM[node]!, DEPTHS_MM[node + 1]!]
  const down = Math.min(1, Math.max(0, (depthMm - above) / (below - above)))
  const inside = Math.min(1, Math.max(0, level)) * (LAYER_LEVELS - 1)
  const darker = Math.min(LAYER_LEVELS - 2, Math.floor(inside))
  const up = inside - darker
  for (let tap = 0; tap < LAYER_TAPS; tap++) {
    const [deeper, brighter] = [tap & 1, tap >> 1]
    offsets[tap] = (node + deeper) * LAYER_LEVELS + darker + brighter
    weights[tap] = (deeper === 1 ? down : 1 - down) * (brighter === 1 ? up : 1 - up)
  }
}
