import { gaussianSmooth } from '../kernels/gaussian.ts'
import type { Shape } from '../volume/volume.ts'

/**
 * SD in voxels of the smoothing before changes are compared (chosen): a border that is sampled once or twice moves by the same amount whichever
 * of its voxels takes the step, and a curve alters which.
 */
const SMOOTHING = 2

/** Two images on one grid. */
export interface Change {
  readonly from: Float32Array
  readonly to: Float32Array
}

/**
 * How much of a small deformation of an image is left after something was done to it.
 *
 *     G (H(W x) - H(V x)) = kept G (c(W x) - c(V x)) + a G H(x) + b + rest,   kept, a, b by least squares
 *
 * V and W deform, H harmonizes, c is H held still: the curve of intensities that it comes to around the deformation, or one mapping for both. G is a Gaussian of 2 voxels. What only recolours an image keeps 1; what paints the anatomy
 * it expects keeps 0; what exaggerates keeps more. For small displacements c(W x) - c(V x) is the gradient times the displacement, so `kept` is
 * the length of the displacement that the harmonized image shows, in units of the one put in, and a change of volume is linear in
 * that. A gain a and an offset b between the two images are no change of volume. Noise takes part on both sides alike, and no contrast between
 * tissues has to be known.
 *
 * @param asItCame H(x), x fastest; @param found from H(V x) to H(W x); @param expected from c(V x) to c(W x); all of one length
 * @returns NaN where deforming changes nothing, or values are not finite
 * @see Lucas, Kanade, Proc. 7th IJCAI:674-679 (1981) (displacement from gradients, by least squares)
 * @see Freeborough, Fox, IEEE Trans. Med. Imaging 16(5):623-629 (1997), doi:10.1109/42.640753 (volume change as displacement of borders)
 */
export function changeKept(asItCame: Float32Array, found: Change, expected: Change, shape: Shape): number {
  const n = asItCame.length
  const smooth = (x: Float32Array): Float32Array =>
    gaussianSmooth(x, shape, [SMOOTHING, SMOOTHING, SMOOTHING])
  const change = ({ from, to }: Change): Float32Array => smooth(to.map((value, i) => value - from[i]!))
  const images = [smooth(asItCame), change(expected), change(found)] as const
  const [meanOwn, meanExpected, meanFound] = images.map(
    (x) => x.reduce((sum, value) => sum + value, 0) / n,
  ) as [number, number, number]
  let [ownOwn, ownExpected, ownFound, expectedExpected, expectedFound] = [0, 0, 0, 0, 0]
  for (let i = 0; i < n; i++) {
    const a = images[0][i]! - meanOwn
    const b = images[1][i]! - meanExpected
    const c = images[2][i]! - meanFound
    ownOwn += a * a
    ownExpected += a * b
    ownFound += a * c
    expectedExpected += b * b
    expectedFound += b * c
  }
  return (
    (expectedFound - (ownExpected * ownFound) / ownOwn) /
    (expectedExpected - (ownExpected * ownExpected) / ownOwn)
  )
}
