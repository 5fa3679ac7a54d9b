/** Is an image a map of labels? Then whatever a method makes of it is nonsense, and no histogram shows it. */
import type { Shape } from '../volume/volume.ts'
import type { Finding } from './guards.ts'

/**
 * Share of neighbouring tissue voxels that hold exactly the same value: above it, regions are uniform. Images of 8 bits reach a tenth or so,
 * segmentations of 2 mm four fifths (chosen between).
 */
const MOST_EQUAL = 0.4

/** @param x values in stored order; `mask` of tissue */
export function checkLabelMap(x: Float32Array, [nx]: Shape, mask: Uint8Array): Finding {
  let pairs = 0
  let equal = 0
  for (let i = 1; i < x.length; i++) {
    if (i % nx === 0 || mask[i] === 0 || mask[i - 1] === 0) continue
    pairs++
    if (x[i] === x[i - 1]) equal++
  }
  const share = pairs === 0 ? 0 : equal / pairs
  const found = `${Math.round(100 * share)} % of neighbouring tissue voxels hold the same value`
  return share > MOST_EQUAL
    ? { guard: 'kind', status: 'failed', message: `${found}: the image looks like a map of labels.` }
    : { guard: 'kind', status: 'passed', message: `${found}: no map of labels.` }
}
