/** Noise of magnitude images from array coils: non-central chi, coloured by the sampling of k-space, amplified in space by parallel imaging. */
import type { Random } from '../../src/kernels/random.ts'
import type { Grid } from '../../src/volume/volume.ts'
import { HEAD_RADII } from './fields.ts'
import { type KSpace, noiseGain, sampleKSpace } from './k-space.ts'

export interface NoiseModel {
  /** Receive channels combined by the root of their sum of squares; 1 is Rician. */
  readonly channels: number
  /** Largest g-factor: how much parallel imaging amplifies noise in the centre of the head; 1 is even noise. */
  readonly gFactor: number
}

export const RICIAN: NoiseModel = { channels: 1, gFactor: 1 }

/**
 * Amplification of noise by unfolding: `largest` at the isocentre, where the coils see the same, and falling to 1 outside the head
 * (a Gaussian over the head's half axes; the shape is chosen).
 * @see Pruessmann et al., Magn Reson Med 42:952-962 (1999), doi:10.1002/(SICI)1522-2594(199911)42:5<952::AID-MRM16>3.0.CO;2-S
 */
export function gFactorMap({ shape, affine }: Grid, largest: number): Float32Array {
  const [nx, ny, nz] = shape
  const along = [nx, ny, nz].map((n, axis) =>
    Float64Array.from({ length: n }, (_, i) => {
      const mm = affine[axis * 4 + 3]! + i * affine[axis * 5]!
      return Math.exp(-((mm / HEAD_RADII[axis]!) ** 2))
    }),
  )
  const map = new Float32Array(nx * ny * nz)
  for (let z = 0, v = 0; z < nz; z++)
    for (let y = 0; y < ny; y++)
      for (let x = 0; x < nx; x++, v++)
        map[v] = 1 + (largest - 1) * along[0]![x]! * along[1]![y]! * along[2]![z]!
  return map
}

/**
 * Magnitude of `clean` seen by `channels` coils, each with independent complex Gaussian noise: the root of (A + n1)^2 + n2^2 + ... over
 * 2 `channels` normals, since the sum of squares depends on the signals of the coils only through A, the root of their sum of squares.
 * Signal and noise pass the same sampling of k-space; `sd` is that of each channel's real part in the image as stored, where g is 1.
 * @returns a new array in the unit of `clean`
 * @see Constantinides et al., Magn Reson Med 38:852-857 (1997), doi:10.1002/mrm.1910380524
 */
export function noisyMagnitude(
  clean: Float32Array,
  grid: Grid,
  sd: number,
  { channels, gFactor }: NoiseModel,
  kSpace: KSpace | undefined,
  random: Random,
): Float32Array {
  const voxelMm = grid.affine[0]!
  const sampled = (x: Float32Array): Float32Array =>
    kSpace ? sampleKSpace(x, grid.shape, voxelMm, kSpace) : x
  const drawnSd = kSpace ? sd / noiseGain(grid.shape, voxelMm, kSpace) : sd
  const g = gFactor === 1 ? undefined : gFactorMap(grid, gFactor)
  const signal = sampled(clean)
  const power = new Float64Array(clean.length)
  for (let part = 0; part < 2 * channels; part++) {
    const own = random.fork(`channel ${part}`)
    const noise = sampled(Float32Array.from(clean, () => drawnSd * own.normal()))
    for (let v = 0; v < power.length; v++) {
      const value = (part === 0 ? signal[v]! : 0) + (g ? g[v]! * noise[v]! : noise[v]!)
      power[v]! += value * value
    }
  }
  return Float32Array.from(power, Math.sqrt)
}
