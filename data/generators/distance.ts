/** Exact Euclidean distance on a voxel grid, in voxels. */
import type { Shape } from '../../src/volume/volume.ts'

const FAR = 1e12

/**
 * Distance in voxels from each voxel's centre to the nearest voxel of `set`; 1e6 where the set is empty.
 * @see Felzenszwalb and Huttenlocher, Theory of Computing 8:415-428 (2012), doi:10.4086/toc.2012.v008a019
 */
export function distanceTo(set: (index: number) => boolean, shape: Shape): Float32Array {
  const [nx, ny, nz] = shape
  const squared = new Float64Array(nx * ny * nz)
  for (let i = 0; i < squared.length; i++) squared[i] = set(i) ? 0 : FAR
  const lines = [
    { n: nx, stride: 1, starts: [ny * nz, (k: number) => k * nx] },
    { n: ny, stride: nx, starts: [nx * nz, (k: number) => (k % nx) + Math.floor(k / nx) * nx * ny] },
    { n: nz, stride: nx * ny, starts: [nx * ny, (k: number) => k] },
  ] as const
  const longest = Math.max(nx, ny, nz)
  const line = new Float64Array(longest)
  const parabola = new Int32Array(longest)
  const border = new Float64Array(longest + 1)
  for (const { n, stride, starts } of lines) {
    for (let k = 0; k < starts[0]; k++) {
      const start = starts[1](k)
      for (let i = 0; i < n; i++) line[i] = squared[start + i * stride]!
      lowerEnvelope(line, n, parabola, border)
      for (let i = 0, p = 0; i < n; i++) {
        while (border[p + 1]! < i) p++
        const q = parabola[p]!
        squared[start + i * stride] = (i - q) * (i - q) + line[q]!
      }
    }
  }
  return Float32Array.from(squared, Math.sqrt)
}

/** Parabolas (apex at q, height f[q]) that form the lower envelope, and where each takes over. */
function lowerEnvelope(f: Float64Array, n: number, parabola: Int32Array, border: Float64Array): void {
  let k = 0
  parabola[0] = 0
  border[0] = -Infinity
  border[1] = Infinity
  for (let q = 1; q < n; q++) {
    let meet = crossing(f, q, parabola[k]!)
    while (meet <= border[k]!) {
      k--
      meet = crossing(f, q, parabola[k]!)
    }
    k++
    parabola[k] = q
    border[k] = meet
    border[k + 1] = Infinity
  }
}

function crossing(f: Float64Array, q: number, p: number): number {
  return (f[q]! + q * q - (f[p]! + p * p)) / (2 * (q - p))
}
