/** A small head for tests: three tissues in an ellipsoid, dark noisy air around it, blanked corners. */
import { random } from '../src/kernels/random.ts'
import { type Volume, volumeOf } from '../src/volume/volume.ts'

export interface HeadOptions {
  readonly seed?: number
  /** Sizes of the three tissues differ between people. */
  readonly person?: number
  /** What the scanner makes of the three tissues (fluid, grey, white). */
  readonly tissues?: readonly [number, number, number]
  readonly noise?: number
  /** Edge of a voxel in mm. */
  readonly voxel?: number
}

/** 36 x 42 x 36 voxels of 5 mm by default: 180 x 210 x 180 mm. */
export function head({
  seed = 1,
  person = 0,
  tissues = [120, 300, 450],
  noise = 8,
  voxel = 5,
}: HeadOptions = {}): Volume {
  const shape = [180, 210, 180].map((mm) => Math.round(mm / voxel)) as unknown as [number, number, number]
  const rng = random(seed, 'head')
  const size = random(person, 'person').between(0.92, 1.05)
  const data = new Float32Array(shape[0] * shape[1] * shape[2])
  let i = 0
  for (let z = 0; z < shape[2]; z++)
    for (let y = 0; y < shape[1]; y++)
      for (let x = 0; x < shape[0]; x++, i++) {
        const at = (v: number, n: number): number => (2 * v + 1) / n - 1
        const [a, b, c] = [at(x, shape[0]), at(y, shape[1]), at(z, shape[2])]
        const radius = Math.hypot(a, b, c) / (0.88 * size)
        if (Math.hypot(a, b, c) > 1.45) continue
        const tissue = radius > 1 ? 0 : radius > 0.9 ? tissues[0] : radius > 0.65 ? tissues[1] : tissues[2]
        const folds = radius < 0.9 ? 1 + 0.05 * Math.sin(9 * a + person) * Math.cos(8 * b) : 1
        // Magnitude images are never negative, and 0 only where a tool blanked them.
        data[i] = Math.max(
          1,
          Math.round(Math.hypot(tissue * folds + noise * rng.normal(), noise * rng.normal())),
        )
      }
  const affine = [voxel, 0, 0, -90, 0, voxel, 0, -105, 0, 0, voxel, -90, 0, 0, 0, 1]
  return volumeOf({ shape, affine }, data)
}
