/** Whether two images show some of the same space. */
import type { Grid } from '../volume/volume.ts'

type Vector = readonly [number, number, number]

/**
 * Whether the boxes that the voxels of two grids fill share more than a touch.
 * @see Gottschalk, Lin, Manocha, SIGGRAPH 1996, doi:10.1145/237170.237244: two convex boxes are apart exactly when
 * some face normal, or cross product of an edge of each, separates them (15 directions)
 */
export function fieldsOverlap(a: Grid, b: Grid): boolean {
  const [edgesA, edgesB] = [edges(a), edges(b)]
  const [startA, startB] = [corner(a), corner(b)]
  const normals = (e: readonly Vector[]): Vector[] => [
    cross(e[0] as Vector, e[1] as Vector),
    cross(e[0] as Vector, e[2] as Vector),
    cross(e[1] as Vector, e[2] as Vector),
  ]
  const directions = [
    ...normals(edgesA),
    ...normals(edgesB),
    ...edgesA.flatMap((p) => edgesB.map((q) => cross(p, q))),
  ]
  return directions.every((direction) => {
    const [lowA, highA] = extent(startA, edgesA, direction)
    const [lowB, highB] = extent(startB, edgesB, direction)
    const slack = 1e-9 * Math.max(highA - lowA, highB - lowB)
    // Parallel edges give no direction: their cross product is 0 and separates nothing.
    return Math.hypot(...direction) < 1e-9 || (highA > lowB + slack && highB > lowA + slack)
  })
}

/** The full edges of the box, in mm: voxels counted by their faces, not their centres. */
function edges({ shape, affine }: Grid): readonly Vector[] {
  return shape.map((n, c) => [
    n * (affine[c] as number),
    n * (affine[4 + c] as number),
    n * (affine[8 + c] as number),
  ])
}

function corner({ affine: a }: Grid): Vector {
  const at = (row: number): number =>
    (a[row * 4 + 3] as number) -
    0.5 * ((a[row * 4] as number) + (a[row * 4 + 1] as number) + (a[row * 4 + 2] as number))
  return [at(0), at(1), at(2)]
}

function extent(start: Vector, sides: readonly Vector[], direction: Vector): [low: number, high: number] {
  let low = dot(start, direction)
  let high = low
  for (const side of sides) {
    const length = dot(side, direction)
    if (length < 0) low += length
    else high += length
  }
  return [low, high]
}

function dot([a, b, c]: Vector, [x, y, z]: Vector): number {
  return a * x + b * y + c * z
}

function cross([a, b, c]: Vector, [x, y, z]: Vector): Vector {
  return [b * z - c * y, c * x - a * z, a * y - b * x]
}
