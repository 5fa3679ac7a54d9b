/** The mapping of a harmonizer as it acts near chosen places: read off input and output, so it holds for every method. */
import type { Curve } from '../src/evidence/evidence.ts'
import { transformPoint } from '../src/kernels/matrix.ts'
import { frameOf } from '../src/volume/frame.ts'
import { type Grid, voxelSize } from '../src/volume/volume.ts'
import { type Index3, maskExtent } from './mask-extent.ts'

const RADIUS_MM = 18
const BINS = 24
const MIN_PER_BIN = 12

/** Places as shares of the way from the mask's centre to its faces, along R, A, S. */
const PLACES: readonly { readonly label: string; readonly toward: readonly [number, number, number] }[] = [
  { label: 'left', toward: [-0.6, 0, 0.2] },
  { label: 'right', toward: [0.6, 0, 0.2] },
  { label: 'front', toward: [0, 0.65, 0.2] },
  { label: 'back', toward: [0, -0.65, 0.2] },
  { label: 'top', toward: [0, 0, 0.7] },
]

/**
 * Median output over narrow bins of input, in spheres of 18 mm inside the mask. Places where the mask holds too few
 * voxels for three bins are left out.
 */
export function localCurves(
  grid: Grid,
  input: Float32Array,
  output: Float32Array,
  mask: Uint8Array,
): readonly Curve[] {
  const { low, high } = maskExtent(grid.shape, mask, 0.01)
  const frame = frameOf(grid)
  return PLACES.flatMap(({ label, toward }) => {
    const place: [number, number, number] = [0, 0, 0]
    for (const axis of [0, 1, 2] as const) {
      const stored = frame.axes[axis] as 0 | 1 | 2
      const share = frame.flips[axis] ? -toward[axis] : toward[axis]
      place[stored] = ((1 - share) * low[stored] + (1 + share) * high[stored]) / 2
    }
    const curve = medians(pairsNear(grid, input, output, mask, place))
    if (curve.input.length < 3) return []
    const at = transformPoint(grid.affine, place).map((v) => Math.round(v)) as [number, number, number]
    return [{ label, at, radiusMm: RADIUS_MM, ...curve }]
  })
}

function pairsNear(
  grid: Grid,
  input: Float32Array,
  output: Float32Array,
  mask: Uint8Array,
  center: Index3,
): readonly (readonly [number, number])[] {
  const size = voxelSize(grid)
  const [nx, ny] = grid.shape
  const found: [number, number][] = []
  const bounds = ([0, 1, 2] as const).map((axis) => {
    const reach = RADIUS_MM / size[axis]
    const last = (grid.shape[axis] ?? 1) - 1
    return [Math.max(0, Math.ceil(center[axis] - reach)), Math.min(last, Math.floor(center[axis] + reach))]
  }) as [[number, number], [number, number], [number, number]]
  const [[x0, x1], [y0, y1], [z0, z1]] = bounds
  for (let z = z0; z <= z1; z++)
    for (let y = y0; y <= y1; y++)
      for (let x = x0; x <= x1; x++) {
        const i = x + nx * (y + ny * z)
        const distance = Math.hypot(
          (x - center[0]) * size[0],
          (y - center[1]) * size[1],
          (z - center[2]) * size[2],
        )
        const pair: [number, number] = [input[i] as number, output[i] as number]
        if (mask[i] !== 0 && distance <= RADIUS_MM && Number.isFinite(pair[0] + pair[1])) found.push(pair)
      }
  return found.sort((a, b) => a[0] - b[0])
}

/** @param pairs ascending by input */
function medians(pairs: readonly (readonly [number, number])[]): { input: number[]; output: number[] } {
  const input: number[] = []
  const output: number[] = []
  const first = pairs[Math.floor(0.02 * pairs.length)]?.[0] ?? 0
  const last = pairs[Math.floor(0.98 * (pairs.length - 1))]?.[0] ?? 0
  const width = (last - first) / BINS
  for (let bin = 0, k = 0; bin < BINS && width > 0; bin++) {
    const values: number[] = []
    for (; k < pairs.length && (pairs[k]?.[0] ?? 0) < first + (bin + 1) * width; k++)
      if ((pairs[k]?.[0] ?? 0) >= first + bin * width) values.push(pairs[k]?.[1] ?? 0)
    if (values.length < MIN_PER_BIN) continue
    values.sort((a, b) => a - b)
    input.push(significant(first + (bin + 0.5) * width))
    output.push(significant(values[values.length >> 1] ?? 0))
  }
  return { input, output }
}

/** Five significant digits: more would only fill the file. */
function significant(value: number): number {
  return Number(value.toPrecision(5))
}
