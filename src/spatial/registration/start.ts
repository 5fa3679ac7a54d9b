/** Where registration begins: as the headers say, or with the heads laid on each other, whichever tells more of one image by the other. */
import { type Affine, IDENTITY, invert, multiply } from '../../kernels/matrix.ts'
import { toFloat32, type Volume, volumeOf } from '../../volume/volume.ts'
import { resample } from '../resample.ts'
import type { WorkingImage } from './working.ts'

/** Every how many voxels along each axis the images are compared (chosen): a start needs no more than about 6 mm. */
const STRIDE = 3
const BINS = 32

/** World of `fixed` to world of `moving`. */
export function startOf(fixed: WorkingImage, moving: WorkingImage): Affine {
  const [x, y, z] = [0, 1, 2].map((k) => (moving.centre[k] as number) - (fixed.centre[k] as number))
  const centred: Affine = [1, 0, 0, x as number, 0, 1, 0, y as number, 0, 0, 1, z as number, 0, 0, 0, 1]
  const information = (map: Affine): number => mutualInformation(fixed.volume, moving.volume, map)
  return information(IDENTITY) >= information(centred) ? IDENTITY : centred
}

/**
 * Mutual information of two images in bits, air beyond the field of view taken as 0: it does not fall when the overlap is small.
 * @param map world of `fixed` to world of `moving`
 */
function mutualInformation(fixed: Volume, moving: Volume, map: Affine): number {
  const coarse = {
    shape: fixed.shape.map((n) => Math.ceil(n / STRIDE)) as [number, number, number],
    affine: multiply(fixed.affine, [STRIDE, 0, 0, 0, 0, STRIDE, 0, 0, 0, 0, STRIDE, 0, 0, 0, 0, 1]),
  }
  const placed = { ...moving, affine: multiply(invert(map) ?? IDENTITY, moving.affine) }
  const x = binned(toFloat32(resample(fixed, coarse, 'nearest')))
  const y = binned(toFloat32(resample(volumeOf(placed, moving.data), coarse, 'linear')))
  const joint = new Float64Array(BINS * BINS)
  for (let v = 0; v < x.length; v++) {
    const at = (x[v] as number) * BINS + (y[v] as number)
    joint[at] = (joint[at] as number) + 1 / x.length
  }
  const entropy = (p: Float64Array): number => p.reduce((sum, q) => (q > 0 ? sum - q * Math.log2(q) : sum), 0)
  const ofX = new Float64Array(BINS)
  const ofY = new Float64Array(BINS)
  for (const [at, p] of joint.entries()) {
    ofX[Math.floor(at / BINS)] = (ofX[Math.floor(at / BINS)] as number) + p
    ofY[at % BINS] = (ofY[at % BINS] as number) + p
  }
  return entropy(ofX) + entropy(ofY) - entropy(joint)
}

/** Equal steps from the least to the greatest value. */
function binned(x: Float32Array): Uint8Array {
  let [low, high] = [Infinity, -Infinity]
  for (const value of x) {
    if (value < low) low = value
    if (value > high) high = value
  }
  const scale = high > low ? (BINS - 1e-3) / (high - low) : 0
  return Uint8Array.from(x, (value) => (value - low) * scale)
}
