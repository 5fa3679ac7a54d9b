/** Counts as a picture whose opacity is their logarithm: it shows on light and on dark paper alike. */
import { encode } from 'fast-png'

const COLOR = [46, 124, 196]
/** What a cell with one voxel is drawn at, so that it is seen at all. */
const FAINTEST = 0.12

/** @param counts bins x bins, row-major, first row at the bottom; @returns PNG, base64 */
export function densityPng(counts: readonly number[], bins: number): string {
  const scale = 1 / Math.log1p(counts.reduce((a, b) => Math.max(a, b), 1))
  const data = new Uint8Array(bins * bins * 4)
  for (let row = 0; row < bins; row++)
    for (let column = 0; column < bins; column++) {
      const count = counts[(bins - 1 - row) * bins + column] ?? 0
      const alpha = count === 0 ? 0 : FAINTEST + (1 - FAINTEST) * Math.log1p(count) * scale
      data.set([...COLOR, Math.round(255 * alpha)], (row * bins + column) * 4)
    }
  return Buffer.from(encode({ width: bins, height: bins, data, channels: 4, depth: 8 })).toString('base64')
}
