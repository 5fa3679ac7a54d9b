/** Poisson's equation on a regular grid. */
import type { Shape } from '../../src/volume/volume.ts'

const TOLERANCE = 1e-4
const MOST_STEPS = 400

/**
 * The potential whose Laplacian is `source`, 0 beyond the grid: conjugate gradients on the seven-point stencil, until the residual is 1e-4 of
 * the source.
 * @see Hestenes and Stiefel, J Res Natl Bur Stand 49:409-436 (1952), doi:10.6028/jres.049.044
 */
export function potential(source: ArrayLike<number>, shape: Shape, spacingMm: number): Float64Array {
  const n = source.length
  const x = new Float64Array(n)
  const residual = Float64Array.from({ length: n }, (_, i) => -source[i]! * spacingMm ** 2)
  const direction = residual.slice()
  const product = new Float64Array(n)
  let squared = dot(residual, residual)
  const enough = squared * TOLERANCE ** 2
  for (let step = 0; step < MOST_STEPS && squared > enough; step++) {
    negativeLaplacianInto(product, direction, shape)
    const length = squared / dot(direction, product)
    for (let i = 0; i < n; i++) {
      x[i]! += length * direction[i]!
      residual[i]! -= length * product[i]!
    }
    const next = dot(residual, residual)
    const keep = next / squared
    for (let i = 0; i < n; i++) direction[i] = residual[i]! + keep * direction[i]!
    squared = next
  }
  return x
}

function negativeLaplacianInto(out: Float64Array, x: Float64Array, [nx, ny, nz]: Shape): void {
  const sy = nx
  const sz = nx * ny
  for (let k = 0, i = 0; k < nz; k++)
    for (let j = 0; j < ny; j++)
      for (let h = 0; h < nx; h++, i++) {
        let sum = 6 * x[i]!
        if (h > 0) sum -= x[i - 1]!
        if (h < nx - 1) sum -= x[i + 1]!
        if (j > 0) sum -= x[i - sy]!
        if (j < ny - 1) sum -= x[i + sy]!
        if (k > 0) sum -= x[i - sz]!
        if (k < nz - 1) sum -= x[i + sz]!
        out[i] = sum
      }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}
