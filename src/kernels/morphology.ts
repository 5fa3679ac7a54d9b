/** Binary shapes on a grid: non-zero is inside, results are 0 or 1; the first axis varies fastest. */

type Shape = readonly [nx: number, ny: number, nz: number]
/** Voxels that share a face; or a face, an edge or a corner. */
export type Neighbours = 6 | 26

/** Voxels within `n` steps of the mask. */
export function dilate(mask: Uint8Array, shape: Shape, n = 1, neighbours: Neighbours = 6): Uint8Array {
  let current = inverse(inverse(mask))
  // A cube is a line along each axis in turn; a cross is the three lines through one voxel together.
  const passes = neighbours === 26 ? [[0], [1], [2]] : [[0, 1, 2]]
  for (let step = 0; step < n; step++)
    for (const axes of passes) {
      const out = current.slice()
      for (const axis of axes) spreadInto(out, current, shape, axis)
      current = out
    }
  return current
}

/** Voxels more than `n` steps from everything outside the mask; what lies beyond the image counts as inside. */
export function erode(mask: Uint8Array, shape: Shape, n = 1, neighbours: Neighbours = 6): Uint8Array {
  return inverse(dilate(inverse(mask), shape, n, neighbours))
}

/** Gaps of up to 2 `n` voxels between walls of the mask are filled; the border neither fills nor eats, as if the image went on empty. */
export function close(mask: Uint8Array, shape: Shape, n = 1, neighbours: Neighbours = 6): Uint8Array {
  const wide: Shape = [shape[0] + 2 * n, shape[1] + 2 * n, shape[2] + 2 * n]
  const padded = new Uint8Array(wide[0] * wide[1] * wide[2])
  const rows = (visit: (inner: number, outer: number) => void): void => {
    for (let k = 0; k < shape[2]; k++)
      for (let j = 0; j < shape[1]; j++)
        visit((k * shape[1] + j) * shape[0], ((k + n) * wide[1] + j + n) * wide[0] + n)
  }
  rows((inner, outer) => padded.set(mask.subarray(inner, inner + shape[0]), outer))
  const closed = erode(dilate(padded, wide, n, neighbours), wide, n, neighbours)
  const out = new Uint8Array(mask.length)
  rows((inner, outer) => out.set(closed.subarray(outer, outer + shape[0]), inner))
  return out
}

function inverse(mask: Uint8Array): Uint8Array {
  const out = new Uint8Array(mask.length)
  for (let v = 0; v < mask.length; v++) out[v] = mask[v] === 0 ? 1 : 0
  return out
}

/** Sets `out` at both neighbours along `axis` of every voxel of `mask`. */
function spreadInto(out: Uint8Array, mask: Uint8Array, shape: Shape, axis: number): void {
  const n = shape[axis]!
  const stride = axis === 0 ? 1 : axis === 1 ? shape[0] : shape[0] * shape[1]
  for (let base = 0; base < mask.length; base += n * stride) {
    const end = base + (n - 1) * stride
    for (let v = base; v < end; v++) {
      out[v]! |= mask[v + stride]!
      out[v + stride]! |= mask[v]!
    }
  }
}

/** The largest set of voxels joined by faces; among equals the first in memory. Empty stays empty. */
export function largestComponent(mask: Uint8Array, shape: Shape): Uint8Array {
  const seen = inverse(mask)
  const queue = new Int32Array(mask.length)
  let bestSeed = -1
  let bestSize = 0
  for (let seed = 0; seed < mask.length; seed++) {
    if (seen[seed] !== 0) continue
    const size = flood(seen, queue, seed, shape)
    if (size > bestSize) [bestSeed, bestSize] = [seed, size]
  }
  const out = new Uint8Array(mask.length)
  if (bestSeed < 0) return out
  seen.set(inverse(mask))
  flood(seen, queue, bestSeed, shape)
  for (let i = 0; i < bestSize; i++) out[queue[i]!] = 1
  return out
}

/** The mask with every part of its outside that does not reach the image border (through faces) filled. */
export function fillHoles(mask: Uint8Array, shape: Shape): Uint8Array {
  const [nx, ny, nz] = shape
  const seen = inverse(inverse(mask))
  const queue = new Int32Array(mask.length)
  const reach = (v: number): void => {
    if (seen[v] === 0) flood(seen, queue, v, shape)
  }
  for (let k = 0; k < nz; k++)
    for (let j = 0; j < ny; j++) {
      const row = (k * ny + j) * nx
      if (k === 0 || k === nz - 1 || j === 0 || j === ny - 1) for (let i = 0; i < nx; i++) reach(row + i)
      else {
        reach(row)
        reach(row + nx - 1)
      }
    }
  // What the flood reached from the border is outside; `seen` holds it together with the mask itself.
  const out = inverse(seen)
  for (let v = 0; v < out.length; v++) if (mask[v] !== 0) out[v] = 1
  return out
}

/** Marks in `seen`, and lists at the start of `queue`, the unseen voxels joined to `seed`; returns their number. */
function flood(seen: Uint8Array, queue: Int32Array, seed: number, [nx, ny, nz]: Shape): number {
  const slice = nx * ny
  let count = 0
  const visit = (v: number): void => {
    if (seen[v] !== 0) return
    seen[v] = 1
    queue[count++] = v
  }
  visit(seed)
  for (let head = 0; head < count; head++) {
    const v = queue[head]!
    const i = v % nx
    const j = ((v - i) / nx) % ny
    const k = Math.floor(v / slice)
    if (i > 0) visit(v - 1)
    if (i < nx - 1) visit(v + 1)
    if (j > 0) visit(v - nx)
    if (j < ny - 1) visit(v + nx)
    if (k > 0) visit(v - slice)
    if (k < nz - 1) visit(v + slice)
  }
  return count
}

/**
 * Squared distance in mm2 from every voxel centre to the nearest voxel centre of the mask; 0 inside, Infinity where the mask is empty.
 * @param voxelSize edge lengths in mm along the stored axes
 * @see Felzenszwalb, Huttenlocher, Theory of Computing 8:415-428 (2012), doi:10.4086/toc.2012.v008a019
 */
export function distanceToMask(
  mask: Uint8Array,
  shape: Shape,
  voxelSize: readonly [number, number, number],
): Float32Array {
  const out = new Float32Array(mask.length)
  for (let v = 0; v < out.length; v++) out[v] = mask[v] === 0 ? Number.POSITIVE_INFINITY : 0
  let stride = 1
  for (let axis = 0; axis < 3; axis++) {
    const n = shape[axis]!
    const line = new Float64Array(n)
    const envelope = { vertices: new Int32Array(n), starts: new Float64Array(n + 1) }
    for (let base = 0; base < out.length; base += n * stride)
      for (let s = 0; s < stride; s++) {
        for (let i = 0; i < n; i++) line[i] = out[base + s + i * stride]!
        distanceAlong(out, base + s, stride, line, voxelSize[axis]! ** 2, envelope)
      }
    stride *= n
  }
  return out
}

/** out[p] = min over q of (p - q)^2 * unit + line[q]: the lower envelope of parabolas rooted at the finite q. */
function distanceAlong(
  out: Float32Array,
  offset: number,
  stride: number,
  line: Float64Array,
  unit: number,
  { vertices, starts }: { vertices: Int32Array; starts: Float64Array },
): void {
  const n = line.length
  let last = -1
  for (let q = 0; q < n; q++) {
    if (line[q] === Number.POSITIVE_INFINITY) continue
    let cross = Number.NEGATIVE_INFINITY
    for (; last >= 0; last--) {
      const p = vertices[last]!
      cross = ((line[q]! - line[p]!) / unit + q * q - p * p) / (2 * (q - p))
      if (cross > starts[last]!) break
      cross = Number.NEGATIVE_INFINITY
    }
    vertices[++last] = q
    starts[last] = cross
  }
  if (last < 0) return
  for (let p = 0, k = 0; p < n; p++) {
    while (k < last && starts[k + 1]! <= p) k++
    const q = vertices[k]!
    out[offset + p * stride] = (p - q) * (p - q) * unit + line[q]!
  }
}
