/** Rectangular parts of a grid; the first axis varies fastest. */

type Shape = readonly [nx: number, ny: number, nz: number]

export interface Box {
  readonly from: Shape
  readonly shape: Shape
}

/** The smallest box around the voxels of a mask, and `margin` voxels more on every side, within the grid; the whole grid where the mask is empty. */
export function boxAround(mask: ArrayLike<number>, [nx, ny, nz]: Shape, margin: number): Box {
  const low = [nx, ny, nz]
  const high = [-1, -1, -1]
  for (let z = 0, v = 0; z < nz; z++)
    for (let y = 0; y < ny; y++)
      for (let x = 0; x < nx; x++, v++) {
        if (mask[v] === 0) continue
        low[0] = Math.min(low[0]!, x)
        high[0] = Math.max(high[0]!, x)
        low[1] = Math.min(low[1]!, y)
        high[1] = Math.max(high[1]!, y)
        low[2] = Math.min(low[2]!, z)
        high[2] = z
      }
  if (high[2] === -1) return { from: [0, 0, 0], shape: [nx, ny, nz] }
  const from = low.map((at) => Math.max(0, at - margin)) as unknown as Shape
  const shape = [nx, ny, nz].map((n, axis) => Math.min(n, high[axis]! + 1 + margin) - from[axis]!)
  return { from, shape: shape as unknown as Shape }
}

/** The samples in the box. */
export function cropped<T extends Float32Array | Uint8Array>(x: T, grid: Shape, box: Box): T {
  const out = x.slice(0, box.shape[0] * box.shape[1] * box.shape[2]) as T
  rowsOf(grid, box, (row, at) => out.set(x.subarray(row, row + box.shape[0]), at))
  return out
}

/** `x` with the samples in the box replaced; `x` stays as it is. */
export function pasted<T extends Float32Array | Uint8Array>(x: T, grid: Shape, box: Box, part: T): T {
  const out = x.slice() as T
  rowsOf(grid, box, (row, at) => out.set(part.subarray(at, at + box.shape[0]), row))
  return out
}

/** Where each row of the box begins, in the grid and in the box. */
function rowsOf([nx, ny]: Shape, { from, shape }: Box, visit: (row: number, at: number) => void): void {
  for (let z = 0, at = 0; z < shape[2]; z++)
    for (let y = 0; y < shape[1]; y++, at += shape[0])
      visit(from[0] + nx * (from[1] + y + ny * (from[2] + z)), at)
}
