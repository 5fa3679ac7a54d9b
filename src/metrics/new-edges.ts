import { gaussianSmooth } from '../kernels/gaussian.ts'
import { meanCurve } from '../kernels/mean-curve.ts'
import { applyCurveInto } from '../kernels/monotone.ts'
import type { Shape } from '../volume/volume.ts'
import { noiseSd } from './noise.ts'

/** SD in voxels of the smoothing before gradients are taken: single noisy voxels are no edges (chosen). */
const SMOOTHING = 1
/**
 * Mean squared length of the central-difference gradient of white noise of variance 1 after that smoothing: 3/2 (1 - r) v, with the
 * variance left v = (e^-2 I_0(2))^3 and the correlation of voxels two apart r = I_2(2) / I_0(2) of the discrete Gaussian of SD 1.
 */
const NOISE_GRADIENT = 0.03073
const MIN_VOXELS = 200

/**
 * Gradient energy of the output at places where the input has no edge, over what recolouring the input would put there.
 *
 *     ratio = sum_F |grad G y|^2 / sum_F |grad G f(x)|^2,   F = { i in mask: |grad G x|^2 <= that of the image's noise }
 *
 * G is a Gaussian of one voxel; f is the curve that the mapping comes to on the whole, the mean output of each of 128 classes of input. A gain, an
 * offset, a curve give 1; what is drawn into flat tissue, and edges smeared into it, raise the ratio, smoothing noise lowers it. What happens to edges
 * that are there is the business of other metrics.
 *
 * @param x     input, length V, x fastest; @param y output on the same grid, any unit
 * @param mask  length V
 * @returns NaN where noise cannot be measured, below 200 flat voxels, or where the output is constant
 */
export function newEdges(x: Float32Array, y: Float32Array, shape: Shape, mask: Uint8Array): number {
  const noise = noiseSd(x, shape, mask)
  if (!(noise > 0)) return Number.NaN
  const recoloured = new Float32Array(x.length)
  applyCurveInto(recoloured, x, meanCurve(x, y, mask))
  const [input, output, expected] = [x, y, recoloured].map((image) =>
    gaussianSmooth(image, shape, [SMOOTHING, SMOOTHING, SMOOTHING]),
  ) as [Float32Array, Float32Array, Float32Array]
  const limit = NOISE_GRADIENT * noise * noise
  const [nx, ny, nz] = shape
  const energy = (image: Float32Array, i: number): number =>
    ((image[i + 1]! - image[i - 1]!) ** 2 +
      (image[i + nx]! - image[i - nx]!) ** 2 +
      (image[i + nx * ny]! - image[i - nx * ny]!) ** 2) /
    4
  let [found, recolouring, flat] = [0, 0, 0]
  for (let z = 1; z < nz - 1; z++)
    for (let j = 1; j < ny - 1; j++)
      for (let i = 1 + nx * (j + ny * z), end = i + nx - 2; i < end; i++) {
        if (mask[i] === 0 || !(energy(input, i) <= limit)) continue
        const [own, other] = [energy(output, i), energy(expected, i)]
        if (own - own !== 0 || other - other !== 0) continue
        found += own
        recolouring += other
        flat++
      }
  return flat >= MIN_VOXELS && recolouring > 0 ? found / recolouring : Number.NaN
}
