import type { Shape } from '../volume/volume.ts'

/** Constants of Wang et al. 2004. */
const K1 = 0.01
const K2 = 0.03
/** Standard deviation of the window in voxels, and its half-width: 11 taps per axis, as published. */
const SIGMA = 1.5
const RADIUS = 5

/**
 * Structural similarity in three dimensions, mean over a mask.
 *
 *     SSIM_i = (2 μx μy + C1)(2 σxy + C2) / ((μx² + μy² + C1)(σx² + σy² + C2)),
 *     C1 = (0.01 L)²,  C2 = (0.03 L)²
 *
 * with local means μ, variances σ² and covariance σxy under an 11x11x11 Gaussian window of SD 1.5 voxels
 * (weights sum to 1, population moments), mirrored at the faces of the image (… b a | a b …).
 * L is the data range, which the caller states: the reference domain's robust range in attune.
 * Higher is better; 1 means equal images. The window looks at voxels outside the mask; the mean does not.
 *
 * @param x     image, length V = nx·ny·nz, x fastest, finite where the window looks
 * @param y     reference on the same grid
 * @param shape grid of both
 * @param mask  length V
 * @param range data range L in the unit of the images, > 0
 * @returns mean over the mask, −1..1; NaN when no voxel is selected
 * @see Wang, Bovik, Sheikh, Simoncelli, IEEE Trans. Image Process. 13(4):600–612 (2004), doi:10.1109/TIP.2003.819861
 */
export function ssim(
  x: Float32Array,
  y: Float32Array,
  shape: Shape,
  mask: Uint8Array,
  range: number,
): number {
  return ssimTo(y, shape, mask, range)(x)
}

/** The same for several images with one reference, whose windows are summed once. */
export function ssimTo(
  y: Float32Array,
  shape: Shape,
  mask: Uint8Array,
  range: number,
): (x: Float32Array) => number {
  const box = boundingBox(shape, mask)
  if (box === undefined) return () => Number.NaN
  const { size, voxels } = box
  const crop = (value: (i: number) => number): Float64Array => {
    const out = new Float64Array(voxels.length)
    for (let k = 0; k < voxels.length; k++) out[k] = value(voxels[k]!)
    return windowed(out, size)
  }
  const meanY = crop((i) => y[i]!)
  const squareY = crop((i) => y[i]! * y[i]!)
  const c1 = (K1 * range) ** 2
  const c2 = (K2 * range) ** 2
  return (x) => {
    const meanX = crop((i) => x[i]!)
    const squareX = crop((i) => x[i]! * x[i]!)
    const product = crop((i) => x[i]! * y[i]!)
    let n = 0
    let sum = 0
    for (let k = 0; k < voxels.length; k++) {
      if (mask[voxels[k]!] === 0) continue
      const mx = meanX[k]!
      const my = meanY[k]!
      const vx = squareX[k]! - mx * mx
      const vy = squareY[k]! - my * my
      const cov = product[k]! - mx * my
      n++
      sum += ((2 * mx * my + c1) * (2 * cov + c2)) / ((mx * mx + my * my + c1) * (vx + vy + c2))
    }
    return sum / n
  }
}

/**
 * The mask's bounding box, widened by the window's half-width, but never beyond the image, where mirroring
 * starts: inside it every window sum over masked voxels equals that of the whole image.
 */
function boundingBox(
  [nx, ny, nz]: Shape,
  mask: Uint8Array,
): { size: Shape; voxels: Uint32Array } | undefined {
  const low = [nx, ny, nz]
  const high = [-1, -1, -1]
  let i = 0
  for (let z = 0; z < nz; z++)
    for (let y = 0; y < ny; y++)
      for (let x = 0; x < nx; x++) {
        if (mask[i++] === 0) continue
        if (x < low[0]!) low[0] = x
        if (x > high[0]!) high[0] = x
        if (y < low[1]!) low[1] = y
        if (y > high[1]!) high[1] = y
        low[2] = Math.min(low[2]!, z)
        high[2] = z
      }
  if (high[0]! < 0) return undefined
  const [x0, y0, z0] = low.map((v) => Math.max(0, v - RADIUS)) as [number, number, number]
  const [x1, y1, z1] = [nx, ny, nz].map((n, axis) => Math.min(n - 1, high[axis]! + RADIUS)) as [
    number,
    number,
    number,
  ]
  const size: Shape = [x1 - x0 + 1, y1 - y0 + 1, z1 - z0 + 1]
  const voxels = new Uint32Array(size[0] * size[1] * size[2])
  let k = 0
  for (let z = z0; z <= z1; z++)
    for (let y = y0; y <= y1; y++) for (let x = x0; x <= x1; x++) voxels[k++] = x + nx * (y + ny * z)
  return { size, voxels }
}

/** Lines that are read side by side: as many doubles as memory hands over at once, several times. */
const SIDE_BY_SIDE = 64

/** Gaussian window sums along each axis in turn; `field` is overwritten and returned. */
function windowed(field: Float64Array, [nx, ny, nz]: Shape): Float64Array {
  alongAxis(field, nx, 1)
  alongAxis(field, ny, nx)
  alongAxis(field, nz, nx * ny)
  return field
}

function alongAxis(field: Float64Array, n: number, stride: number): void {
  const most = Math.min(SIDE_BY_SIDE, stride)
  const lines = new Float64Array((n + 2 * RADIUS) * most)
  const block = stride * n
  for (let first = 0; first < field.length; first += block)
    for (let start = first; start < first + stride; start += most) {
      const width = Math.min(most, first + stride - start)
      for (let p = -RADIUS; p < n + RADIUS; p++) {
        const [to, from] = [(p + RADIUS) * width, start + mirrored(p, n) * stride]
        for (let k = 0; k < width; k++) lines[to + k] = field[from + k]!
      }
      for (let p = 0; p < n; p++) {
        const [to, from] = [start + p * stride, (p + RADIUS) * width]
        for (let k = 0; k < width; k++) {
          const c = from + k
          field[to + k] =
            W0 * lines[c]! +
            W1 * (lines[c - width]! + lines[c + width]!) +
            W2 * (lines[c - 2 * width]! + lines[c + 2 * width]!) +
            W3 * (lines[c - 3 * width]! + lines[c + 3 * width]!) +
            W4 * (lines[c - 4 * width]! + lines[c + 4 * width]!) +
            W5 * (lines[c - 5 * width]! + lines[c + 5 * width]!)
        }
      }
    }
}

function mirrored(p: number, n: number): number {
  const period = 2 * n
  const q = ((p % period) + period) % period
  return q < n ? q : period - 1 - q
}

const [W0, W1, W2, W3, W4, W5] = window()

function window(): readonly [number, number, number, number, number, number] {
  const g = [0, 1, 2, 3, 4, 5].map((d) => Math.exp(-(d * d) / (2 * SIGMA * SIGMA)))
  const sum = g[0]! + 2 * (g[1]! + g[2]! + g[3]! + g[4]! + g[5]!)
  return [g[0]! / sum, g[1]! / sum, g[2]! / sum, g[3]! / sum, g[4]! / sum, g[5]! / sum]
}
