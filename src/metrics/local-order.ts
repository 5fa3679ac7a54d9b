/** Does one image rise with another at each place, as a curve that must rise would have it? */
import { spearman } from '../kernels/spearman.ts'

export interface LocalOrder {
  /** Cubes that could be judged. */
  readonly places: number
  /** Of them, those in which what is brighter in `x` is darker in `y`. */
  readonly reversed: number
}

/** Edge of a cube in mm: holds two tissues nearly everywhere in a brain, and shading hardly varies within it. Chosen. */
const EDGE_MM = 20
/** Least part of a cube that must lie in the mask, and least number of its voxels. Chosen. */
const LEAST_SHARE = 0.5
const LEAST_VOXELS = 20
/** Rank correlations below this many standard errors of none count as reversed: by chance 1 of 1000 where the images have nothing in common. */
const STANDARD_ERRORS = 3.0902

/**
 * Spearman's correlation of the two images in cubes of 20 mm. Over a whole head it says little: fat and fluid outweigh grey and white matter, whose order
 * is reversed between T1w and FLAIR.
 *
 * @param x @param y on one grid, length V; voxels that are not finite in either are left out
 * @param mask    length V
 * @param voxelMm edges of a voxel
 */
export function localOrder(
  x: Float32Array,
  y: Float32Array,
  mask: Uint8Array,
  shape: readonly [number, number, number],
  voxelMm: readonly [number, number, number],
): LocalOrder {
  const [ni, nj, nk] = voxelMm.map((edge) => Math.max(1, Math.round(EDGE_MM / edge))) as [
    number,
    number,
    number,
  ]
  const least = Math.max(LEAST_VOXELS, LEAST_SHARE * ni * nj * nk)
  const [u, v] = [new Float32Array(ni * nj * nk), new Float32Array(ni * nj * nk)]
  let [places, reversed] = [0, 0]
  for (let k = 0; k < shape[2]; k += nk)
    for (let j = 0; j < shape[1]; j += nj)
      for (let i = 0; i < shape[0]; i += ni) {
        let n = 0
        for (let c = k; c < Math.min(k + nk, shape[2]); c++)
          for (let b = j; b < Math.min(j + nj, shape[1]); b++)
            for (let a = i; a < Math.min(i + ni, shape[0]); a++) {
              const at = a + shape[0] * (b + shape[1] * c)
              if (mask[at] === 0 || !Number.isFinite(x[at]!) || !Number.isFinite(y[at]!)) continue
              u[n] = x[at]!
              v[n++] = y[at]!
            }
        if (n < least) continue
        const correlation = spearman(u.subarray(0, n), v.subarray(0, n))
        if (Number.isNaN(correlation)) continue
        places++
        if (correlation * Math.sqrt(n - 1) < -STANDARD_ERRORS) reversed++
      }
  return { places, reversed }
}
