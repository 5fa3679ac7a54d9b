/** A head of ellipsoids that can be scanned in any pose, on any grid and with any contrast: its motion is known exactly. */
import { type Affine, invert, transformPoint, type Vector3 } from '../src/kernels/matrix.ts'
import { random } from '../src/kernels/random.ts'
import { type Grid, type Volume, volumeOf } from '../src/volume/volume.ts'

/** Centre and half axes in mm, tissue; a later one lies over the earlier ones. Nothing is symmetric, so every rotation shows. */
const PARTS: readonly (readonly [centre: Vector3, half: Vector3, tissue: 0 | 1 | 2 | 3])[] = [
  [[0, 0, 0], [74, 92, 82], 0],
  [[0, -4, 4], [64, 80, 70], 1],
  [[-2, -6, 8], [50, 64, 54], 2],
  [[-14, 6, 16], [7, 24, 9], 3],
  [[15, 2, 14], [8, 20, 11], 3],
  [[30, 84, -22], [13, 13, 13], 3],
  [[-31, 82, -24], [12, 12, 12], 3],
  [[4, -52, -46], [40, 24, 20], 1],
  [[22, -24, 36], [14, 9, 11], 1],
  [[-34, 20, -14], [11, 15, 9], 1],
]

export interface MovingHeadOptions {
  /** World of the head at rest to world of the scan, mm. */
  readonly pose: Affine
  readonly grid: Grid
  /** Intensity of scalp, grey, white, fluid. */
  readonly tissues?: readonly [number, number, number, number]
  readonly noise?: number
  readonly seed?: number
  /** Another person: every part shifted and stretched at random by about this many mm. */
  readonly otherBy?: number
}

export function movingHead(options: MovingHeadOptions): Volume {
  const { pose, grid, tissues = [200, 300, 450, 100], noise = 8, seed = 1, otherBy = 0 } = options
  const person = random(7, 'person')
  const parts = PARTS.map(([centre, half, tissue]) => {
    const off = (value: number): number => value + otherBy * person.normal()
    const three = ([x, y, z]: Vector3): Vector3 => [off(x), off(y), off(z)]
    return { centre: three(centre), half: three(half), value: tissues[tissue] }
  })
  const draw = random(seed, 'noise')
  const toRest = invert(pose) ?? pose
  const [nx, ny, nz] = grid.shape
  const data = new Float32Array(nx * ny * nz)
  for (let v = 0; v < data.length; v++) {
    const at = transformPoint(grid.affine, [v % nx, Math.floor(v / nx) % ny, Math.floor(v / (nx * ny))])
    const [x, y, z] = transformPoint(toRest, at)
    let value = 0
    for (const { centre, half, value: inside } of parts) {
      const radius = Math.hypot(
        (x - centre[0]) / half[0],
        (y - centre[1]) / half[1],
        (z - centre[2]) / half[2],
      )
      // Partial volume: an edge about 3 mm wide.
      const share = 1 / (1 + Math.exp((radius - 1) * Math.min(...half)))
      value += share * (inside - value)
    }
    data[v] = Math.hypot(value + noise * draw.normal(), noise * draw.normal())
  }
  return volumeOf(grid, data)
}

/** Cubic voxels of `mm` along R, A, S, 200 x 230 x 210 mm about the origin. */
export function uprightGrid(mm: number): Grid {
  const shape = [200, 230, 210].map((length) => Math.round(length / mm)) as [number, number, number]
  const [x, y, z] = shape.map((n) => (-(n - 1) / 2) * mm) as [number, number, number]
  return { shape, affine: [mm, 0, 0, x, 0, mm, 0, y, 0, 0, mm, z, 0, 0, 0, 1] }
}
