/** Variation of T1 and water content inside tissue, which every scan of a subject shares. */
import { type Affine, multiply, type Vector3 } from '../../src/kernels/matrix.ts'
import type { Random } from '../../src/kernels/random.ts'
import type { Lesion } from './lesions.ts'
import { smoothField, smoothFieldAskew } from './random-field.ts'
import type { TissueMap } from './sampling.ts'

/** Standard deviations, chosen to match the spread of T1 maps within one tissue (a few per cent), and knot spacings. */
export const TEXTURE = {
  fineSd: 0.02,
  fineMm: 2.5,
  broadSd: 0.02,
  broadMm: 18,
  densityPerT1: 0.3,
  densitySd: 0.01,
} as const

/** Factors per voxel; 1 on average. */
export interface Texture {
  readonly t1: Float32Array
  readonly density: Float32Array
}

/**
 * Water content and T1 rise together (R1 follows 1/water), plus a part of their own.
 * @see Fatouros et al., Magn Reson Med 17:402-413 (1991), doi:10.1002/mrm.1910170212
 * @param toRest where the head lies: world of the map to world of the head at rest, with which its texture moves
 */
export function drawTexture(
  random: Random,
  map: TissueMap,
  lesions: readonly Lesion[],
  toRest?: Affine,
): Texture {
  const voxelMm = map.affine[0]!
  const { affine, extentMm } = map
  const originMm = [3, 7, 11].map((k, axis) => affine[k]! + extentMm[axis]! / 2) as unknown as Vector3
  const field = (name: string, mm: number): Float32Array => {
    if (!toRest) return smoothField(random.fork(name), map.shape, voxelMm, mm, { originMm, boxMm: extentMm })
    const toBoxMm = multiply(toRest, affine).map((value, k) =>
      k % 4 === 3 && k < 12 ? value + extentMm[(k - 3) / 4]! / 2 : value,
    )
    return smoothFieldAskew(random.fork(name), map.shape, toBoxMm, mm, extentMm)
  }
  const { fineSd, fineMm, broadSd, broadMm, densityPerT1, densitySd } = TEXTURE
  const t1 = field('fine', fineMm)
  const broad = field('broad', broadMm)
  const density = field('density', fineMm)
  for (let v = 0; v < t1.length; v++) {
    const deviation = fineSd * t1[v]! + broadSd * broad[v]!
    const lesion = map.lesions[v]!
    density[v] = 1 + densityPerT1 * deviation + densitySd * density[v]!
    t1[v] = (1 + deviation) * (lesion === 0 ? 1 : lesions[lesion - 1]!.t1Factor)
  }
  return { t1, density }
}
