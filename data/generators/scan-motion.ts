/**
 * Motion of the head during a scan. Lines of k-space are acquired one after another along the phase-encoding axis; where the head moves in between,
 * they belong to images of different poses, and their sum shows ghosts and blur. Rigid, in jumps; the gradients stay, the contrast stays.
 * @see Zaitsev, Maclaren, Herbst, J Magn Reson Imaging 42:887-901 (2015), doi:10.1002/jmri.24850
 */
import { multiply } from '../../src/kernels/matrix.ts'
import type { Random } from '../../src/kernels/random.ts'
import { resample } from '../../src/spatial/resample.ts'
import { toFloat32, type Volume, volumeOf } from '../../src/volume/volume.ts'
import { drawPose, type HeadMotion } from './motion.ts'

export interface ScanMotion extends HeadMotion {
  /** Equal parts of the scan, in each of which the head lies still; in the one that holds the middle of k-space, where it lay at first. */
  readonly poses: number
}

/** Along the second stored axis, which is front to back in digital heads. */
const PHASE_AXIS = 1

/** The scan as it would have been with a head that moves; magnitude, on the same grid, noise included. */
export function movedDuringScan(volume: Volume, { poses, ...motion }: ScanMotion, random: Random): Volume {
  const n = volume.shape[PHASE_AXIS]
  const middle = Math.floor(poses / 2)
  const views = Array.from({ length: poses }, (_, part) => {
    if (part === middle) return toFloat32(volume)
    const { toRest } = drawPose(random, motion)
    const turned = { shape: volume.shape, affine: multiply(toRest, volume.affine) }
    return toFloat32(resample(volume, turned, 'cubic'))
  })
  // Line f of n - 1 lies at f cycles, or f - n: from the most negative to the most positive in time.
  const partOf = (f: number): number => {
    const time = (f + Math.floor(n / 2)) % n
    return Math.min(poses - 1, Math.max(0, Math.floor(((time + 0.5) * poses) / n)))
  }
  const turns = Array.from({ length: n }, (_, k) => {
    const angle = (2 * Math.PI * k) / n
    return [Math.cos(angle), Math.sin(angle)] as const
  })
  const out = new Float32Array(views[0]!.length)
  const [re, im] = [new Float64Array(n), new Float64Array(n)]
  const stride = volume.shape[0]
  for (let slice = 0; slice < out.length; slice += stride * n)
    for (let x = 0; x < stride; x++) {
      const base = slice + x
      for (let f = 0; f < n; f++) {
        const view = views[partOf(f)]!
        let [a, b] = [0, 0]
        for (let y = 0; y < n; y++) {
          const [cos, sin] = turns[(f * y) % n]!
          a += view[base + y * stride]! * cos
          b -= view[base + y * stride]! * sin
        }
        re[f] = a
        im[f] = b
      }
      for (let y = 0; y < n; y++) {
        let [a, b] = [0, 0]
        for (let f = 0; f < n; f++) {
          const [cos, sin] = turns[(f * y) % n]!
          a += re[f]! * cos - im[f]! * sin
          b += re[f]! * sin + im[f]! * cos
        }
        out[base + y * stride] = Math.hypot(a, b) / n
      }
    }
  return volumeOf(volume, out)
}
